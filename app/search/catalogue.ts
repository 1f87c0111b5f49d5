import { AppError } from '../contract/index.ts'
import type { AccessLevel, MediaKind } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import { canRead } from '../manifest/index.ts'
import type { Reader } from '../manifest/index.ts'
import { holdsStretches, matchQuery, scoreOf, termsOf, wordsOf } from './words.ts'

/** One item of one publisher, as far as its verified manifest tells it. */
export interface CatalogueEntry {
  /** 64 hex. */
  readonly mediaId: string
  /** 66 hex: the publisher. Two publishers of the same bytes are two entries. */
  readonly owner: string
  readonly name: string
  readonly mime: string
  readonly sizeBytes: number
  readonly createdAtMs: number
  readonly accessLevel: AccessLevel
  /** Owner keys of those it is shared with. */
  readonly sharedWith: readonly string[]
  readonly infoHash?: string | undefined
  /** Of the manifest that says so. */
  readonly version: number
  /** SEA key of the publisher in whose own space it was found. */
  readonly pub?: string | undefined
  /** Name and type came out of a seal the node's owner can open: for nobody else, and for nobody else's searches. */
  readonly isSealed: boolean
}

/** Publishers: by their owner key, or by the space only they can write to (SEA key). An entry of any of them counts. */
export interface PublisherSet {
  readonly owners: readonly string[]
  readonly pubs: readonly string[]
}

export interface CatalogueQuery {
  /** Words that all must be there, or begin one that is. Empty: everything, newest first. */
  readonly text?: string | undefined
  readonly kind?: MediaKind | undefined
  readonly owner?: string | undefined
  readonly publishers?: PublisherSet | undefined
  readonly accessLevel?: AccessLevel | undefined
  /** 1 … 100. @defaultValue 20 */
  readonly limit?: number | undefined
  /** What the page before gave. */
  readonly cursor?: string | undefined
}

export interface CataloguePage {
  readonly entries: CatalogueEntry[]
  /** Absent on the last page. */
  readonly cursor?: string
}

interface RawEntry {
  id: number
  media_id: string
  owner: string
  name: string
  mime: string
  size_bytes: number
  created_at_ms: number
  access_level: AccessLevel
  shared_with: string
  info_hash: string | null
  version: number
  pub: string | null
  is_sealed: number
}

/** What is said of ciphertext to whoever has not opened it themselves. */
const SEALED = { name: 'Encrypted item', mime: 'application/octet-stream' }
/** So many of the newest matches are ranked; ranking all matches of a common word is what makes searches slow. */
const CANDIDATES = 500

/**
 * Everything that is known and believed, findable by its words: SQLite's FTS5. It is an index and no truth: it can be
 * made again from the library and the network's manifests at any time.
 */
export class Catalogue {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Takes entries in, or renews them; all of them or none. */
  put(entries: readonly CatalogueEntry[]): void {
    this.#db.write(() => {
      for (const entry of entries) this.#put(entry)
    })
  }

  /**
   * Makes the entries of these bytes exactly these, one for each of their publishers.
   * @returns whether anything was different
   */
  set(mediaId: string, entries: readonly CatalogueEntry[]): boolean {
    return this.#db.write(() => {
      const rows = this.#db.prepare('SELECT * FROM catalogue WHERE media_id = ?').all(mediaId) as RawEntry[]
      const gone = rows.filter((row) => !entries.some(({ owner }) => owner === row.owner))
      for (const { id } of gone) {
        this.#db.prepare('DELETE FROM catalogue_words WHERE rowid = ?').run(id)
        this.#db.prepare('DELETE FROM catalogue WHERE id = ?').run(id)
      }
      const before = new Map(rows.map((row) => [row.owner, JSON.stringify(columnsOf(entryOf(row)))]))
      const changed = entries.filter((entry) => before.get(entry.owner) !== JSON.stringify(columnsOf(entry)))
      for (const entry of changed) this.#put(entry)
      return gone.length + changed.length > 0
    })
  }

  /** Whether this version of this publisher's is what is indexed; without a version, whether any is. */
  has(mediaId: string, owner: string, version?: number): boolean {
    const row = this.#db
      .prepare('SELECT version FROM catalogue WHERE media_id = ? AND owner = ?')
      .get(mediaId, owner) as { version: number } | undefined
    return row !== undefined && (version === undefined || row.version === version)
  }

  /** Everything indexed, in parts. @param after the `id` of the last one of the part before; 0 for the first part */
  part(
    after: number,
    limit: number,
  ): { readonly id: number; readonly mediaId: string; readonly owner: string }[] {
    return this.#db
      .prepare('SELECT id, media_id AS mediaId, owner FROM catalogue WHERE id > ? ORDER BY id LIMIT ?')
      .all(after, limit) as { id: number; mediaId: string; owner: string }[]
  }

  /** How much is known of a publisher, by the node's owner. */
  count({ owners, pubs }: PublisherSet): number {
    const { n } = this.#db
      .prepare(`SELECT count(*) AS n FROM catalogue WHERE ${BY_PUBLISHERS}`)
      .get({ owners: JSON.stringify(owners), pubs: JSON.stringify(pubs) }) as { n: number }
    return n
  }

  /** The space in which something of an owner was found last. */
  pubOf(owner: string): string | undefined {
    const row = this.#db
      .prepare('SELECT pub FROM catalogue WHERE owner = ? AND pub IS NOT NULL ORDER BY id DESC LIMIT 1')
      .get(owner) as { pub: string } | undefined
    return row?.pub
  }

  /** Whose is everything that was found in a space; undefined when it is of several, or nothing is known of it. */
  ownerOf(pub: string): string | undefined {
    const rows = this.#db.prepare('SELECT DISTINCT owner FROM catalogue WHERE pub = ? LIMIT 2').all(pub)
    return rows.length === 1 ? (rows[0] as { owner: string }).owner : undefined
  }

  /**
   * A page of what matches and `reader` may know of: filtered first, then paged, so that no page tells of what was left out.
   * @throws {AppError} `BAD_REQUEST` for a cursor that is none
   */
  find(query: CatalogueQuery, reader: Reader): CataloguePage {
    const limit = Math.min(Math.max(query.limit ?? 20, 1), 100)
    const words = wordsOf(query.text ?? '')
    if (words.length === 0 && (query.text ?? '').trim() !== '') return { entries: [] }
    return words.length === 0 ? this.#browse(query, reader, limit) : this.#search(words, query, reader, limit)
  }

  #put(entry: CatalogueEntry): void {
    const row = this.#db
      .prepare(
        `INSERT INTO catalogue (media_id, owner, name, mime, kind, size_bytes, created_at_ms, access_level, shared_with,
           info_hash, version, pub, is_sealed)
         VALUES (@mediaId, @owner, @name, @mime, @kind, @sizeBytes, @createdAtMs, @accessLevel, @sharedWith, @infoHash,
           @version, @pub, @isSealed)
         ON CONFLICT (media_id, owner) DO UPDATE SET name = excluded.name, mime = excluded.mime, kind = excluded.kind,
           size_bytes = excluded.size_bytes, created_at_ms = excluded.created_at_ms, access_level = excluded.access_level,
           shared_with = excluded.shared_with, info_hash = excluded.info_hash, version = excluded.version,
           pub = excluded.pub, is_sealed = excluded.is_sealed
         RETURNING id`,
      )
      .get(columnsOf(entry)) as { id: number }
    this.#db.prepare('DELETE FROM catalogue_words WHERE rowid = ?').run(row.id)
    this.#db
      .prepare('INSERT INTO catalogue_words (rowid, words) VALUES (?, ?)')
      .run(row.id, termsOf(entry.name))
  }

  #browse(query: CatalogueQuery, reader: Reader, limit: number): CataloguePage {
    const { sql, parameters } = filterOf(query, reader)
    const [beforeMs, beforeId] = readCursor(query.cursor, 't') ?? [Number.MAX_SAFE_INTEGER, 0]
    const rows = this.#db
      .prepare(
        `SELECT * FROM catalogue WHERE (created_at_ms, id) < (@beforeMs, @beforeId) ${sql}
         ORDER BY created_at_ms DESC, id DESC LIMIT @limit`,
      )
      .all({ ...parameters, beforeMs, beforeId, limit: limit + 1 }) as RawEntry[]
    const last = rows[limit - 1]
    return page(
      rows,
      limit,
      reader,
      last === undefined ? undefined : cursorOf('t', last.created_at_ms, last.id),
    )
  }

  #search(words: readonly string[], query: CatalogueQuery, reader: Reader, limit: number): CataloguePage {
    const { sql, parameters } = filterOf(query, reader)
    const [offset, newestId] = readCursor(query.cursor, 'r') ?? [0, this.#newestId()]
    // CROSS JOIN: the words first, whatever SQLite thinks of the other side.
    const candidates = this.#db
      .prepare(
        `SELECT catalogue.id, catalogue.name FROM catalogue_words CROSS JOIN catalogue ON catalogue.id = catalogue_words.rowid
         WHERE catalogue_words MATCH @match AND catalogue_words.rowid <= @newestId ${sql}
         ORDER BY catalogue_words.rowid DESC LIMIT ${String(CANDIDATES)}`,
      )
      .all({ ...parameters, match: matchQuery(words), newestId }) as { id: number; name: string }[]
    const rows = candidates
      .filter(({ name }) => holdsStretches(name, words))
      .map(({ id, name }) => ({ id, score: scoreOf(name, words) }))
      .toSorted((a, b) => b.score - a.score || b.id - a.id)
      .slice(offset, offset + limit + 1)
      .map(({ id }) => this.#db.prepare('SELECT * FROM catalogue WHERE id = ?').get(id) as RawEntry)
    return page(rows, limit, reader, cursorOf('r', offset + limit, newestId))
  }

  #newestId(): number {
    const row = this.#db.prepare('SELECT coalesce(max(id), 0) AS id FROM catalogue').get() as { id: number }
    return row.id
  }
}

/** The values of an entry's row, always in this order. */
function columnsOf(entry: CatalogueEntry): Record<string, string | number | null> {
  return {
    mediaId: entry.mediaId,
    owner: entry.owner,
    name: entry.name,
    mime: entry.mime,
    kind: kindOf(entry.mime),
    sizeBytes: entry.sizeBytes,
    createdAtMs: entry.createdAtMs,
    accessLevel: entry.accessLevel,
    sharedWith: JSON.stringify(entry.sharedWith),
    infoHash: entry.infoHash ?? null,
    version: entry.version,
    pub: entry.pub ?? null,
    isSealed: Number(entry.isSealed),
  }
}

/** What kind of medium a type is. */
function kindOf(mime: string): MediaKind {
  const kind = mime.split('/', 1)[0]
  return kind === 'video' || kind === 'audio' || kind === 'image' || kind === 'text' ? kind : 'other'
}

/** What an entry must be, beside its words, and who may know of it: before anything is cut into pages. */
function filterOf(
  { text = '', kind, owner, publishers, accessLevel }: CatalogueQuery,
  reader: Reader,
): { sql: string; parameters: Record<string, string> } {
  const reading = reader.kind === 'bearer' ? reader.publicKey : undefined
  // What is under a seal is not found by it: the answer would tell of it.
  const isBySeal = text !== '' || kind !== undefined
  return {
    sql: [
      kind === undefined ? '' : 'AND kind = @kind',
      owner === undefined ? '' : 'AND owner = @owner',
      accessLevel === undefined ? '' : 'AND access_level = @accessLevel',
      publishers === undefined ? '' : `AND (${BY_PUBLISHERS})`,
      isBySeal && !isNodeOwner(reader) ? 'AND is_sealed = 0' : '',
      readerFilter(reader),
    ].join(' '),
    parameters: {
      ...(kind === undefined ? {} : { kind }),
      ...(owner === undefined ? {} : { owner }),
      ...(accessLevel === undefined ? {} : { accessLevel }),
      ...(publishers === undefined
        ? {}
        : { owners: JSON.stringify(publishers.owners), pubs: JSON.stringify(publishers.pubs) }),
      ...(reading === undefined ? {} : { reading }),
    },
  }
}

const BY_PUBLISHERS = `owner IN (SELECT value FROM json_each(@owners)) OR pub IN (SELECT value FROM json_each(@pubs))`

function isNodeOwner(reader: Reader): boolean {
  return reader.kind === 'bearer' && reader.isNodeOwner
}

/** `canRead` in SQL. */
function readerFilter(reader: Reader): string {
  if (reader.kind === 'stranger') return "AND access_level = 'public'"
  if (reader.isNodeOwner) return ''
  return `AND (access_level = 'public' OR owner = @reading OR (access_level IN ('shared', 'organization')
    AND EXISTS (SELECT 1 FROM json_each(shared_with) WHERE value = @reading)))`
}

function page(
  rows: readonly RawEntry[],
  limit: number,
  reader: Reader,
  cursor: string | undefined,
): CataloguePage {
  const entries = rows
    .slice(0, limit)
    .map(entryOf)
    // The index has filtered already; the one rule for everybody has the last word.
    .filter((entry) => canRead(reader, entry))
    .map((entry) => (entry.isSealed && !isNodeOwner(reader) ? { ...entry, ...SEALED } : entry))
  return { entries, ...(rows.length > limit && cursor !== undefined ? { cursor } : {}) }
}

function entryOf(row: RawEntry): CatalogueEntry {
  return {
    mediaId: row.media_id,
    owner: row.owner,
    name: row.name,
    mime: row.mime,
    sizeBytes: row.size_bytes,
    createdAtMs: row.created_at_ms,
    accessLevel: row.access_level,
    // Written by us alone.
    sharedWith: JSON.parse(row.shared_with) as string[],
    ...(row.info_hash === null ? {} : { infoHash: row.info_hash }),
    version: row.version,
    ...(row.pub === null ? {} : { pub: row.pub }),
    isSealed: row.is_sealed === 1,
  }
}

function cursorOf(kind: 't' | 'r', first: number, second: number): string {
  return Buffer.from(`${kind}:${String(first)}:${String(second)}`).toString('base64url')
}

function readCursor(cursor: string | undefined, kind: 't' | 'r'): [number, number] | undefined {
  if (cursor === undefined) return undefined
  const match = /^([tr]):(\d{1,16}):(\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (match?.[1] !== kind)
    throw new AppError('BAD_REQUEST', 'This page of the search is not there any more. Search again.')
  return [Number(match[2]), Number(match[3])]
}
