import type { LibraryContext } from './context.ts'

/** Does things for many items, of which one that the file system refuses keeps none of the others from being done. */
export class Attempts {
  readonly #context: Pick<LibraryContext, 'folder' | 'notices' | 'log'>
  readonly #refused: { readonly dir: string; readonly code: string }[] = []

  constructor(context: Pick<LibraryContext, 'folder' | 'notices' | 'log'>) {
    this.#context = context
  }

  /** @returns what `work` gives; `undefined` when the file system refused it, which `tell` says then */
  async run<T>(dir: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      // Only what the system itself refused: a bug stays a bug.
      if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) throw error
      this.#context.log.warn('library.folder-unreadable', { dir, reason: String(error) })
      this.#refused.push({ dir, code: String(error.code) })
      return undefined
    }
  }

  /** Tells the user, once for all of them. */
  tell(): void {
    const [first] = this.#refused
    // A drive that went away meanwhile is said elsewhere.
    if (first === undefined || this.#context.folder.state() === 'offline') return
    const count = this.#refused.length
    const which = count === 1 ? 'A folder' : `${count} folders`
    this.#context.notices.add({
      level: 'warning',
      code: 'FOLDER_UNREADABLE',
      message: `${which} in the media folder can’t be read or moved, so what is in there is left as it is. Everything else is available.`,
      hint: `Check ${first.dir} (${first.code}) and who may read and write it. Sower looks again at its next start.`,
    })
  }
}
