/**
 * Puts in flight: GUN's own writes take a quarter of a second, so that some dozens at once keep it busy; a relay that takes longer
 * to answer has enough before it, and gets fewer.
 */
const MOST_IN_FLIGHT = 100
const LEAST_IN_FLIGHT = 8
const SLOW_PUT_MS = 3_000

/** Lets as many puts go at once as GUN and its relays keep up with; the others wait in order. */
export class PutWindow {
  readonly #queue: (() => void)[] = []
  #inFlight = 0
  #size = MOST_IN_FLIGHT / 2
  #slowedAtMs = -Infinity

  /** Does it when it is its turn. */
  async run<T>(put: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.#size) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#inFlight += 1
    const startedAtMs = performance.now()
    try {
      return await put()
    } finally {
      this.#inFlight -= 1
      this.#pace(performance.now() - startedAtMs)
      // Whoever waits is let in one by one, as the window allows.
      for (let free = Math.floor(this.#size) - this.#inFlight; free > 0; free -= 1) this.#queue.shift()?.()
    }
  }

  #pace(tookMs: number): void {
    const isSlow = tookMs > SLOW_PUT_MS
    // Those that were sent together are slow together: one step down for all of them, many small ones up.
    if (!isSlow) this.#size = Math.min(MOST_IN_FLIGHT, this.#size + 2 / this.#size)
    else if (performance.now() - this.#slowedAtMs > SLOW_PUT_MS) {
      this.#slowedAtMs = performance.now()
      this.#size = Math.max(LEAST_IN_FLIGHT, this.#size / 2)
    }
  }
}
