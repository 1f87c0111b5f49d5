/** How far a job is. */
export interface Progress {
  readonly bytesDone: number
  readonly bytesTotal?: number
  /** Smoothed over the last seconds; 0 until something can be said. */
  readonly rateBytesPerSec: number
  readonly etaMs?: number
}

/** A listener is told at most ten times a second. */
const INTERVAL_MS = 100
/** How long the past counts in the rate. */
const SMOOTHING_MS = 2000

/** Turns a count of bytes into throttled progress with rate and time left. */
export class ProgressMeter {
  readonly #bytesTotal: number | undefined
  readonly #onProgress: ((progress: Progress) => void) | undefined
  readonly #nowMs: () => number
  #saidAtMs: number
  #saidBytes = 0
  #bytesDone = 0
  #rateBytesPerSec = 0

  constructor(
    bytesTotal: number | undefined,
    onProgress: ((progress: Progress) => void) | undefined,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#bytesTotal = bytesTotal
    this.#onProgress = onProgress
    this.#nowMs = nowMs
    this.#saidAtMs = nowMs()
  }

  add(bytes: number): void {
    this.#bytesDone += bytes
    const nowMs = this.#nowMs()
    if (nowMs - this.#saidAtMs >= INTERVAL_MS) this.#say(nowMs)
  }

  /** Says where it stands, however recently that was said. */
  end(): void {
    this.#say(this.#nowMs())
  }

  /** Forgets the rate: after a pause the time in between says nothing. */
  restart(): void {
    this.#saidAtMs = this.#nowMs()
    this.#saidBytes = this.#bytesDone
  }

  #say(nowMs: number): void {
    const elapsedMs = nowMs - this.#saidAtMs
    if (elapsedMs > 0 && this.#bytesDone > this.#saidBytes) {
      const rate = ((this.#bytesDone - this.#saidBytes) * 1000) / elapsedMs
      const weight = this.#rateBytesPerSec === 0 ? 1 : 1 - Math.exp(-elapsedMs / SMOOTHING_MS)
      this.#rateBytesPerSec += weight * (rate - this.#rateBytesPerSec)
    }
    this.#saidAtMs = nowMs
    this.#saidBytes = this.#bytesDone
    this.#onProgress?.({
      bytesDone: this.#bytesDone,
      rateBytesPerSec: Math.round(this.#rateBytesPerSec),
      ...(this.#bytesTotal === undefined
        ? {}
        : { bytesTotal: this.#bytesTotal, ...this.#eta(this.#bytesTotal) }),
    })
  }

  #eta(bytesTotal: number): { etaMs?: number } {
    if (this.#rateBytesPerSec === 0) return {}
    const bytesLeft = Math.max(0, bytesTotal - this.#bytesDone)
    return { etaMs: Math.ceil((bytesLeft * 1000) / this.#rateBytesPerSec) }
  }
}
