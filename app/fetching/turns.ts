import type { Transfer } from '../contract/index.ts'

type Priority = Transfer['priority']

interface TurnsInit {
  /** It is its turn; synchronous. @returns whether it runs */
  readonly start: (id: string) => boolean
  /** Another one goes first: it ends its run and is added again. */
  readonly yieldTurn: (id: string) => void
  readonly priorityOf: (id: string) => Priority
}

/** Downloads that bytes come in for, at once. */
const MAX_ACTIVE = 5
/** One that nothing came in for during this time waits for people, and keeps nobody from their turn. */
const QUIET_MS = 10_000
const TICK_MS = 1000
const RANK: Record<Priority, number> = { high: 2, normal: 1, low: 0 }

/**
 * Whose turn it is among several downloads: high before normal, in the order in which they were begun, a few at a time; low ones
 * only while nothing else is coming in. Those that nobody gives anything go on listening and do not count.
 */
export class Turns {
  readonly #init: TurnsInit
  readonly #waiting = new Set<string>()
  /** Running → when a byte last came in, or it was started. */
  readonly #running = new Map<string, number>()
  readonly #yielding = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: TurnsInit) {
    this.#init = init
  }

  add(id: string): void {
    this.#waiting.add(id)
    this.settle()
  }

  /** It ended, or is not to run. */
  remove(id: string): void {
    this.#waiting.delete(id)
    this.#running.delete(id)
    this.#yielding.delete(id)
    this.settle()
  }

  isWaiting(id: string): boolean {
    return this.#waiting.has(id)
  }

  /** A byte of it has come in. */
  gained(id: string): void {
    if (!this.#running.has(id)) return
    const wasQuiet = !this.#isBusy(id)
    this.#running.set(id, performance.now())
    if (wasQuiet) this.settle()
  }

  /** Starts whose turn it is and lets those yield whose it is not. */
  settle(): void {
    for (const id of this.#byRank([...this.#waiting])) {
      if (!this.#waiting.has(id) || !this.#mayRun(id)) continue
      this.#waiting.delete(id)
      this.#running.set(id, performance.now())
      if (!this.#init.start(id)) this.#running.delete(id)
    }
    this.#makeRoom()
    if (this.#waiting.size === 0) this.stop()
    else this.#timer ??= setInterval(() => this.settle(), TICK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #mayRun(id: string): boolean {
    const busy = this.#busy()
    if (busy.length >= MAX_ACTIVE) return false
    return this.#rank(id) > 0 || busy.every((other) => this.#rank(other) === 0)
  }

  /** Low ones give way to any other; when all turns are taken, the least gives way to one that comes before it. */
  #makeRoom(): void {
    const busy = this.#byRank(this.#busy())
    const isOtherBusy = busy.some((id) => this.#rank(id) > 0)
    for (const id of busy) if (isOtherBusy && this.#rank(id) === 0) this.#yield(id)
    const [first] = this.#byRank([...this.#waiting])
    const last = busy.at(-1)
    const isFull = busy.length >= MAX_ACTIVE && this.#yielding.size === 0
    if (first !== undefined && last !== undefined && isFull && this.#rank(first) > this.#rank(last))
      this.#yield(last)
  }

  #yield(id: string): void {
    if (this.#yielding.has(id)) return
    this.#yielding.add(id)
    this.#init.yieldTurn(id)
  }

  #busy(): string[] {
    return [...this.#running.keys()].filter((id) => this.#isBusy(id))
  }

  #isBusy(id: string): boolean {
    return performance.now() - (this.#running.get(id) ?? -Infinity) < QUIET_MS
  }

  /** A stable sort: those of one rank in the order in which they came. */
  #byRank(ids: readonly string[]): string[] {
    return ids.toSorted((a, b) => this.#rank(b) - this.#rank(a))
  }

  #rank(id: string): number {
    return RANK[this.#init.priorityOf(id)]
  }
}
