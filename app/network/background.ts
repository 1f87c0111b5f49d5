import type { Log } from '../ports/log.ts'

/** The same trouble is logged again after so long. */
const QUIET_MS = 60_000

/** Runs what nobody waits for: what goes wrong in it costs that alone, is logged, and everything else goes on. */
export class Background {
  readonly #log: Log
  readonly #loggedAtMs = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  /** @param task begun at once; it may fail at once, or later */
  run(work: string, task: () => unknown): void {
    const begun = async (): Promise<unknown> => task()
    begun().catch((error: unknown) => this.#failed(work, error))
  }

  #failed(work: string, error: unknown): void {
    const nowMs = performance.now()
    if (nowMs - (this.#loggedAtMs.get(work) ?? -Infinity) < QUIET_MS) return
    this.#loggedAtMs.set(work, nowMs)
    this.#log.error('network.background-failed', { work, error })
  }
}
