import { AppError } from './contract/index.ts'
import type { Log } from './ports/log.ts'

type Closer = () => void | Promise<void>

/** What a part gets that comes after one that took all the time there was. */
const LEAST_MS = 100

/** Parts that were started and are to be ended, last first. */
export class Closers {
  readonly #log: () => Log
  readonly #patienceMs: number
  readonly #closers: Closer[] = []
  #closing: Promise<void> | undefined

  /**
   * @param log asked when something does not end as it should
   * @param patienceMs for all of them together; what is safe at any moment need not be waited for
   */
  constructor(log: () => Log, patienceMs: number) {
    this.#log = log
    this.#patienceMs = patienceMs
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /**
   * Notes how to end what was just started.
   * @throws {AppError} `CANCELLED` when everything is to end already; this is ended like the rest then
   */
  add(...closers: readonly Closer[]): void {
    this.#closers.push(...closers)
    if (this.#closing === undefined) return
    this.#closing = this.#closing.then(() => this.#closeAll())
    throw stoppedMeanwhile()
  }

  /**
   * Ends everything. One that fails is logged; one that is late is waited for no longer, and both keep none of the others from
   * ending. Never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    const untilMs = performance.now() + this.#patienceMs
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await this.#end(close, Math.max(LEAST_MS, untilMs - performance.now()))
    }
  }

  async #end(close: Closer, patienceMs: number): Promise<void> {
    const ending = (async () => close())().catch((error: unknown) =>
      this.#log().error('engine.stop-failed', { error }),
    )
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), patienceMs)
    })
    if ((await Promise.race([ending, late])) === 'late')
      this.#log().warn('engine.stop-late', { part: String(close) })
    clearTimeout(timer)
  }
}

/** Why a start ended that was told to. */
export function stoppedMeanwhile(cause?: unknown): AppError {
  return new AppError('CANCELLED', 'Sower was stopped while it was starting. Your media are untouched.', {
    cause,
  })
}
