/** A token bucket: `ratePerSec` on average, `burst` at once. Times are of a monotonic clock, in milliseconds. */
export class Rate {
  readonly #ratePerSec: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor(ratePerSec: number, burst: number, nowMs: number) {
    this.#ratePerSec = ratePerSec
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /** Takes `amount`, going into debt when there is not as much. @returns after how many milliseconds the debt is paid; 0 = none */
  spend(amount: number, nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#ratePerSec)
    this.#atMs = nowMs
    this.#tokens -= amount
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#ratePerSec) * 1000)
  }
}
