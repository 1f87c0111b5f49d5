import { isSeedable, reachOf } from './engine-view.ts'
import type { ItemRow, Library, MediaFolder } from './library/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { Swarm } from './seeding/index.ts'

interface SeedKeeperParts {
  readonly library: Pick<Library, 'get' | 'seeding'>
  readonly folder: Pick<MediaFolder, 'paths'>
  readonly swarm: Pick<Swarm, 'seed' | 'unseed'>
  readonly clock: Clock
  readonly log: Log
  /**
   * How long after it was added an item of one's own is told to nobody: the window offers to undo a drop for as long, and what was announced can't be taken back. 0 = at once.
   */
  readonly holdMs: number
}

/** Keeps the swarm's seeds equal to what the library says is to be seeded. */
export class SeedKeeper {
  readonly #parts: SeedKeeperParts
  /** mediaId → infoHash of what the swarm has from us. */
  readonly #seeded = new Map<string, string>()
  /** Items that are held back for the moment. */
  readonly #held = new Map<string, NodeJS.Timeout>()

  constructor(parts: SeedKeeperParts) {
    this.#parts = parts
  }

  /** Everything that is to be seeded, without reading a byte of it. */
  seedAll(): void {
    for (const row of this.#parts.library.seeding()) if (isSeedable(row)) this.#seed(row)
  }

  /** Seeds or unseeds as the item's row now says. Safe to repeat. */
  async settle(mediaId: string): Promise<void> {
    clearTimeout(this.#held.get(mediaId))
    this.#held.delete(mediaId)
    const row = this.#parts.library.get(mediaId)
    const before = this.#seeded.get(mediaId)
    const wanted = row !== undefined && isSeedable(row) ? row.infoHash : undefined
    if (before !== undefined && before !== wanted) {
      this.#seeded.delete(mediaId)
      await this.#parts.swarm.unseed(before)
    }
    if (row !== undefined && wanted !== undefined && before !== wanted) this.#seed(row)
  }

  /** Forgets what is held back; the next start seeds it. */
  stop(): void {
    for (const timer of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
  }

  /** The time to undo is over, whatever the clock says. */
  #release(mediaId: string): void {
    this.#held.delete(mediaId)
    const row = this.#parts.library.get(mediaId)
    if (row !== undefined && isSeedable(row)) this.#tell(row)
  }

  #seed(row: ItemRow): void {
    const { mediaId } = row
    const holdMs = this.#remainingHoldMs(row)
    if (holdMs > 0) {
      // Nothing is lost when this never fires: the item is seeded at the next start.
      this.#held.set(
        mediaId,
        setTimeout(() => {
          try {
            this.#release(mediaId)
          } catch (error) {
            this.#parts.log.error('seeding.release-failed', { mediaId, error })
          }
        }, holdMs),
      )
      return
    }
    this.#tell(row)
  }

  #tell(row: ItemRow): void {
    const { mediaId, infoHash, sizeBytes } = row
    if (infoHash === undefined) return
    this.#seeded.set(mediaId, infoHash)
    this.#parts.swarm.seed({
      mediaId,
      infoHash,
      metainfoPath: this.#parts.folder.paths(mediaId).metainfo,
      sizeBytes,
      reach: reachOf(row),
    })
  }

  #remainingHoldMs({ isOwn, addedAtMs }: ItemRow): number {
    const { holdMs, clock } = this.#parts
    if (!isOwn) return 0
    // A clock that was set back must not hold an item for longer than that.
    return Math.min(holdMs, addedAtMs + holdMs - clock.nowMs())
  }
}
