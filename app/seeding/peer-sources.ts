import { BLOCK_BYTES, type ActivePiece } from './active-piece.ts'
import type { Link } from './link.ts'
import type { PeerSource } from './peer-source.ts'

/** The peers of one download, and what was asked of whom. */
export class PeerSources {
  readonly #peers = new Map<Link, PeerSource>()

  get size(): number {
    return this.#peers.size
  }

  get(link: Link): PeerSource | undefined {
    return this.#peers.get(link)
  }

  set(link: Link, source: PeerSource): void {
    this.#peers.set(link, source)
  }

  delete(link: Link): void {
    this.#peers.delete(link)
  }

  values(): Iterable<PeerSource> {
    return this.#peers.values()
  }

  isAsked(index: number, block: number): boolean {
    for (const peer of this.#peers.values()) if (peer.ask(index, block) !== undefined) return true
    return false
  }

  /** Asks a peer no longer, if it was asked. */
  cancel(peer: PeerSource, index: number, block: number): void {
    const ask = peer.ask(index, block)
    if (ask === undefined) return
    peer.takeBack(index, block)
    if (!peer.link.isClosed) peer.link.sendCancel(index, block * BLOCK_BYTES, ask.piece.blockLength(block))
  }

  cancelElsewhere(source: PeerSource | null, index: number, block: number): void {
    for (const peer of this.#peers.values()) if (peer !== source) this.cancel(peer, index, block)
  }

  /** Nobody is to bring anything more of this piece. */
  release(piece: ActivePiece): void {
    for (const peer of this.#peers.values()) {
      peer.pieces.delete(piece)
      for (const ask of peer.asks()) if (ask.piece === piece) this.cancel(peer, piece.index, ask.block)
    }
  }

  /**
   * Takes back what was asked of those who have `index` and has not begun to come: what a slow peer was asked first comes first.
   * @param before pieces that are as urgent
   */
  makeWay(index: number, before: ReadonlySet<number>): void {
    for (const peer of this.#peers.values()) {
      if (!peer.has(index)) continue
      for (const { piece, block } of peer.asks()) {
        if (before.has(piece.index) || !piece.isAsked(block)) continue
        this.cancel(peer, piece.index, block)
        if (!this.isAsked(piece.index, block)) piece.giveBack(block, peer)
      }
    }
  }
}
