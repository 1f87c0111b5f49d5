import type { Log } from '../ports/log.ts'

/** Collects ids of rows that changed and tells them together once the current work is done. */
export class Changes {
  readonly #log: Log
  readonly #listeners = new Set<(mediaIds: string[]) => void>()
  #pending = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  add(mediaIds: Iterable<string>): void {
    const isFirst = this.#pending.size === 0
    for (const mediaId of mediaIds) this.#pending.add(mediaId)
    if (isFirst && this.#pending.size > 0) setImmediate(() => this.#tell())
  }

  /** @returns takes the listener off again */
  onChange(listener: (mediaIds: string[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    const mediaIds = [...this.#pending]
    this.#pending = new Set()
    for (const listener of this.#listeners) {
      try {
        listener(mediaIds)
      } catch (error) {
        // A database that can't be written just now, say: what changed has changed, and the others hear of it.
        this.#log.error('library.change-not-followed', { error })
      }
    }
  }
}
