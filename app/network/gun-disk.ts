import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
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

interface Waiting extends DiskValue {
  readonly done: (error?: string) => void
}

interface Row {
  readonly soul: string
  readonly key: string
  readonly value: string
  readonly state: number
}

/** Writes of so long are one transaction: GUN writes every value of a node on its own. */
const FLUSH_MS = 30
const FLUSH_ROWS = 2_000
/** Later than every character a soul or key may have. */
const LAST = '\u007f'
const FILES = ['graph.db', 'graph.db-wal', 'graph.db-shm']

/**
 * GUN's graph on the disk: one row a value. GUN's own radisk keeps 1 MiB files of neighbouring keys, and ids that are hashes have no
 * neighbours: every batch of writes would read, hold in memory and rewrite all of them. Nothing here is worth a sync to the disk:
 * what matters in it is published, or read, again.
 */
export class GunDisk {
  readonly #db: Database.Database
  readonly #statements: Record<
    'put' | 'remove' | 'one' | 'node' | 'keys' | 'keysReverse' | 'nodes',
    Database.Statement
  >
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  /**
   * @param dir made when it is not there
   * @param maxBytes a larger one is thrown away; so is one that can't be read
   */
  constructor(dir: string, maxBytes: number) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    if (sizeOf(dir) > maxBytes) remove(dir)
    try {
      this.#db = open(dir)
    } catch {
      remove(dir)
      this.#db = open(dir)
    }
    const select = 'SELECT soul, key, value, state FROM graph WHERE'
    this.#statements = {
      // As GUN resolves conflicts: nodes that are no longer in its memory must not be put back in time.
      put: this.#db.prepare(
        `INSERT INTO graph (soul, key, value, state) VALUES (?, ?, ?, ?) ON CONFLICT (soul, key)
         DO UPDATE SET value = excluded.value, state = excluded.state
         WHERE excluded.state > state OR (excluded.state = state AND excluded.value > value)`,
      ),
      remove: this.#db.prepare('DELETE FROM graph WHERE soul = ? AND instr(value, ?) > 0'),
      one: this.#db.prepare(`${select} soul = ? AND key = ?`),
      node: this.#db.prepare(`${select} soul = ? ORDER BY key`),
      keys: this.#db.prepare(`${select} soul = ? AND key >= ? AND key <= ? ORDER BY key`),
      keysReverse: this.#db.prepare(`${select} soul = ? AND key >= ? AND key <= ? ORDER BY key DESC`),
      nodes: this.#db.prepare(`${select} soul >= ? AND soul < ? ORDER BY soul, key`),
    }
  }

  /** Keeps a value, soon. @param done told when it is kept, or why not */
  put(value: DiskValue, done: (error?: string) => void): void {
    this.#waiting.push({ ...value, done })
    if (this.#waiting.length >= FLUSH_ROWS) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS)
  }

  /** Nodes with what was asked for of them, no more than the limit; none when there is nothing. */
  get(query: DiskQuery): Record<string, GunNode> | undefined {
    if (this.#waiting.length > 0) this.flush()
    const parts = new Map<string, { values: Record<string, GunValue>; states: Record<string, number> }>()
    let size = 0
    for (const { soul, key, value, state } of this.#rows(query)) {
      const part = parts.get(soul) ?? { values: {}, states: {} }
      const parsed = JSON.parse(value) as GunValue // as it was when it was put
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

  /** Takes the values of a node away that contain a text. Reads them all: for what happens rarely. */
  remove(soul: string, contained: string): void {
    this.flush()
    this.#statements.remove.run(soul, contained)
  }

  /** Writes what waits. A disk that is full refuses it; GUN goes on in memory. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#waiting.splice(0)
    let error: string | undefined
    try {
      this.#db.transaction(() => {
        for (const { soul, key, value, state } of batch)
          this.#statements.put.run(soul, key, JSON.stringify(value), state)
      })()
    } catch (cause) {
      error = cause instanceof Error ? cause.message : 'not written'
    }
    for (const { done } of batch) done(error)
  }

  close(): void {
    this.flush()
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
}

function open(dir: string): Database.Database {
  const db = new Database(join(dir, 'graph.db'), { timeout: 0 })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = OFF')
    // KiB, when negative.
    db.pragma('cache_size = -4096')
    db.exec(
      'CREATE TABLE IF NOT EXISTS graph (soul TEXT, key TEXT, value TEXT, state REAL, PRIMARY KEY (soul, key)) WITHOUT ROWID',
    )
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function sizeOf(dir: string): number {
  let bytes = 0
  for (const name of FILES) bytes += statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0
  return bytes
}

function remove(dir: string): void {
  for (const name of FILES) rmSync(join(dir, name), { force: true })
}
