import { allocatePages } from '../page-memory.ts'

/** Several small pieces share one mapping: each reserves far more addresses than bytes. */
const SLAB_BYTES = 16 * 1024 * 1024
/** What direct writes ask of memory and position; it covers every usual device. */
export const PAGE_BYTES = 4096

/** A piece's bytes, seen by the piece threads too. */
export type PieceBytes = Uint8Array<SharedArrayBuffer>

interface Slab {
  readonly buffer: SharedArrayBuffer
  readonly freeOffsets: number[]
}

/** Where one download's unfinished pieces lie: shared with the piece threads, each piece beginning at a page border. */
export class PieceMemory {
  readonly #slotBytes: number
  readonly #slotsPerSlab: number
  readonly #slabs = new Set<Slab>()

  /** @param sizeBytes the file's: a small one takes no more than it needs */
  constructor(pieceLength: number, sizeBytes: number) {
    this.#slotBytes = Math.ceil(pieceLength / PAGE_BYTES) * PAGE_BYTES
    const usefulBytes = Math.min(SLAB_BYTES, Math.ceil(sizeBytes / pieceLength) * this.#slotBytes)
    this.#slotsPerSlab = Math.max(1, Math.floor(usefulBytes / this.#slotBytes))
  }

  /** @returns `byteCount` bytes, at most a piece, with whatever an earlier piece left in them */
  take(byteCount: number): PieceBytes {
    for (const { buffer, freeOffsets } of this.#slabs) {
      const offset = freeOffsets.pop()
      if (offset !== undefined) return new Uint8Array(buffer, offset, byteCount)
    }
    const freeOffsets = Array.from({ length: this.#slotsPerSlab }, (_, slot) => slot * this.#slotBytes)
    const buffer = allocatePages(this.#slotsPerSlab * this.#slotBytes)
    const offset = freeOffsets.pop()
    this.#slabs.add({ buffer, freeOffsets })
    return new Uint8Array(buffer, offset, byteCount)
  }

  /** What `take` gave; nobody may look at it or write to it any more. */
  give(bytes: PieceBytes): void {
    for (const slab of this.#slabs) if (slab.buffer === bytes.buffer) slab.freeOffsets.push(bytes.byteOffset)
    // One unused slab is kept for the next piece.
    const unused = [...this.#slabs].filter((slab) => slab.freeOffsets.length === this.#slotsPerSlab)
    for (const slab of unused.slice(1)) this.#slabs.delete(slab)
  }
}
