import type { Db } from '../library/index.ts'

/** How far one relay's copy of a list was read back, and when it is next. */
export interface ListCheck {
  readonly soul: string
  readonly relay: string
  readonly dueMs: number
  /** How far the pass that is under way came; undefined between passes. */
  readonly before: string | undefined
  /** Of that pass: entries that were looked for, and those that were missing. */
  readonly looked: number
  readonly missing: number
  /** Passes of this round before it: each has found something missing. */
  readonly passes: number
  /** Rounds since something was told there. */
  readonly rounds: number
  /** Rounds in a row that were given up. */
  readonly failures: number
  /** Until when nothing that is told brings the next round forward. */
  readonly apartUntilMs: number
}

/** A relay has this long to put away what it acknowledged. */
export const REST_MS = 10_000
/** What is newly told has a list read anew after so long for each entry that was looked for: 10 minutes for 10,000. */
const APART_MS_PER_ENTRY = 60
const LEAST_APART_MS = 60_000
const DAY_MS = 24 * 60 * 60_000
/** Some relays go on losing what they had: from one round to the next; from then on twice as long each time, up to a day. */
const ROUND_MS = 60 * 60_000
/** After a pass that found something missing, the next; after each more, twice as long. */
const AGAIN_MS = 15_000
const MAX_PASSES = 6
/** A relay that was given up is looked at again after a day, two, four, and at most so many. */
const MAX_DAYS = 16
/** Of a list that lacks more than this and more than half, the rest is left to the daily rewriting of everything. */
const MOST_MISSING = 500
/** So is that of one which lacks more than this, and more than a quarter, after what was missing was written again. */
const MOST_MISSING_AGAIN = 50

/** Whether what this pass found missing says that the relay does not keep what it is given. */
export function isHopeless({ looked, missing, passes }: ListCheck): boolean {
  return (
    missing > (passes === 0 ? Math.max(MOST_MISSING, looked / 2) : Math.max(MOST_MISSING_AGAIN, looked / 4))
  )
}

/** What comes after a pass. @param isToldAgain whether the relay was told of something since it began */
export function afterPass(check: ListCheck, nowMs: number, isToldAgain: boolean): ListCheck {
  const apartMs = check.looked === 0 ? 0 : Math.max(LEAST_APART_MS, check.looked * APART_MS_PER_ENTRY)
  const passes = check.passes + 1
  const next = {
    ...check,
    before: undefined,
    looked: 0,
    missing: 0,
    apartUntilMs: nowMs + apartMs,
    passes: 0,
  }
  if (isHopeless(check)) {
    const days = Math.min(MAX_DAYS, 2 ** check.failures)
    return { ...next, failures: check.failures + 1, dueMs: nowMs + days * DAY_MS }
  }
  if (check.missing > 0 && passes < MAX_PASSES)
    return { ...next, passes, dueMs: nowMs + AGAIN_MS * 2 ** check.passes }
  if (isToldAgain) return { ...next, rounds: 0, failures: 0, dueMs: nowMs + Math.max(REST_MS, apartMs) }
  const roundMs = Math.min(DAY_MS, ROUND_MS * 2 ** Math.min(check.rounds, 5))
  return { ...next, rounds: check.rounds + 1, failures: 0, dueMs: nowMs + roundMs }
}

/** When which relay's copy of which list is read back, kept in the database: a round goes on after a restart. */
export class ListChecks {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** One that is not there yet is due at once. */
  get(soul: string, relay: string, nowMs: number): ListCheck {
    const sql = `SELECT soul, relay, due_ms AS dueMs, before, looked, missing, passes, rounds, failures,
      apart_until_ms AS apartUntilMs FROM network_list_checks WHERE soul = ? AND relay = ?`
    const row = this.#db.prepare(sql).get(soul, relay) as
      (Omit<ListCheck, 'before'> & { before: string | null }) | undefined
    if (row !== undefined) {
      // A clock that was set back puts nothing off.
      const isAhead = row.dueMs > nowMs + MAX_DAYS * DAY_MS
      return { ...row, before: row.before ?? undefined, dueMs: isAhead ? nowMs : row.dueMs }
    }
    const none = { looked: 0, missing: 0, passes: 0, rounds: 0, failures: 0, apartUntilMs: 0 }
    const first = { soul, relay, dueMs: nowMs, before: undefined, ...none }
    this.keep(first)
    return first
  }

  keep(check: ListCheck): void {
    const sql = `INSERT OR REPLACE INTO network_list_checks
      (soul, relay, due_ms, before, looked, missing, passes, rounds, failures, apart_until_ms)
      VALUES (:soul, :relay, :dueMs, :before, :looked, :missing, :passes, :rounds, :failures, :apartUntilMs)`
    this.#db.write(() => this.#db.prepare(sql).run({ ...check, before: check.before ?? null }))
  }

  /** Something was told there: unless a round is under way or was given up, the next is soon. */
  bringForward(relay: string, nowMs: number): void {
    const sql = `UPDATE network_list_checks SET rounds = 0, due_ms = min(due_ms, max(apart_until_ms, ?))
      WHERE relay = ? AND before IS NULL AND passes = 0 AND failures = 0`
    this.#db.write(() => this.#db.prepare(sql).run(nowMs + REST_MS, relay))
  }
}
