export interface BucketRate {
  readonly ratePerSec: number
  readonly burst: number
}

interface Bucket {
  tokens: number
  atMs: number
}

const MAX_KEYS = 10_000

/** Token buckets, one per key, in bounded memory: the key unused longest is forgotten first. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()
  readonly #nowMs: () => number

  /** @param nowMs a monotonic clock, in milliseconds */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /**
   * Takes one token.
   * @returns 0 when there was one, else after how many milliseconds there is
   */
  take(key: string, rate: BucketRate): number {
    const bucket = this.#refill(key, rate)
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / rate.ratePerSec) * 1000)
    bucket.tokens -= 1
    return 0
  }

  /** Whether a token is there, without taking it. */
  has(key: string, rate: BucketRate): boolean {
    return !this.#buckets.has(key) || this.#refill(key, rate).tokens >= 1
  }

  #refill(key: string, { ratePerSec, burst }: BucketRate): Bucket {
    const nowMs = this.#nowMs()
    const known = this.#buckets.get(key)
    const bucket = known ?? { tokens: burst, atMs: nowMs }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * ratePerSec)
    bucket.atMs = nowMs
    // Re-inserting keeps the map ordered by last use.
    if (known) this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MAX_KEYS) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest)
        break
      }
    }
    return bucket
  }
}
