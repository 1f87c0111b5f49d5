import type { Clock } from '../ports/clock.ts'

/** A relay that was just given much may not find all of it yet; what is missing after some tries is hardly there. */
const WAIT_GROWTH = 4
const MAX_WAIT_MS = 60 * 60_000
const MAX_TRIED = 100_000

interface Tried {
  readonly untilMs: number
  readonly misses: number
}

/** Items that were looked up, each for the list it is in, and when they may be again: what was found, not in this run. */
export class TriedItems {
  readonly #clock: Clock
  readonly #tried = new Map<string, Tried>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it is not to be looked up now. */
  has(key: string): boolean {
    return (this.#tried.get(key)?.untilMs ?? 0) > this.#clock.nowMs()
  }

  begin(key: string): void {
    const misses = this.#tried.get(key)?.misses ?? 0
    if (this.#tried.size > MAX_TRIED) this.#tried.clear()
    this.#tried.set(key, { untilMs: Infinity, misses })
  }

  /** Nobody was there to tell what it is: it may be looked up at once. */
  unanswered(key: string): void {
    const misses = this.#tried.get(key)?.misses ?? 0
    this.#tried.set(key, { untilMs: 0, misses })
  }

  /** Nobody knew it: it may be looked up after `waitMs`, and after longer each time that happens, up to an hour. */
  missed(key: string, waitMs: number): void {
    const misses = this.#tried.get(key)?.misses ?? 0
    const untilMs = this.#clock.nowMs() + Math.min(MAX_WAIT_MS, waitMs * WAIT_GROWTH ** misses)
    this.#tried.set(key, { untilMs, misses: misses + 1 })
  }

  /** How long until the next one that nobody knew may be looked up again; Infinity when none waits for that. */
  nextInMs(): number {
    const nowMs = this.#clock.nowMs()
    let nextMs = Infinity
    for (const { untilMs } of this.#tried.values())
      if (untilMs > nowMs) nextMs = Math.min(nextMs, untilMs - nowMs)
    return nextMs
  }
}
