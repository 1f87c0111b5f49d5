import Database from 'better-sqlite3'
import { makeNode } from './graph.ts'
import type { GunNode, GunValue } from './graph.ts'

/** One value of one node, as GUN hands it out to be kept. */
export interface DiskValue {
  readonly soul: string
  readonly key: string
  readonly value: GunValue
  /** When it was set: ms since the epoch, with fractions. */
  readonly state: number
  /** Written by this node; the others' have to go when there is no room. */
  readonly isOwn: boolean
}

/** What of the disk is asked for: whole nodes, one key, or a range of keys. Bounds are included. */
export interface DiskQuery {
  /** A soul, or the beginning of several. */
  readonly soul: string | { readonly prefix: string }
  readonly key?:
    string | { readonly prefix: string; readonly from?: string; readonly to?: string } | undefined
  /** Size at which the answer ends, as GUN counts it: nine for a value that is no text. */
  readonly limit: number
  readonly isReverse?: boolean | undefined
}

interface Row {
  readonly soul: string
  readonly key: string
  readonly value: string
  readonly state: number
}

/** A file of another one is begun anew: everything in it can be had again. */
const FORMAT = 2
/** Later than every character a soul or key may have. */
const LAST = '\u007f'
const PAGE_BYTES = 4096
/** Pages of the log before they go into the file: it grows little beyond that. */
const LOG_PAGES = 256
/** Own values may fill so much more than what is the limit for all; there is always room to write and take out. */
const OWN_FACTOR = 4
/** What is left of the limit when room was made. */
const KEPT_SHARE = 0.75
/** What of it others may always fill. */
const SPARE_SHARE = 0.05

/** The file is not what it was when it was written, or of another format: what it holds is lost. */
export class DamagedStore extends Error {}

/** One SQLite file with a graph in it, one row a value. Its methods throw what SQLite throws. */
export class GunStore {
  /** Nothing was in it when it was opened. */
  readonly isNew: boolean
  readonly #db: Database.Database
  readonly #maxBytes: number
  #limitBytes: number
  readonly #statements: Record<
    'put' | 'remove' | 'one' | 'node' | 'keys' | 'keysReverse' | 'nodes',
    Database.Statement
  >

  /** @param file made when it is not there; `:memory:` @param maxBytes beyond which values of others go, the oldest first */
  constructor(file: string, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#limitBytes = maxBytes
    this.#db = new Database(file, { timeout: 0 })
    try {
      this.isNew = prepare(this.#db, maxBytes)
      const select = 'SELECT soul, key, value, state FROM graph WHERE'
      this.#statements = {
        // As GUN resolves conflicts: nodes that are no longer in its memory must not be put back in time.
        put: this.#db.prepare(
          `INSERT INTO graph (soul, key, value, state, own, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (soul, key)
           DO UPDATE SET value = excluded.value, state = excluded.state, own = excluded.own, at = excluded.at
           WHERE excluded.state > state OR (excluded.state = state AND excluded.value > value)`,
        ),
        remove: this.#db.prepare('DELETE FROM graph WHERE soul = ? AND key = ?'),
        one: this.#db.prepare(`${select} soul = ? AND key = ?`),
        node: this.#db.prepare(`${select} soul = ? ORDER BY key`),
        keys: this.#db.prepare(`${select} soul = ? AND key >= ? AND key <= ? ORDER BY key`),
        keysReverse: this.#db.prepare(`${select} soul = ? AND key >= ? AND key <= ? ORDER BY key DESC`),
        nodes: this.#db.prepare(`${select} soul >= ? AND soul < ? ORDER BY soul, key`),
      }
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  put(values: readonly DiskValue[]): void {
    const nowMs = Date.now()
    this.#db.transaction(() => {
      for (const { soul, key, value, state, isOwn } of values)
        this.#statements.put.run(soul, key, JSON.stringify(value), state, isOwn ? 1 : 0, nowMs)
    })()
    if (this.#usedBytes() <= this.#limitBytes) return
    this.#makeRoom()
    // What is ours may be more than the limit: then the next pass comes when there is something to take out again.
    this.#limitBytes = Math.max(this.#maxBytes, this.#usedBytes() + this.#maxBytes * SPARE_SHARE)
  }

  /** Nodes with what was asked for of them, no more than the limit; none when there is nothing. */
  get(query: DiskQuery): Record<string, GunNode> | undefined {
    const parts = new Map<string, { values: Record<string, GunValue>; states: Record<string, number> }>()
    let size = 0
    for (const { soul, key, value, state } of this.#rows(query)) {
      const part = parts.get(soul) ?? { values: {}, states: {} }
      const parsed = parseValue(value)
      part.values[key] = parsed
      part.states[key] = state
      parts.set(soul, part)
      size += typeof parsed === 'string' ? Math.max(1, parsed.length) : 9
      if (size >= query.limit) break
    }
    if (parts.size === 0) return undefined
    return Object.fromEntries(
      [...parts].map(([soul, { values, states }]) => [soul, makeNode(soul, values, states)]),
    )
  }

  remove(soul: string, isUnwanted: (value: GunValue) => boolean): void {
    const keys: string[] = []
    for (const { key, value } of this.#statements.node.iterate(soul) as Iterable<Row>)
      if (isUnwanted(parseValue(value))) keys.push(key)
    this.#db.transaction(() => {
      for (const key of keys) this.#statements.remove.run(soul, key)
    })()
  }

  close(): void {
    this.#db.close()
  }

  #rows({ soul, key, isReverse = false }: DiskQuery): Iterable<Row> {
    const { one, node, keys, keysReverse, nodes } = this.#statements
    // The columns are those of Row.
    if (typeof soul !== 'string') return nodes.iterate(soul.prefix, soul.prefix + LAST) as Iterable<Row>
    if (key === undefined) return node.iterate(soul) as Iterable<Row>
    if (typeof key === 'string') return one.iterate(soul, key) as Iterable<Row>
    const from = key.from !== undefined && key.from > key.prefix ? key.from : key.prefix
    const last = key.prefix + LAST
    const to = key.to !== undefined && key.to < last ? key.to : last
    return (isReverse ? keysReverse : keys).iterate(soul, from, to) as Iterable<Row>
  }

  #usedBytes(): number {
    const pages = (name: 'page_count' | 'freelist_count'): number =>
      Number(this.#db.pragma(name, { simple: true }))
    return (pages('page_count') - pages('freelist_count')) * PAGE_BYTES
  }

  /** Takes out values of others, the oldest first. The file keeps its size, and what comes next fills it. */
  #makeRoom(): void {
    let tooMuch = this.#usedBytes() - this.#maxBytes * KEPT_SHARE
    // A pass over the whole file, without an index every write would pay for: it comes once in a quarter of the limit.
    const ages = this.#db
      .prepare(
        'SELECT at, sum(octet_length(value) + octet_length(soul) + octet_length(key)) AS bytes FROM graph WHERE own = 0 GROUP BY at ORDER BY at',
      )
      .iterate() as Iterable<{ at: number; bytes: number }>
    let last: number | undefined
    for (const { at, bytes } of ages) {
      if (tooMuch <= 0) break
      last = at
      tooMuch -= bytes
    }
    if (last !== undefined) this.#db.prepare('DELETE FROM graph WHERE own = 0 AND at <= ?').run(last)
  }
}

/** @returns whether there was nothing in it */
function prepare(db: Database.Database, maxBytes: number): boolean {
  const isNew = Number(db.pragma('page_count', { simple: true })) === 0
  if (!isNew && db.pragma('user_version', { simple: true }) !== FORMAT)
    throw new DamagedStore('another format')
  db.pragma(`page_size = ${PAGE_BYTES}`)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = OFF')
  db.pragma(`wal_autocheckpoint = ${LOG_PAGES}`)
  db.pragma(`journal_size_limit = ${LOG_PAGES * PAGE_BYTES}`)
  db.pragma(`max_page_count = ${Math.ceil((maxBytes * OWN_FACTOR) / PAGE_BYTES)}`)
  // KiB, when negative.
  db.pragma('cache_size = -4096')
  if (!isNew) return false
  db.transaction(() => {
    db.exec(
      'CREATE TABLE graph (soul TEXT, key TEXT, value TEXT, state REAL, own INTEGER, at INTEGER, PRIMARY KEY (soul, key)) WITHOUT ROWID',
    )
    db.pragma(`user_version = ${FORMAT}`)
  })()
  return true
}

function parseValue(text: string): GunValue {
  try {
    return JSON.parse(text) as GunValue // as it was when it was put
  } catch (cause) {
    throw new DamagedStore('a value that nobody wrote', { cause })
  }
}
