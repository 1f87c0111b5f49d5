import type { LibraryContext } from './context.ts'

const FLUSH_INTERVAL_MS = 3000

/** Bytes uploaded and times served: added up in memory, written every few seconds. */
export class Usage {
  readonly #context: LibraryContext
  readonly #pending = new Map<string, { uploadedBytes: number; servedAtMs: number | null }>()
  #timer: NodeJS.Timeout | undefined

  constructor(context: LibraryContext) {
    this.#context = context
  }

  addUploaded(mediaId: string, bytes: number): void {
    this.#entry(mediaId).uploadedBytes += bytes
  }

  touchServed(mediaId: string): void {
    this.#entry(mediaId).servedAtMs = this.#context.clock.nowMs()
  }

  pending(
    mediaId: string,
  ): { readonly uploadedBytes: number; readonly servedAtMs: number | null } | undefined {
    return this.#pending.get(mediaId)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { db, items, log } = this.#context
    if (this.#pending.size === 0 || !db.sql.open) return
    try {
      db.write(() => {
        for (const [mediaId, { uploadedBytes, servedAtMs }] of this.#pending) {
          items.addUsage(mediaId, uploadedBytes, servedAtMs)
        }
      })
    } catch (error) {
      // Counters must not stop anything; they stay in memory for the next time.
      log.warn('library.usage-not-written', { reason: String(error) })
      return
    }
    const mediaIds = [...this.#pending.keys()]
    this.#pending.clear()
    this.#context.changed(mediaIds)
  }

  #entry(mediaId: string): { uploadedBytes: number; servedAtMs: number | null } {
    let entry = this.#pending.get(mediaId)
    if (entry === undefined) {
      entry = { uploadedBytes: 0, servedAtMs: null }
      this.#pending.set(mediaId, entry)
    }
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_INTERVAL_MS).unref()
    return entry
  }
}
