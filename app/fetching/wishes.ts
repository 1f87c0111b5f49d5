/** What is to become of a download. */
type Wish = 'queued' | 'paused' | 'cancelled'

interface WishesInit {
  /** Ends what it is doing; resolves when it does nothing any more. */
  readonly end: (id: string) => Promise<void>
  /** It does nothing now, and will not until this resolves. */
  readonly carryOut: (id: string, wish: 'paused' | 'cancelled') => Promise<void>
  /** It is to go on after all. */
  readonly queue: (id: string) => void
}

interface Pending {
  wish: Wish
  done: Promise<void>
}

/** What the user wishes of downloads that take a moment to end: for each the wish made last is the one that counts. */
export class Wishes {
  readonly #init: WishesInit
  readonly #pending = new Map<string, Pending>()

  constructor(init: WishesInit) {
    this.#init = init
  }

  /** Whether a wish for it is still to be carried out. */
  has(id: string): boolean {
    return this.#pending.has(id)
  }

  /** Resolves when it, or what was wished since, has been carried out. @throws what carrying it out throws */
  make(id: string, wish: 'paused' | 'cancelled'): Promise<void> {
    const before = this.#pending.get(id)
    if (before !== undefined) {
      before.wish = wish
      return before.done
    }
    const pending: Pending = { wish, done: Promise.resolve() }
    this.#pending.set(id, pending)
    pending.done = this.#fulfil(id, pending)
    return pending.done
  }

  /** It is to go on, instead of what is still to be carried out. @returns whether there was anything */
  takeBack(id: string): boolean {
    const pending = this.#pending.get(id)
    if (pending !== undefined) pending.wish = 'queued'
    return pending !== undefined
  }

  /** Nothing is left to be carried out. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#pending.values()].map(({ done }) => done))
  }

  async #fulfil(id: string, pending: Pending): Promise<void> {
    try {
      await this.#init.end(id)
      for (let done: Wish = 'queued'; done !== pending.wish;) {
        done = pending.wish
        if (done !== 'queued') await this.#init.carryOut(id, done)
      }
    } finally {
      this.#pending.delete(id)
    }
    if (pending.wish === 'queued') this.#init.queue(id)
  }
}
