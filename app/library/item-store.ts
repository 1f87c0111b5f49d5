import type Database from 'better-sqlite3'
import type { Db } from './db.ts'
import { foldName, listQuery, MATCHES, positionQuery, whereOf } from './item-list.ts'
import type { ListArgs } from './item-list.ts'
import { fromRaw, rowOf } from './item-row.ts'
import type { FileState, ItemRow, RawItem, StoredItem } from './item-row.ts'
import type { ManifestView } from './sealed.ts'

export interface ListCounts {
  readonly all: number
  readonly attention: number
  readonly public: number
  readonly private: number
}
export interface ListResult {
  readonly rows: ItemRow[]
  /** Rows that match filter and search. */
  readonly total: number
  /** Of the whole library, whatever is searched for. */
  readonly counts: ListCounts
}

export type NewItem = Omit<StoredItem, 'uploadedBytes' | 'isManifestPending' | 'badIdentity'>

/** Kinds of rows that are walked through, and the index that holds them alone (SQLite would rather walk the table). */
const PAGES = {
  kept: 'items WHERE trashed_at_ms IS NULL',
  trashed: 'items INDEXED BY items_trashed WHERE trashed_at_ms IS NOT NULL',
  seeding:
    "items WHERE is_seeding_wanted = 1 AND info_hash IS NOT NULL AND trashed_at_ms IS NULL AND file_state = 'ok'",
  notOk: "items INDEXED BY items_not_ok WHERE file_state <> 'ok' AND trashed_at_ms IS NULL",
  checking:
    "items INDEXED BY items_not_ok WHERE file_state <> 'ok' AND file_state = 'checking' AND trashed_at_ms IS NULL",
  locked:
    "items INDEXED BY items_sealed WHERE protection IN ('locked', 'needs-key') AND protection = 'locked'",
  encrypted: "items WHERE protection <> 'none'",
  manifestPending: 'items INDEXED BY items_manifest_pending WHERE is_manifest_pending = 1',
} as const

/** Exported for the test that asks SQLite how it would run it. */
export function pageQuery(kind: keyof typeof PAGES): string {
  return `SELECT * FROM ${PAGES[kind]} AND id > ? ORDER BY id LIMIT 500`
}

/** The rows of the items table: with `item-row.ts` the only place that knows its columns. */
export class ItemStore {
  readonly #db: Db
  readonly #statements = new Map<string, Database.Statement>()
  #counts: ListCounts | undefined

  constructor(db: Db) {
    this.#db = db
  }

  get(mediaId: string): StoredItem | undefined {
    return toItem(this.#one('SELECT * FROM items WHERE media_id = ?', mediaId))
  }

  findByInfoHash(infoHash: string): StoredItem | undefined {
    const sql = 'SELECT * FROM items WHERE info_hash = ? AND trashed_at_ms IS NULL ORDER BY id LIMIT 1'
    return toItem(this.#one(sql, infoHash))
  }

  list(args: ListArgs): ListResult {
    const counts = this.counts()
    const { sql, parameters } = listQuery(args)
    const rows = this.#prepare(sql).all(parameters).map(toRow)
    const search = foldName(args.search ?? '')
    const isCounted = search === '' && args.isTrashed !== true
    const total = isCounted ? counts[args.filter ?? 'all'] : this.#countMatches(args, search)
    return { rows, total, counts }
  }

  counts(): ListCounts {
    this.#counts ??= this.#countAll()
    return this.#counts
  }

  /** Bytes of all items that are not in the trash. */
  totalBytes(): number {
    const row = this.#one('SELECT coalesce(sum(size_bytes), 0) AS sum FROM items WHERE trashed_at_ms IS NULL')
    return (row as { sum: number }).sum
  }

  hasAny(): boolean {
    return this.#one('SELECT 1 FROM items LIMIT 1') !== undefined
  }

  /** Every row of a kind, page by page, so that the database stays free in between. */
  *each(kind: keyof typeof PAGES): Generator<StoredItem> {
    const page = this.#prepare(pageQuery(kind))
    for (let after = 0; ;) {
      const rows = page.all(after) as (RawItem & { id: number })[]
      for (const row of rows) {
        after = row.id
        yield fromRaw(row)
      }
      if (rows.length < 500) return
    }
  }

  insert(item: NewItem): void {
    this.#counts = undefined
    this.#run(
      `INSERT INTO items (media_id, name, name_folded, mime, size_bytes, access_level, info_hash, piece_length,
        is_seeding_wanted, is_own, owner, created_at, added_at_ms, last_served_at_ms, manifest_version, file_state,
        file_identity, is_verified, trashed_at_ms, protection, plain_size_bytes, shared_with,
        has_conditions)
      VALUES (@mediaId, @name, @nameFolded, @mime, @sizeBytes, @accessLevel, @infoHash, @pieceLength,
        @isSeedingWanted, @isOwn, @owner, @createdAt, @addedAtMs, @lastServedAtMs, @manifestVersion, @fileState,
        @fileIdentity, @isVerified, @trashedAtMs, @protection, @plainSizeBytes, @sharedWith,
        @hasConditions)`,
      {
        ...item,
        ...describedColumns(item),
        isSeedingWanted: Number(item.isSeedingWanted),
        isOwn: Number(item.isOwn),
        isVerified: Number(item.isVerified),
        lastServedAtMs: item.lastServedAtMs ?? null,
        trashedAtMs: item.trashedAtMs ?? null,
      },
    )
  }

  /** What the newest manifest says. */
  describe(mediaId: string, item: Described): void {
    this.#counts = undefined
    this.#run(
      `UPDATE items SET name = @name, name_folded = @nameFolded, mime = @mime, access_level = @accessLevel,
        info_hash = @infoHash, piece_length = @pieceLength, owner = @owner, created_at = @createdAt,
        manifest_version = @manifestVersion, protection = @protection, plain_size_bytes = @plainSizeBytes,
        shared_with = @sharedWith, has_conditions = @hasConditions, is_manifest_pending = 0 WHERE media_id = @mediaId`,
      { ...item, ...describedColumns(item), mediaId },
    )
  }

  /** In which row of the whole list an item is; undefined when in none. */
  position(mediaId: string, order: Pick<ListArgs, 'sort' | 'direction'>): number | undefined {
    const row = this.#one(positionQuery(order), mediaId) as { position: number } | undefined
    return row?.position
  }

  /** How an encrypted item can be read now. */
  setView(mediaId: string, view: ManifestView): void {
    const { name, mime, protection, plainSizeBytes = null } = view
    this.#run(
      `UPDATE items SET name = ?, name_folded = ?, mime = ?, protection = ?, plain_size_bytes = ? WHERE media_id = ?`,
      name,
      foldName(name),
      mime,
      protection,
      plainSizeBytes,
      mediaId,
    )
  }

  /** Whose node this is now. @returns the ids of the items for which that makes a difference */
  setNodeOwner(owner: string | null): string[] {
    const rows = this.#db.write(() =>
      this.#prepare(
        'UPDATE items SET is_own = (owner = @owner) WHERE is_own <> (owner = @owner) RETURNING media_id',
      ).all({ owner: owner ?? '' }),
    ) as { media_id: string }[]
    return rows.map((row) => row.media_id)
  }

  set(mediaId: string, patch: ItemPatch): void {
    this.#counts = undefined
    const names = Object.keys(patch) as (keyof ItemPatch)[]
    const assignments = names.map((name) => `${PATCH_COLUMNS[name]} = ?`).join(', ')
    const values = names.map((name) => {
      const value = patch[name]
      return typeof value === 'boolean' ? Number(value) : value
    })
    this.#run(`UPDATE items SET ${assignments} WHERE media_id = ?`, ...values, mediaId)
  }

  addUsage(mediaId: string, uploadedBytes: number, lastServedAtMs: number | null): void {
    this.#run(
      `UPDATE items SET uploaded_bytes = uploaded_bytes + ?, last_served_at_ms = coalesce(?, last_served_at_ms)
       WHERE media_id = ?`,
      uploadedBytes,
      lastServedAtMs,
      mediaId,
    )
  }

  delete(mediaId: string): void {
    this.#counts = undefined
    this.#run('DELETE FROM items WHERE media_id = ?', mediaId)
  }

  /** Somebody else (the outbox) changed a row. */
  forgetCounts(): void {
    this.#counts = undefined
  }

  #countAll(): ListCounts {
    const access = this.#prepare(
      'SELECT access_level AS level, count(*) AS n FROM items WHERE trashed_at_ms IS NULL GROUP BY access_level',
    ).all() as { level: string; n: number }[]
    const attention = this.#one(
      'SELECT count(*) AS n FROM items WHERE trashed_at_ms IS NULL AND needs_attention = 1',
    ) as { n: number }
    const all = access.reduce((sum, { n }) => sum + n, 0)
    const isPublic = access.find(({ level }) => level === 'public')?.n ?? 0
    return { all, attention: attention.n, public: isPublic, private: all - isPublic }
  }

  #countMatches(args: ListArgs, search: string): number {
    const sql = `SELECT count(*) AS n FROM items WHERE ${whereOf(args)} ${search === '' ? '' : MATCHES}`
    return (this.#prepare(sql).get(search === '' ? {} : { search }) as { n: number }).n
  }

  /** A transaction of its own unless it is part of one. */
  #run(sql: string, ...parameters: unknown[]): void {
    this.#db.write(() => this.#prepare(sql).run(...parameters))
  }

  #one(sql: string, ...parameters: unknown[]): unknown {
    return this.#prepare(sql).get(...parameters)
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.sql.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

type Described = Pick<
  ItemRow,
  | 'name'
  | 'mime'
  | 'sizeBytes'
  | 'protection'
  | 'plainSizeBytes'
  | 'sharedWith'
  | 'hasConditions'
  | 'accessLevel'
  | 'infoHash'
  | 'pieceLength'
  | 'owner'
  | 'createdAt'
  | 'manifestVersion'
>

interface ItemPatch {
  readonly isSeedingWanted?: boolean
  readonly isManifestPending?: boolean
  readonly isVerified?: boolean
  readonly fileState?: FileState
  readonly fileIdentity?: string | null
  readonly badIdentity?: string | null
  readonly infoHash?: string | null
  readonly trashedAtMs?: number | null
  readonly uploadedBytes?: number
  readonly addedAtMs?: number
}

const PATCH_COLUMNS = {
  isSeedingWanted: 'is_seeding_wanted',
  isManifestPending: 'is_manifest_pending',
  isVerified: 'is_verified',
  fileState: 'file_state',
  fileIdentity: 'file_identity',
  badIdentity: 'bad_identity',
  infoHash: 'info_hash',
  trashedAtMs: 'trashed_at_ms',
  uploadedBytes: 'uploaded_bytes',
  addedAtMs: 'added_at_ms',
} as const satisfies Record<keyof ItemPatch, string>

function describedColumns(item: Described) {
  return {
    nameFolded: foldName(item.name),
    infoHash: item.infoHash ?? null,
    pieceLength: item.pieceLength ?? null,
    plainSizeBytes: item.plainSizeBytes ?? null,
    sharedWith: JSON.stringify(item.sharedWith),
    hasConditions: Number(item.hasConditions),
  }
}

function toItem(raw: unknown): StoredItem | undefined {
  return raw === undefined ? undefined : fromRaw(raw as RawItem)
}

function toRow(raw: unknown): ItemRow {
  return rowOf(fromRaw(raw as RawItem))
}
