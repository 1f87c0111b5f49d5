import { BLOCK_BYTES, type ActivePiece, type Sender } from './active-piece.ts'

/** Pieces that failed and had several senders, kept until a good copy shows whose blocks were wrong. */
export class Mixtures {
  readonly #pieces = new Map<number, { readonly piece: ActivePiece; readonly bytes: Uint8Array }>()

  has(index: number): boolean {
    return this.#pieces.has(index)
  }

  /** Copies its bytes: their memory is for other pieces afterwards. */
  keep(piece: ActivePiece): void {
    this.#pieces.set(piece.index, { piece, bytes: Uint8Array.from(piece.bytes) })
  }

  /** Who sent blocks that differ from those of the verified piece. */
  judge(good: ActivePiece): Set<Sender> {
    const liars = new Set<Sender>()
    const mixture = this.#pieces.get(good.index)
    if (mixture === undefined) return liars
    this.#pieces.delete(good.index)
    for (let block = 0; block < good.blockCount; block += 1) {
      const start = block * BLOCK_BYTES
      const end = start + good.blockLength(block)
      const sender = mixture.piece.sender(block)
      const isSame = Buffer.compare(mixture.bytes.subarray(start, end), good.bytes.subarray(start, end)) === 0
      if (sender !== null && !isSame) liars.add(sender)
    }
    return liars
  }
}
