import { ActivePiece, type Sender } from './active-piece.ts'
import type { Ask, PeerSource } from './peer-source.ts'
import type { PieceMemory } from './piece-memory.ts'

/** Unfinished pieces in memory, all sources together; more and new pieces wait. */
const MAX_ACTIVE_BYTES = 256 * 1024 * 1024

/** The pieces that are being fetched right now, and who may help with which. */
export class ActivePieces {
  readonly #pieces = new Map<number, ActivePiece>()
  readonly #memory: PieceMemory
  #bytes = 0

  constructor(memory: PieceMemory) {
    this.#memory = memory
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_ACTIVE_BYTES
  }

  get arrivedBytes(): number {
    let sum = 0
    for (const piece of this.#pieces.values()) sum += piece.arrivedBytes
    return sum
  }

  has(piece: ActivePiece): boolean {
    return this.#pieces.get(piece.index) === piece
  }

  get(index: number): ActivePiece | undefined {
    return this.#pieces.get(index)
  }

  values(): Iterable<ActivePiece> {
    return this.#pieces.values()
  }

  begin(index: number, byteCount: number, owner: Sender, isExclusive: boolean): ActivePiece {
    const piece = new ActivePiece(index, this.#memory.take(byteCount), owner, isExclusive)
    this.#pieces.set(index, piece)
    this.#bytes += byteCount
    return piece
  }

  /** @returns false when it was not among them */
  end(piece: ActivePiece): boolean {
    if (!this.#pieces.delete(piece.index)) return false
    this.#bytes -= piece.byteCount
    return true
  }

  /** An ended piece's memory, for another one: nothing may be on its way into it any more. */
  reuse(piece: ActivePiece): void {
    this.#memory.give(piece.bytes)
  }

  /** One nobody works on any more, now this peer's. */
  leftBehind(source: PeerSource): ActivePiece | null {
    for (const piece of this.#pieces.values()) {
      if (piece.owner !== null || piece.freeCount === 0 || !source.has(piece.index)) continue
      piece.owner = source
      source.pieces.add(piece)
      return piece
    }
    return null
  }

  /** One somebody else works on and has not asked all of. */
  joinable(source: PeerSource): ActivePiece | null {
    for (const piece of this.#pieces.values()) {
      if (piece.freeCount > 0 && !piece.isExclusive && piece.owner !== source && source.has(piece.index))
        return piece
    }
    return null
  }

  /** A block somebody slower was asked for and has not begun to send. */
  endgameBlock(source: PeerSource): Ask | null {
    for (const piece of this.#pieces.values()) {
      if (piece.isExclusive || !source.has(piece.index)) continue
      for (let block = 0; block < piece.blockCount; block += 1) {
        if (piece.isAsked(block) && source.ask(piece.index, block) === undefined) return { piece, block }
      }
    }
    return null
  }
}
