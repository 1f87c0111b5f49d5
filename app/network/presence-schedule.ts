/** How often what is said. Pure: what is due is asked for, time is an argument. */

export interface ScheduleLimits {
  /** A node's heartbeat. */
  readonly heartbeatMs: number
  readonly heartbeatTtlMs: number
  /** Items' own records written a second, at most. */
  readonly itemsPerSec: number
  /** The shortest round through all items. */
  readonly roundMs: number
  /** An item somebody asks for is said anew at most this often. */
  readonly onDemandMs: number
}

export const SCHEDULE: ScheduleLimits = {
  heartbeatMs: 5 * 60_000,
  heartbeatTtlMs: 15 * 60_000,
  itemsPerSec: 2,
  roundMs: 10 * 60_000,
  onDemandMs: 60_000,
}

/**
 * Which presence records are due. One heartbeat says that the node is there and, by its digest, what it has; each item's own
 * record, which is what seekers find it by, is written in rotation at a bounded rate and holds until after its next turn: at two
 * a second, 10,000 items take 83 minutes. An item that is new, or that somebody just asked for, is said at once.
 */
export class PresenceSchedule {
  readonly #limits: ScheduleLimits
  /** mediaId → when it was said last; -Infinity = never. In the order of their turns. */
  readonly #items = new Map<string, number>()
  /** Asked for by somebody, and never said yet: before all others, in this order. */
  readonly #asked = new Set<string>()
  readonly #fresh = new Set<string>()
  #heartbeatAtMs = -Infinity
  #isDigestStale = true
  #budget = 0
  #budgetAtMs: number | undefined

  constructor(limits: ScheduleLimits = SCHEDULE) {
    this.#limits = limits
  }

  get size(): number {
    return this.#items.size
  }

  /** One round through all items, in milliseconds. */
  get roundMs(): number {
    return Math.max(this.#limits.roundMs, (this.#items.size / this.#limits.itemsPerSec) * 1000)
  }

  /** Seconds for which an item's record holds: two rounds, so that one missed turn does no harm. */
  get itemTtlSec(): number {
    return Math.ceil((2 * this.roundMs) / 1000)
  }

  get heartbeatTtlMs(): number {
    return this.#limits.heartbeatTtlMs
  }

  mediaIds(): string[] {
    return [...this.#items.keys()]
  }

  has(mediaId: string): boolean {
    return this.#items.has(mediaId)
  }

  /** What this node has now. @returns what it no longer has: that is to be said too */
  setItems(mediaIds: Iterable<string>): string[] {
    const wanted = new Set(mediaIds)
    const gone = [...this.#items.keys()].filter((mediaId) => !wanted.has(mediaId))
    for (const mediaId of gone) {
      this.#items.delete(mediaId)
      this.#asked.delete(mediaId)
      this.#fresh.delete(mediaId)
    }
    let isChanged = gone.length > 0
    for (const mediaId of wanted) {
      if (this.#items.has(mediaId)) continue
      this.#items.set(mediaId, -Infinity)
      this.#fresh.add(mediaId)
      isChanged = true
    }
    if (isChanged) this.#isDigestStale = true
    return gone
  }

  /** Somebody asked who has it. */
  ask(mediaId: string, nowMs: number): void {
    const saidAtMs = this.#items.get(mediaId)
    if (saidAtMs !== undefined && nowMs - saidAtMs >= this.#limits.onDemandMs) this.#asked.add(mediaId)
  }

  /** Everything is to be said again, soon: the relays are new, or may have forgotten. */
  sayAgain(): void {
    this.#heartbeatAtMs = -Infinity
    this.#isDigestStale = true
    for (const mediaId of this.#items.keys()) this.#fresh.add(mediaId)
  }

  /** Takes what is due now; the caller says it. */
  take(nowMs: number): {
    readonly isHeartbeatDue: boolean
    readonly isDigestChanged: boolean
    readonly items: readonly string[]
  } {
    // A clock that was set back must not silence anybody.
    if (this.#heartbeatAtMs > nowMs) this.#heartbeatAtMs = -Infinity
    const { heartbeatMs, itemsPerSec } = this.#limits
    const sinceMs = this.#budgetAtMs === undefined ? 1000 : Math.max(0, nowMs - this.#budgetAtMs)
    this.#budgetAtMs = nowMs
    // A computer that slept does not make up for it in a burst.
    this.#budget = Math.min(itemsPerSec * 5, this.#budget + (sinceMs / 1000) * itemsPerSec)
    const items = this.#takeItems(nowMs)
    const isDue =
      this.#items.size > 0 &&
      nowMs - this.#heartbeatAtMs >= (this.#isDigestStale ? heartbeatMs / 10 : heartbeatMs)
    const isDigestChanged = isDue && this.#isDigestStale
    if (isDue) {
      this.#heartbeatAtMs = nowMs
      this.#isDigestStale = false
    }
    return { isHeartbeatDue: isDue, isDigestChanged, items }
  }

  #takeItems(nowMs: number): string[] {
    const due: string[] = []
    const say = (mediaId: string): void => {
      this.#budget -= 1
      this.#asked.delete(mediaId)
      this.#fresh.delete(mediaId)
      // To the end of the line.
      this.#items.delete(mediaId)
      this.#items.set(mediaId, nowMs)
      due.push(mediaId)
    }
    for (const first of [this.#asked, this.#fresh]) {
      for (const mediaId of first) {
        if (this.#budget < 1) return due
        first.delete(mediaId)
        say(mediaId)
      }
    }
    for (const [mediaId, saidAtMs] of this.#items) {
      const isTurn = nowMs - saidAtMs >= this.roundMs || saidAtMs > nowMs
      // Said just now, they come again at the end of this very line: there it ends.
      if (this.#budget < 1 || !isTurn) break
      say(mediaId)
    }
    return due
  }
}
