/** What this clock may differ from others' before it does harm: beyond it nodes take what is said for the future's, or for old. */
const MOST_OFF_MS = 60_000

/** Compares this computer's clock with what relays say that it is. */
export class ClockCheck {
  /** How far this clock is ahead of each relay's, when that was last heard. */
  readonly #aheadMs = new Map<string, number>()

  /** A relay said what time it is. */
  heard(relay: string, theirMs: number, nowMs: number): void {
    this.#aheadMs.set(relay, nowMs - theirMs)
  }

  /**
   * By how much it is wrong, as most of these relays say: negative when it is behind; undefined while it is right, or none of them
   * said. Of two that do not agree, the one nearer to it is believed.
   */
  aheadMs(relays: readonly string[]): number | undefined {
    const said = relays.flatMap((relay) => this.#aheadMs.get(relay) ?? [])
    const sorted = said.toSorted((a, b) => Math.abs(a) - Math.abs(b))
    const middle = sorted[Math.floor((sorted.length - 1) / 2)]
    return middle === undefined || Math.abs(middle) <= MOST_OFF_MS ? undefined : Math.round(middle)
  }
}
