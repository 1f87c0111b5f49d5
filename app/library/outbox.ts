import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { isErrorWith } from './app-errors.ts'
import type { Db } from './db.ts'

/** Does one step for one item. It may run again after a crash, so doing it twice must equal doing it once. */
export type StepHandler = (mediaId: string, signal: AbortSignal) => Promise<void>
export type StepHandlers = Readonly<Record<string, StepHandler>>

interface OutboxOptions {
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  /** Steps at work at once. @defaultValue 4 */
  readonly concurrency?: number
}

interface OutboxRow {
  id: number
  media_id: string
  step: string
  attempts: number
}

const FIRST_DELAY_MS = 1000
/** How long a step waits whose outcome could not be written. */
const UNWRITTEN_DELAY_MS = 10_000
/** Until it is looked again what is due, when that could not be read. */
const UNREAD_DELAY_MS = 10_000
const LONGEST_DELAY_MS = 60 * 60 * 1000
/** Delays are made this much longer at most, so that not everything is tried again at the same moment. */
const MOST_JITTER = 1.2
/** From here on the item is shown as needing attention. */
const ATTEMPTS_UNTIL_ATTENTION = 5

/**
 * What is still to be done for items, written in the same transaction as the items themselves. Steps are retried with
 * exponential backoff (1 s to 1 h) and go on after a restart.
 */
export class Outbox {
  readonly #db: Db
  readonly #clock: Clock
  readonly #log: Log
  readonly #concurrency: number
  readonly #running = new Map<number, Promise<void>>()
  readonly #attentionListeners = new Set<(mediaId: string) => void>()
  #handlers: StepHandlers = {}
  #stopping: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #isWakePlanned = false

  constructor({ db, clock, log, concurrency = 4 }: OutboxOptions) {
    this.#db = db
    this.#clock = clock
    this.#log = log
    this.#concurrency = concurrency
  }

  /** Notes a step; inside `db.write` it is part of that transaction. An unfinished one of the same name is due again. */
  enqueue(mediaId: string, step: string): void {
    this.#db.write(() =>
      this.#db
        .prepare(
          `INSERT INTO outbox (media_id, step, next_at_ms) VALUES (?, ?, ?)
           ON CONFLICT (media_id, step) DO UPDATE SET attempts = 0, next_at_ms = excluded.next_at_ms`,
        )
        .run(mediaId, step, this.#clock.nowMs()),
    )
    this.#wakeSoon()
  }

  /** Begins to work, with what earlier runs left first. Steps without a handler wait for one. */
  drain(handlers: StepHandlers): void {
    this.#handlers = handlers
    this.#stopping ??= new AbortController()
    // After a clock that was wrong, nothing may be due in years.
    const latestMs = this.#clock.nowMs() + LONGEST_DELAY_MS
    this.#db.write(() =>
      this.#db.prepare('UPDATE outbox SET next_at_ms = ? WHERE next_at_ms > ?').run(latestMs, latestMs),
    )
    this.#wakeSoon()
  }

  /** Lets steps at work end (their signal is aborted); nothing new begins. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#stopping = undefined
    clearTimeout(this.#timer)
    await Promise.all(this.#running.values())
  }

  /** Steps not done yet. */
  pending(mediaId?: string): { mediaId: string; step: string; attempts: number }[] {
    const rows = this.#db
      .prepare('SELECT id, media_id, step, attempts FROM outbox WHERE ? IS NULL OR media_id = ? ORDER BY id')
      .all(mediaId ?? null, mediaId ?? null) as OutboxRow[]
    return rows.map((row) => ({ mediaId: row.media_id, step: row.step, attempts: row.attempts }))
  }

  /** Told when an item begins or ceases to need attention because of a step. */
  onAttention(listener: (mediaId: string) => void): () => void {
    this.#attentionListeners.add(listener)
    return () => this.#attentionListeners.delete(listener)
  }

  // Not at once: `enqueue` runs inside a transaction that may still be rolled back.
  #wakeSoon(): void {
    if (this.#isWakePlanned) return
    this.#isWakePlanned = true
    setImmediate(() => {
      this.#isWakePlanned = false
      this.#wake()
    })
  }

  /** What it looks into may not be readable just now (the drive is away, say): it looks again. */
  #wake(): void {
    const stopping = this.#stopping
    if (stopping === undefined || !this.#db.sql.open) return
    clearTimeout(this.#timer)
    try {
      this.#beginDue(stopping.signal)
    } catch (error) {
      this.#log.warn('outbox.not-read', { reason: String(error) })
      this.#timer = setTimeout(() => this.#wake(), UNREAD_DELAY_MS).unref()
    }
  }

  #beginDue(signal: AbortSignal): void {
    const steps = Object.keys(this.#handlers)
    const places = steps.map(() => '?').join(', ')
    const due = this.#db
      .prepare(
        `SELECT id, media_id, step, attempts, next_at_ms FROM outbox WHERE step IN (${places})
         ORDER BY next_at_ms, id LIMIT ?`,
      )
      .all(...steps, this.#concurrency * 2 + 1) as (OutboxRow & { next_at_ms: number })[]
    for (const row of due) {
      if (this.#running.has(row.id)) continue
      const waitMs = row.next_at_ms - this.#clock.nowMs()
      // One that would wait for longer was put off by a clock that has been set back since: it is due.
      if (waitMs > 0 && waitMs <= LONGEST_DELAY_MS * MOST_JITTER) {
        this.#timer = setTimeout(() => this.#wake(), Math.min(waitMs, LONGEST_DELAY_MS)).unref()
        return
      }
      if (this.#running.size >= this.#concurrency) return
      const run = this.#run(row, signal).finally(() => {
        this.#running.delete(row.id)
        this.#wakeSoon()
      })
      this.#running.set(row.id, run)
    }
  }

  /** Never rejects. */
  async #run(row: OutboxRow, signal: AbortSignal): Promise<void> {
    try {
      await this.#attempt(row, signal)
    } catch (error) {
      // Neither done nor postponed on the disk (which is full, say): it is due at once, so it waits here.
      this.#log.warn('outbox.not-written', { mediaId: row.media_id, step: row.step, reason: String(error) })
      await sleep(UNWRITTEN_DELAY_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #attempt(row: OutboxRow, signal: AbortSignal): Promise<void> {
    try {
      await this.#handlers[row.step]?.(row.media_id, signal)
      this.#finish(row)
    } catch (error) {
      if (signal.aborted) return
      if (isErrorWith(error, 'NOT_FOUND')) return this.#finish(row)
      this.#postpone(row, error)
    }
  }

  #finish(row: OutboxRow): void {
    this.#db.write(() => {
      this.#db.prepare('DELETE FROM outbox WHERE id = ?').run(row.id)
      if (row.attempts >= ATTEMPTS_UNTIL_ATTENTION) this.#setFailedStep(row.media_id, null)
    })
    if (row.attempts >= ATTEMPTS_UNTIL_ATTENTION) this.#tell(row.media_id)
  }

  #postpone(row: OutboxRow, error: unknown): void {
    const attempts = row.attempts + 1
    const delayMs =
      Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** row.attempts) *
      (0.8 + Math.random() * (MOST_JITTER - 0.8))
    const reason = error instanceof Error ? error.message : String(error)
    this.#log.warn('outbox.step-failed', { mediaId: row.media_id, step: row.step, attempts, reason })
    this.#db.write(() => {
      this.#db
        .prepare('UPDATE outbox SET attempts = ?, next_at_ms = ?, last_error = ? WHERE id = ?')
        .run(attempts, this.#clock.nowMs() + Math.round(delayMs), reason.slice(0, 500), row.id)
      if (attempts === ATTEMPTS_UNTIL_ATTENTION) this.#setFailedStep(row.media_id, row.step)
    })
    if (attempts === ATTEMPTS_UNTIL_ATTENTION) this.#tell(row.media_id)
  }

  #setFailedStep(mediaId: string, step: string | null): void {
    this.#db.prepare('UPDATE items SET failed_step = ? WHERE media_id = ?').run(step, mediaId)
  }

  #tell(mediaId: string): void {
    for (const listener of this.#attentionListeners) listener(mediaId)
  }
}
