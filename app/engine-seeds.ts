import { isSeedable } from './engine-view.ts'
import type { ItemRow, Library, MediaFolder } from './library/index.ts'
import type { Swarm } from './seeding/index.ts'

/** Keeps the swarm's seeds equal to what the library says is to be seeded. */
export class SeedKeeper {
  readonly #library: Library
  readonly #folder: MediaFolder
  readonly #swarm: Swarm
  /** mediaId → infoHash of what the swarm has from us. */
  readonly #seeded = new Map<string, string>()

  constructor(parts: { readonly library: Library; readonly folder: MediaFolder; readonly swarm: Swarm }) {
    this.#library = parts.library
    this.#folder = parts.folder
    this.#swarm = parts.swarm
  }

  /** Everything that is to be seeded, without reading a byte of it. */
  seedAll(): void {
    for (const row of this.#library.seeding()) this.#seed(row)
  }

  /** Seeds or unseeds as the item's row now says. Safe to repeat. */
  async settle(mediaId: string): Promise<void> {
    const row = this.#library.get(mediaId)
    const before = this.#seeded.get(mediaId)
    const wanted = row !== undefined && isSeedable(row) ? row.infoHash : undefined
    if (before !== undefined && before !== wanted) {
      this.#seeded.delete(mediaId)
      await this.#swarm.unseed(before)
    }
    if (row !== undefined && wanted !== undefined && before !== wanted) this.#seed(row)
  }

  #seed({ mediaId, infoHash, sizeBytes }: ItemRow): void {
    if (infoHash === undefined) return
    this.#seeded.set(mediaId, infoHash)
    this.#swarm.seed({ mediaId, infoHash, metainfoPath: this.#folder.paths(mediaId).metainfo, sizeBytes })
  }
}
