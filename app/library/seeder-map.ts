import path from 'node:path'
import { replaceFile } from './durable.ts'
import type { ItemStore } from './item-store.ts'
import type { MediaFolder } from './media-folder.ts'
import type { Log } from '../ports/log.ts'

const QUIET_MS = 2000

/** Keeps `<MEDIA_DIR>/seeder.json` (infoHash → mediaId) for other tools. It is never read back. */
export class SeederMap {
  readonly #items: ItemStore
  readonly #folder: MediaFolder
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #isDue = false
  #writing: Promise<void> = Promise.resolve()

  constructor({ items, folder, log }: { items: ItemStore; folder: MediaFolder; log: Log }) {
    this.#items = items
    this.#folder = folder
    this.#log = log
  }

  /** Once things have been quiet for a while, so that adding a thousand files does not write it a thousand times. */
  changed(): void {
    this.#isDue = true
    this.#timer ??= setTimeout(() => void this.flush(), QUIET_MS).unref()
  }

  /** Writes it now when it is due. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
    await this.#writing
  }

  async #write(): Promise<void> {
    const state = this.#folder.state()
    if (!this.#isDue || state === 'offline' || state === 'read-only') return
    this.#isDue = false
    try {
      const map: Record<string, string> = {}
      for (const { infoHash, mediaId } of this.#items.each('kept')) {
        if (infoHash !== undefined) map[infoHash] = mediaId
      }
      await replaceFile(path.join(this.#folder.dir, 'seeder.json'), `${JSON.stringify(map, null, 1)}\n`)
    } catch (error) {
      this.#isDue = true
      this.#log.warn('library.seeder-map-failed', { reason: String(error) })
    }
  }
}
