/**
 * A byte budget that refills steadily; every connection of the node draws on the same one.
 * Drawing may overshoot by one block, so a caller never has to split one.
 */
export class TokenBucket {
  #rateBytesPerSec: number | null
  #tokens = 0
  #filledAtMs = performance.now()

  /** @param rateBytesPerSec `null` = unlimited */
  constructor(rateBytesPerSec: number | null) {
    this.#rateBytesPerSec = rateBytesPerSec
  }

  get rateBytesPerSec(): number | null {
    return this.#rateBytesPerSec
  }

  setRate(rateBytesPerSec: number | null): void {
    this.#rateBytesPerSec = rateBytesPerSec
    this.#tokens = 0
    this.#filledAtMs = performance.now()
  }

  /**
   * Takes the bytes if the budget is not overdrawn.
   * @returns 0 when taken; otherwise the milliseconds after which asking again makes sense
   */
  take(bytes: number): number {
    const waitMs = this.spend(0)
    if (waitMs > 0) return waitMs
    this.spend(bytes)
    return 0
  }

  /**
   * Records bytes that have already moved.
   * @returns for how many milliseconds nothing more should move
   */
  spend(bytes: number): number {
    const rate = this.#rateBytesPerSec
    if (rate === null) return 0
    const nowMs = performance.now()
    this.#tokens = Math.min(rate / 5, this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * rate)
    this.#filledAtMs = nowMs
    this.#tokens -= bytes
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / rate) * 1000)
  }

  /** webtorrent's client calls this when it closes; there is nothing to release. */
  destroy(): void {
    return undefined
  }
}

const BUCKETS = 5
const BUCKET_MS = 1000

/** Bytes per second over the last few seconds, without a timer. */
export class RateMeter {
  readonly #bytes = new Float64Array(BUCKETS)
  #bucket = 0
  #startedAtMs = 0
  totalBytes = 0

  add(bytes: number): void {
    this.#advance()
    this.#bytes[this.#bucket % BUCKETS]! += bytes // the index is within the array by the modulo
    this.totalBytes += bytes
  }

  rateBytesPerSec(): number {
    this.#advance()
    let sum = 0
    for (const bytes of this.#bytes) sum += bytes
    const livedMs = performance.now() - this.#startedAtMs
    const windowMs = Math.min(livedMs, (BUCKETS - 1) * BUCKET_MS + (performance.now() % BUCKET_MS))
    return sum === 0 ? 0 : (sum / Math.max(windowMs, 250)) * 1000
  }

  #advance(): void {
    const nowMs = performance.now()
    const bucket = Math.floor(nowMs / BUCKET_MS)
    if (this.#startedAtMs === 0) {
      this.#startedAtMs = nowMs
      this.#bucket = bucket
      return
    }
    const steps = Math.min(bucket - this.#bucket, BUCKETS)
    for (let step = 1; step <= steps; step += 1) this.#bytes[(this.#bucket + step) % BUCKETS] = 0
    // After a long silence the window starts afresh, or the first second back would be averaged over it.
    if (steps === BUCKETS) this.#startedAtMs = nowMs
    this.#bucket = bucket
  }
}
