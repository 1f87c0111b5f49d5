import type { AppError } from '../contract/index.ts'
import type { HttpSource } from './http-source.ts'

/** Bytes a source is bringing: from `position` on, up to `end`, which comes nearer when somebody else takes a part over. */
export interface Claim {
  position: number
  end: number
  /** From a server that only gives whole files: what others bring meanwhile is skipped. */
  isSweep: boolean
  /** Others bring the same: whoever is first counts. */
  readonly isRace: boolean
}

const WINDOW_MS = 250
const SILENT_MS = 1000
const STALLED_MS = 2500
const LONGEST_REST_MS = 15_000

/** One source in a race: what it brings, and how fast. */
export class Lane {
  readonly source: HttpSource
  claim: Claim | null = null
  failure: AppError | undefined
  /** It will never give anything. */
  isDead = false
  startedMs = 0
  #abort = new AbortController()
  #failures = 0
  #restUntilMs = 0
  #rate: number | undefined
  #windowBytes = 0
  #windowMs = 0
  #gainedMs = 0

  constructor(source: HttpSource) {
    this.source = source
  }

  get isFree(): boolean {
    return !this.isDead && this.claim === null && performance.now() >= this.#restUntilMs
  }

  /** @returns ends it */
  begin(claim: Claim): AbortSignal {
    this.claim = claim
    this.#abort = new AbortController()
    this.startedMs = this.#windowMs = this.#gainedMs = performance.now()
    this.#windowBytes = 0
    return this.#abort.signal
  }

  end(): void {
    this.claim = null
  }

  abort(): void {
    this.#abort.abort()
  }

  gained(bytes: number): void {
    const nowMs = performance.now()
    this.#failures = 0
    this.#gainedMs = nowMs
    this.#windowBytes += bytes
    const elapsedMs = nowMs - this.#windowMs
    if (elapsedMs < WINDOW_MS) return
    const rate = (this.#windowBytes * 1000) / elapsedMs
    this.#rate = this.#rate === undefined ? rate : this.#rate * 0.6 + rate * 0.4
    this.#windowBytes = 0
    this.#windowMs = nowMs
  }

  /** Rests for a while, longer each time it gave nothing. */
  failed(error: AppError, isPermanent: boolean): void {
    this.failure = error
    this.isDead = isPermanent
    this.#restUntilMs = performance.now() + Math.min(500 * 2 ** this.#failures, LONGEST_REST_MS)
    this.#failures += 1
  }

  /** Bytes per second; `undefined` as long as it has not shown. */
  get rate(): number | undefined {
    const elapsedMs = performance.now() - this.#windowMs
    if (this.claim === null || elapsedMs < SILENT_MS) return this.#rate
    const current = (this.#windowBytes * 1000) / elapsedMs
    return this.#rate === undefined ? current : Math.min(this.#rate, current)
  }

  get isStalled(): boolean {
    return this.claim !== null && performance.now() - this.#gainedMs > STALLED_MS
  }

  /** How long until it has brought what it is bringing. */
  get etaMs(): number {
    if (this.claim === null) return 0
    const left = this.claim.end - this.claim.position
    const rate = this.isStalled ? 0 : this.rate
    return rate === undefined ? 0 : rate <= 0 ? Infinity : (left * 1000) / rate
  }
}
