import { randomUUID } from 'node:crypto'
import { AppError, toErrorShape, Transfer } from '../contract/index.ts'
import type { ErrorCode, TransferState } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Db } from './db.ts'

/** What a job says when it begins; the rest has its defaults. */
export type TransferInput = Pick<Transfer, 'kind' | 'name'> & Partial<Transfer>
/** `undefined` takes a field away. */
export type TransferPatch = { readonly [K in keyof Transfer]?: Transfer[K] | undefined }
export interface TransferChange {
  readonly changed: string[]
  readonly removed: string[]
}

const PERSIST_INTERVAL_MS = 1000
const TELL_INTERVAL_MS = 50
const KEPT_FINISHED = 500
const FINISHED: readonly TransferState[] = ['done', 'failed', 'cancelled']

/**
 * Adds and downloads, past and present. Changes of state are on the disk when `update` returns; progress is kept in
 * memory and written at most once a second. What was active when the node died is queued again.
 */
export class TransferStore {
  readonly #db: Db
  readonly #clock: Clock
  readonly #dirty = new Set<string>()
  readonly #listeners = new Set<(change: TransferChange) => void>()
  #loaded: Map<string, Transfer> | undefined
  #changed = new Set<string>()
  #removed = new Set<string>()
  #persistTimer: NodeJS.Timeout | undefined
  #tellTimer: NodeJS.Timeout | undefined

  constructor({ db, clock }: { readonly db: Db; readonly clock: Clock }) {
    this.#db = db
    this.#clock = clock
  }

  create(input: TransferInput): Transfer {
    const transfer = this.#make(input)
    this.#write([transfer])
    this.#rows().set(transfer.id, transfer)
    this.#tell(transfer.id)
    return transfer
  }

  /** Several with their payloads, all of them or none, in one write. */
  createAll(inputs: readonly { readonly transfer: TransferInput; readonly payload: unknown }[]): Transfer[] {
    const made = inputs.map(({ transfer, payload }) => ({ transfer: this.#make(transfer), payload }))
    this.#db.write(() => {
      this.#write(made.map(({ transfer }) => transfer))
      for (const { transfer, payload } of made) this.setPayload(transfer.id, payload)
    })
    const rows = this.#rows()
    for (const { transfer } of made) {
      rows.set(transfer.id, transfer)
      this.#tell(transfer.id)
    }
    return made.map(({ transfer }) => transfer)
  }

  #make(input: TransferInput): Transfer {
    return {
      id: randomUUID(),
      state: 'queued',
      stage: input.kind === 'add' ? 'read' : 'find',
      bytesDone: 0,
      rateBytesPerSec: 0,
      createdAtMs: this.#clock.nowMs(),
      isDuplicate: false,
      isLinked: false,
      isEncrypted: false,
      isPlayable: false,
      isUnoffered: false,
      priority: 'normal',
      sources: [],
      ...input,
    }
  }

  /** @throws {AppError} `NOT_FOUND`; what `Db.write` throws, and then nothing was changed */
  update(id: string, patch: TransferPatch, options: { readonly persist?: boolean } = {}): Transfer {
    const before = this.get(id)
    if (before === undefined) throw notFound()
    const after = merge(before, patch)
    const isMilestone =
      after.state !== before.state ||
      after.stage !== before.stage ||
      after.mediaId !== before.mediaId ||
      after.error !== before.error
    const isWritten = options.persist ?? isMilestone
    // What is cancelled makes room.
    if (isWritten && after.state === 'cancelled') this.#db.writeAnyway(() => this.#write([after]))
    else if (isWritten) this.#write([after])
    this.#rows().set(id, after)
    if (!isWritten) this.#persistSoon(id)
    this.#tell(id)
    return after
  }

  /**
   * Ends it as cancelled or failed, as the error says, and tells so. Never throws: what a full disk, say, keeps from being
   * written is written as soon as it can be.
   * @returns the error's code
   */
  fail(id: string, error: unknown): ErrorCode {
    const { code, message, hint } = toErrorShape(error)
    const before = this.get(id)
    if (before === undefined) return code
    const isCancelled = code === 'CANCELLED'
    const after = merge(before, {
      state: isCancelled ? 'cancelled' : 'failed',
      rateBytesPerSec: 0,
      etaMs: undefined,
      isPlayable: false,
      error: isCancelled ? undefined : { code, message, ...(hint === undefined ? {} : { hint }) },
    })
    this.#rows().set(id, after)
    try {
      this.#write([after])
    } catch {
      this.#persistSoon(id)
    }
    this.#tell(id)
    return code
  }

  get(id: string): Transfer | undefined {
    return this.#rows().get(id)
  }

  /** Newest first. */
  list(): Transfer[] {
    return [...this.#rows().values()].toReversed()
  }

  /** Queued, active and paused ones, oldest first. */
  listUnfinished(): Transfer[] {
    return [...this.#rows().values()].filter(({ state }) => !FINISHED.includes(state))
  }

  /** What `setPayload` stored, or `undefined`. */
  payload(id: string): unknown {
    const row = this.#db.prepare('SELECT payload FROM transfers WHERE id = ?').get(id) as
      { payload: string | null } | undefined
    return row?.payload === null || row?.payload === undefined ? undefined : JSON.parse(row.payload)
  }

  /** The job's own resume data, on the disk when this returns. */
  setPayload(id: string, payload: unknown): void {
    this.#db.write(() =>
      this.#db.prepare('UPDATE transfers SET payload = ? WHERE id = ?').run(JSON.stringify(payload), id),
    )
  }

  /**
   * Takes a finished transfer off the list; without an id all of them.
   * @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is still going on
   */
  dismiss(id?: string): void {
    const rows = this.#rows()
    if (id !== undefined) {
      const transfer = rows.get(id)
      if (transfer === undefined) throw notFound()
      if (!FINISHED.includes(transfer.state)) {
        throw new AppError('CONFLICT', 'This transfer is still going on.', { hint: 'Cancel it first.' })
      }
    }
    const ids = id === undefined ? this.#finishedIds() : [id]
    this.#delete(ids)
    for (const gone of ids) this.#tellRemoved(gone)
  }

  /** Changes of a moment are told together. */
  onChange(listener: (change: TransferChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Writes what is only in memory and ends the timers. Idempotent. */
  stop(): void {
    clearTimeout(this.#tellTimer)
    this.#tellTimer = undefined
    this.#persist()
  }

  #rows(): Map<string, Transfer> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  #load(): Map<string, Transfer> {
    const rows = new Map<string, Transfer>()
    const stored = this.#db.prepare('SELECT body FROM transfers ORDER BY created_at_ms, rowid').all() as {
      body: string
    }[]
    for (const { body } of stored) {
      const parsed = Transfer.safeParse(parseJson(body))
      if (!parsed.success) continue
      const transfer = parsed.data
      const wasActive = transfer.state === 'active'
      rows.set(
        transfer.id,
        wasActive ? merge(transfer, { state: 'queued', rateBytesPerSec: 0, etaMs: undefined }) : transfer,
      )
    }
    this.#loaded = rows
    this.#write([...rows.values()].filter(({ state }) => state === 'queued'))
    const finished = this.#finishedIds()
    this.#delete(finished.slice(0, Math.max(0, finished.length - KEPT_FINISHED)))
    return rows
  }

  #finishedIds(): string[] {
    return [...this.#rows().values()].filter(({ state }) => FINISHED.includes(state)).map(({ id }) => id)
  }

  #delete(ids: readonly string[]): void {
    if (ids.length === 0) return
    this.#db.writeAnyway(() => {
      const statement = this.#db.prepare('DELETE FROM transfers WHERE id = ?')
      for (const id of ids) statement.run(id)
    })
    for (const id of ids) {
      this.#rows().delete(id)
      this.#dirty.delete(id)
    }
  }

  #write(transfers: readonly Transfer[]): void {
    if (transfers.length === 0) return
    this.#db.write(() => {
      const statement = this.#db.prepare(
        `INSERT INTO transfers (id, kind, state, created_at_ms, body) VALUES (@id, @kind, @state, @createdAtMs, @body)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`,
      )
      for (const { id, kind, state, createdAtMs, ...rest } of transfers) {
        const body = JSON.stringify({ id, kind, state, createdAtMs, ...rest })
        statement.run({ id, kind, state, createdAtMs, body })
      }
    })
    for (const { id } of transfers) this.#dirty.delete(id)
  }

  #persistSoon(id: string): void {
    this.#dirty.add(id)
    this.#persistTimer ??= setTimeout(() => this.#persist(), PERSIST_INTERVAL_MS).unref()
  }

  #persist(): void {
    clearTimeout(this.#persistTimer)
    this.#persistTimer = undefined
    if (!this.#db.sql.open) return
    const transfers = [...this.#dirty].map((id) => this.#rows().get(id)).filter((row) => row !== undefined)
    this.#dirty.clear()
    try {
      this.#write(transfers)
    } catch (error) {
      // Progress, or how it ended: worth another try, never the end of the transfer (a full disk, say).
      if (!(error instanceof AppError)) throw error
      for (const { id } of transfers) this.#persistSoon(id)
    }
  }

  #tell(id: string): void {
    this.#changed.add(id)
    this.#tellSoon()
  }

  #tellRemoved(id: string): void {
    this.#changed.delete(id)
    this.#removed.add(id)
    this.#tellSoon()
  }

  #tellSoon(): void {
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined
      const change: TransferChange = { changed: [...this.#changed], removed: [...this.#removed] }
      this.#changed = new Set()
      this.#removed = new Set()
      for (const listener of this.#listeners) listener(change)
    }, TELL_INTERVAL_MS).unref()
  }
}

function merge(before: Transfer, patch: TransferPatch): Transfer {
  const entries = Object.entries({ ...before, ...patch }).filter(([, value]) => value !== undefined)
  // Only optional fields can have been taken away: required ones are typed as never undefined in practice.
  return Object.fromEntries(entries) as Transfer
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A row that can't be read is left out like one that doesn't fit.
    return undefined
  }
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such transfer.')
}
