/** GUN's process says how it is this often. */
export const REPORT_EVERY_MS = 2_000
/** Reports that may be missing: long work and a busy computer keep it from one or the other. */
const MISSING_REPORTS = 10

/**
 * Notices that a process which reports regularly no longer does. Only while this one is awake: what was missed while the computer
 * slept, or this process itself had no turn, says nothing about the other one.
 */
export class Watchdog {
  readonly #onSilence: () => void
  readonly #nowMs: () => number
  #timer: NodeJS.Timeout | undefined
  #missing = 0
  #lastMs = 0

  /** @param nowMs of a monotonic clock */
  constructor(onSilence: () => void, nowMs: () => number = () => performance.now()) {
    this.#onSilence = onSilence
    this.#nowMs = nowMs
  }

  start(): void {
    this.stop()
    this.#missing = 0
    this.#lastMs = this.#nowMs()
    this.#timer = setInterval(() => this.#tick(), REPORT_EVERY_MS).unref()
  }

  /** It said something. */
  heard(): void {
    this.#missing = 0
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const nowMs = this.#nowMs()
    const isLate = nowMs - this.#lastMs > REPORT_EVERY_MS * 1.5
    this.#lastMs = nowMs
    // What came meanwhile has not been read yet.
    if (isLate) return
    this.#missing += 1
    if (this.#missing < MISSING_REPORTS) return
    this.stop()
    this.#onSilence()
  }
}
