import type { GunRoot } from './gun-module.ts'
import { isListSoul } from './souls.ts'

/** Nodes kept in memory; those unused longest are forgotten first and read from the disk when asked for. */
const MAX_NODES = 4_000
/**
 * Writes after which a list is let go of. All frozen versions are keys of one soul, and that soul is always the one used last: as one
 * of the {@link MAX_NODES} it would hold every manifest there is.
 */
const MAX_LIST_WRITES = 256

/** Which nodes GUN holds in its memory, and which of them it lets go of. */
export class NodesInMemory {
  readonly #root: GunRoot
  /** Souls, least recently used first. */
  readonly #used = new Map<string, true>()
  /** Writes to a list since it was last let go of. */
  readonly #listWrites = new Map<string, number>()

  constructor(root: GunRoot) {
    this.#root = root
  }

  get count(): number {
    return this.#used.size
  }

  /** GUN took something of this node into its memory. */
  touch(soul: string): void {
    this.#used.delete(soul)
    this.#used.set(soul, true)
    if (this.#used.size > MAX_NODES * 1.25) this.prune()
    if (!isListSoul(soul)) return
    const writes = (this.#listWrites.get(soul) ?? 0) + 1
    this.#listWrites.set(soul, writes)
    // Not while GUN is in the middle of this very write.
    if (writes === MAX_LIST_WRITES) setImmediate(() => this.forget(soul))
  }

  /** Lets go of what is beyond the limit. */
  prune(keep = MAX_NODES): void {
    for (const soul of this.#used.keys()) {
      if (this.#used.size <= keep) return
      this.forget(soul)
    }
  }

  /** Once in a while: GUN notes every soul that was ever read, for chains, of which there are none here. */
  tidy(): void {
    const { next } = this.#root
    if (next !== undefined) for (const soul of Object.keys(next)) delete next[soul]
    this.prune()
  }

  /** Lets go of one. */
  forget(soul: string): void {
    this.#used.delete(soul)
    this.#listWrites.delete(soul)
    delete this.#root.graph[soul]
    if (this.#root.next !== undefined) delete this.#root.next[soul]
  }
}
