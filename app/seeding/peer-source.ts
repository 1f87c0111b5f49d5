import type { TransferSource } from '../contract/index.ts'
import type { ActivePiece } from './active-piece.ts'
import type { Link } from './link.ts'

/** One block asked of a peer. */
export interface Ask {
  readonly piece: ActivePiece
  readonly block: number
}

const START_DEPTH = 32
const MIN_DEPTH = 8
const DEFAULT_PEER_LIMIT = 250
const MAX_DEPTH = 1000
const BLOCK_BYTES = 16 * 1024
const MAX_BLOCKS_PER_PIECE = 4096

/** A peer as a place to get blocks from: what it has, what was asked of it, how much it can be asked at once. */
export class PeerSource {
  readonly link: Link
  readonly label: string
  readonly pieces = new Set<ActivePiece>()
  readonly #asks = new Map<number, Ask>()
  readonly #counted: Uint8Array
  /** Requests taken back that it has not answered: with a block that was under way, or a refusal (BEP 6). */
  readonly #takenBack = new Map<number, number>()
  /** Pieces it refused to send: not asked for again until then. */
  readonly #refusedUntilMs = new Map<number, number>()
  isSnubbed = false
  lastBlockAtMs = performance.now()
  #depth = START_DEPTH

  constructor(link: Link, label: string, pieceCount: number) {
    this.link = link
    this.label = label
    this.#counted = new Uint8Array(pieceCount)
  }

  /** What the user is told of it once nothing more is taken from it. */
  droppedView(note: string): TransferSource {
    const { totalBytes } = this.link.download
    return { kind: 'torrent', label: this.label, state: 'dropped', bytes: totalBytes, note }
  }

  get askedCount(): number {
    return this.#asks.size
  }

  get canBeAsked(): boolean {
    return !this.link.isClosed && !this.link.wire.peerChoking
  }

  /** How many more blocks to ask for now; small remainders wait so that requests leave in batches. */
  get room(): number {
    // Under a limit only what may come within a quarter of a second is on its way, or it would come in one gush.
    const limit = this.link.downloadLimitBytesPerSec
    const allowed = limit === null ? Infinity : Math.max(2, Math.ceil(limit / 4 / BLOCK_BYTES))
    const depth = this.isSnubbed ? 1 : Math.min(this.#depth, allowed)
    const free = depth - this.#asks.size
    return free >= Math.min(depth / 4, 32) ? free : 0
  }

  has(index: number): boolean {
    if (!this.link.wire.peerPieces.get(index)) return false
    const untilMs = this.#refusedUntilMs.get(index)
    return untilMs === undefined || untilMs < performance.now()
  }

  refuse(index: number): void {
    this.#refusedUntilMs.set(index, performance.now() + 5000)
  }

  /** Calls `count` for every piece it got since the last time; `true` if it lacks a piece. */
  countNew(count: (index: number, by: 1 | -1) => void): void {
    const { peerPieces } = this.link.wire
    for (let index = 0; index < this.#counted.length; index += 1) {
      if (this.#counted[index] === 1 || !peerPieces.get(index)) continue
      this.#counted[index] = 1
      count(index, 1)
    }
  }

  countOut(count: (index: number, by: 1 | -1) => void): void {
    for (let index = 0; index < this.#counted.length; index += 1) {
      if (this.#counted[index] === 1) count(index, -1)
    }
  }

  asked(piece: ActivePiece, block: number): void {
    this.#asks.set(keyOf(piece.index, block), { piece, block })
  }

  ask(index: number, block: number): Ask | undefined {
    return this.#asks.get(keyOf(index, block))
  }

  forget(index: number, block: number): boolean {
    return this.#asks.delete(keyOf(index, block))
  }

  /** It was told not to send this block any more. */
  takeBack(index: number, block: number): void {
    this.#asks.delete(keyOf(index, block))
    const key = keyOf(index, block)
    if (this.link.wire.hasFast) this.#takenBack.set(key, (this.#takenBack.get(key) ?? 0) + 1)
  }

  /** @returns whether what it says of this block answers a request that was taken back, not one made since */
  answersOld(index: number, block: number): boolean {
    const key = keyOf(index, block)
    const count = this.#takenBack.get(key)
    if (count === undefined) return false
    if (count === 1) this.#takenBack.delete(key)
    else this.#takenBack.set(key, count - 1)
    return true
  }

  /** Everything asked and not arrived, given back by the caller. */
  takeAsks(): Ask[] {
    const asks = [...this.#asks.values()]
    this.#asks.clear()
    return asks
  }

  asks(): Iterable<Ask> {
    return this.#asks.values()
  }

  /** A block came: ask for more at once, up to two seconds' worth. */
  onBlock(): void {
    this.lastBlockAtMs = performance.now()
    this.isSnubbed = false
    const told = this.link.wire.peerExtendedHandshake['reqq']
    const limit = Math.min(typeof told === 'number' && told > 0 ? told : DEFAULT_PEER_LIMIT, MAX_DEPTH)
    if (this.#depth < limit) this.#depth += 1
  }

  /** Once a second: a slow peer is asked for less at a time. */
  adapt(): void {
    const target = Math.ceil((this.link.download.rateBytesPerSec() * 2) / BLOCK_BYTES)
    if (this.#asks.size > 0 && this.#depth > START_DEPTH && target < this.#depth / 2) {
      this.#depth = Math.max(MIN_DEPTH, START_DEPTH, target)
    }
  }
}

function keyOf(index: number, block: number): number {
  return index * MAX_BLOCKS_PER_PIECE + block
}
