const CHANGE_MS = 250

/** Tells that something changed, at most four times a second however much does. */
export class ChangeNotifier {
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  on(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  changed(): void {
    if (this.#listeners.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      for (const listener of this.#listeners) listener()
    }, CHANGE_MS).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
