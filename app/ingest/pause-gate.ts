/** Holds a job between two blocks while it is closed. */
export class PauseGate {
  #opened: PromiseWithResolvers<void> | null = null

  get isPaused(): boolean {
    return this.#opened !== null
  }

  pause(): void {
    this.#opened ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#opened?.resolve()
    this.#opened = null
  }

  /** Resolves when the gate is open or `signal` fires; the caller looks at the signal itself. */
  async wait(signal: AbortSignal): Promise<void> {
    while (this.#opened !== null && !signal.aborted) {
      const aborted = Promise.withResolvers<void>()
      const onAbort = (): void => aborted.resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      await Promise.race([this.#opened.promise, aborted.promise])
      signal.removeEventListener('abort', onAbort)
    }
  }
}
