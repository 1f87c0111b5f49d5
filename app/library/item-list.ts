import type { EngineParsedArgs } from '../contract/index.ts'

export type ListArgs = Partial<EngineParsedArgs<'library.list'>>

const SORT_COLUMNS = {
  added: 'added_at_ms',
  name: 'name_folded',
  size: 'size_bytes',
  uploaded: 'uploaded_bytes',
} as const

const FILTERS = {
  all: '',
  attention: 'AND needs_attention = 1',
  public: "AND access_level = 'public'",
  private: "AND access_level <> 'public'",
} as const

/** `%` and `_` in a search are characters like others; ids are found by pasting them. */
export const MATCHES = 'AND (instr(name_folded, @search) > 0 OR media_id = @search OR info_hash = @search)'

/** Exported for the test that asks SQLite how it would run it. */
export function listQuery(args: ListArgs): { sql: string; parameters: Record<string, unknown> } {
  const column = SORT_COLUMNS[args.sort ?? 'added']
  const direction = args.direction === 'asc' ? 'ASC' : 'DESC'
  const search = foldName(args.search ?? '')
  const sql = `SELECT * FROM items WHERE ${whereOf(args)}
    ${search === '' ? '' : MATCHES} ORDER BY ${column} ${direction}, id ${direction} LIMIT @limit OFFSET @offset`
  const page = { limit: args.limit ?? 100, offset: args.offset ?? 0 }
  return { sql, parameters: search === '' ? page : { ...page, search } }
}

/** How many rows of the whole list come before an item; no row when it is not in it. */
export function positionQuery({ sort = 'added', direction = 'desc' }: ListArgs): string {
  const column = SORT_COLUMNS[sort]
  return `SELECT (SELECT count(*) FROM items WHERE ${whereOf({})}
      AND (${column}, id) ${direction === 'asc' ? '<' : '>'} (item.${column}, item.id)) AS position
    FROM items AS item WHERE item.media_id = ? AND item.trashed_at_ms IS NULL`
}

export function whereOf({ isTrashed = false, filter = 'all' }: ListArgs): string {
  return `trashed_at_ms IS ${isTrashed ? 'NOT ' : ''}NULL ${FILTERS[filter]}`
}

/** How names are compared: case, width and accents that were typed differently don't matter, invisible marks don't count. */
export function foldName(name: string): string {
  return name
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .toLowerCase()
    .trim()
}
