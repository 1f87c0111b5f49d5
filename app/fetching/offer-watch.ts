import { AppError, type TransferSource } from '../contract/index.ts'
import type { Plan } from './plan.ts'
import type { Report } from './report.ts'

/** People need a moment to be met; before that nobody is told that there is nobody. */
const TOLD_AFTER_MS = 10_000
/** Meeting people takes longer than hearing of them. */
const MEETING_TIMES = 3
const NOBODY_NOW = 'Nobody it knows of offers this now. It is asked again and again.'

/** Watches whether anybody offers the item of one download: the user is told when nobody does, and a bounded search ends. */
export class OfferWatch {
  readonly #plan: Pick<Plan, 'giveUpAfterMs'>
  readonly #report: Report
  #sinceMs: number | undefined
  #isTold = false

  constructor(plan: Pick<Plan, 'giveUpAfterMs'>, report: Report) {
    this.#plan = plan
    this.#report = report
  }

  /**
   * Everybody who can be asked was asked, and nobody knows of anybody.
   * @throws {AppError} `NO_SOURCES` when that has been so for as long as the user wants to wait
   */
  nobodyKnown(): void {
    this.#sinceMs ??= performance.now()
    this.#report.board.set('network', 'connecting', NOBODY_NOW)
    this.#tell(true)
    this.#report.sources()
    const fault = this.#faultAfter(1)
    if (fault !== null) throw fault
  }

  /** The swarm's sources as they are now: whoever has something that is missing here counts. */
  see(sources: readonly Pick<TransferSource, 'state'>[]): void {
    if (sources.some(({ state }) => state === 'active' || state === 'idle')) {
      this.offered()
      return
    }
    this.#sinceMs ??= performance.now()
    if (performance.now() - this.#sinceMs > TOLD_AFTER_MS) this.#tell(true)
  }

  /** Why it makes no sense to go on looking in the swarm, if there is a reason. */
  fault(): AppError | null {
    return this.#faultAfter(MEETING_TIMES)
  }

  /** Somebody gives it. */
  offered(): void {
    this.#sinceMs = undefined
    this.#tell(false)
  }

  #tell(isUnoffered: boolean): void {
    if (this.#isTold === isUnoffered) return
    this.#isTold = isUnoffered
    this.#report.say({ isUnoffered })
  }

  #faultAfter(times: number): AppError | null {
    const { giveUpAfterMs } = this.#plan
    if (giveUpAfterMs === undefined || this.#sinceMs === undefined) return null
    if (performance.now() - this.#sinceMs < giveUpAfterMs * times) return null
    return new AppError('NO_SOURCES', 'Nobody offers this item now, as far as anybody who was asked knows.', {
      hint: 'Try again later, or name somebody who has it.',
    })
  }
}
