/** From this size on files are added one after the other: two at once would only take the disk from each other. */
const BIG_FROM_BYTES = 32 * 1024 * 1024
const SMALL_AT_ONCE = 8

export interface QueuedJob {
  /** Looks at the file; its size in bytes, 0 when that can't be told. Never rejects. */
  size(): Promise<number>
  /** Never rejects. */
  run(): Promise<void>
}

/** Decides what runs when: one big file at a time, several small ones beside it. */
export class AddQueue {
  #waiting: QueuedJob[] = []
  #waitingBig: QueuedJob[] = []
  #smallRunning = 0
  /** Those that hold the place of the big one; a paused one lets the next begin. */
  readonly #bigRunning = new Set<QueuedJob>()

  add(job: QueuedJob): void {
    this.#waiting.push(job)
    this.#fill()
  }

  /** Takes a job out that has not begun. */
  remove(job: QueuedJob): void {
    this.#waiting = this.#waiting.filter((other) => other !== job)
    this.#waitingBig = this.#waitingBig.filter((other) => other !== job)
  }

  /** The job is paused: its place is free until it goes on. */
  yield(job: QueuedJob): void {
    if (this.#bigRunning.delete(job)) this.#fill()
  }

  clear(): void {
    this.#waiting = []
    this.#waitingBig = []
  }

  #fill(): void {
    while (this.#smallRunning < SMALL_AT_ONCE) {
      const job = this.#waiting.shift()
      if (job === undefined) break
      this.#smallRunning += 1
      void this.#sizeAndRun(job)
    }
    if (this.#bigRunning.size > 0) return
    const big = this.#waitingBig.shift()
    if (big === undefined) return
    this.#bigRunning.add(big)
    void big.run().finally(() => {
      this.#bigRunning.delete(big)
      this.#fill()
    })
  }

  async #sizeAndRun(job: QueuedJob): Promise<void> {
    const sizeBytes = await job.size()
    if (sizeBytes >= BIG_FROM_BYTES) this.#waitingBig.push(job)
    else await job.run()
    this.#smallRunning -= 1
    this.#fill()
  }
}
