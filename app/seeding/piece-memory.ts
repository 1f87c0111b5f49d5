import { allocatePages } from '../page-memory.ts'

/** Several small pieces share one mapping: each reserves far more addresses than bytes. */
const SLAB_BYTES = 16 * 1024 * 1024
const KEPT_SLABS = 3
/** What direct writes ask of memory and position; it covers every usual device. */
export const PAGE_BYTES = 4096

/** A piece's bytes, seen by the piece threads too. */
export type PieceBytes = Uint8Array<SharedArrayBuffer>

/**
 * Memory for all downloads together. What one has done with is kept for the next, a little of it: such memory stays until
 * the garbage collector happens to look, which in an idle node it does not.
 */
export class PieceSlabs {
  readonly #kept: SharedArrayBuffer[] = []

  take(byteLength: number): SharedArrayBuffer {
    const kept = byteLength <= SLAB_BYTES ? this.#kept.pop() : undefined
    return kept ?? allocatePages(Math.max(byteLength, SLAB_BYTES))
  }

  give(slab: SharedArrayBuffer): void {
    if (this.#kept.length < KEPT_SLABS && slab.byteLength === SLAB_BYTES) this.#kept.push(slab)
  }
}

interface Slab {
  readonly buffer: SharedArrayBuffer
  readonly freeOffsets: number[]
}

/** Where one download's unfinished pieces lie: shared with the piece threads, each piece beginning at a page border. */
export class PieceMemory {
  readonly #slabs: PieceSlabs
  readonly #slotBytes: number
  readonly #slotsPerSlab: number
  readonly #used = new Set<Slab>()

  constructor(slabs: PieceSlabs, pieceLength: number) {
    this.#slabs = slabs
    this.#slotBytes = Math.ceil(pieceLength / PAGE_BYTES) * PAGE_BYTES
    this.#slotsPerSlab = Math.max(1, Math.floor(SLAB_BYTES / this.#slotBytes))
  }

  /** @returns `byteCount` bytes, at most a piece, with whatever an earlier piece left in them */
  take(byteCount: number): PieceBytes {
    for (const { buffer, freeOffsets } of this.#used) {
      const offset = freeOffsets.pop()
      if (offset !== undefined) return new Uint8Array(buffer, offset, byteCount)
    }
    const freeOffsets = Array.from({ length: this.#slotsPerSlab }, (_, slot) => slot * this.#slotBytes)
    const buffer = this.#slabs.take(this.#slotsPerSlab * this.#slotBytes)
    const offset = freeOffsets.shift()
    this.#used.add({ buffer, freeOffsets: freeOffsets.reverse() })
    return new Uint8Array(buffer, offset, byteCount)
  }

  /** What `take` gave; nobody may look at it or write to it any more. */
  give(bytes: PieceBytes): void {
    for (const slab of this.#used) {
      if (slab.buffer !== bytes.buffer) continue
      slab.freeOffsets.push(bytes.byteOffset)
      if (slab.freeOffsets.length < this.#slotsPerSlab) return
      this.#used.delete(slab)
      this.#slabs.give(slab.buffer)
    }
  }
}
