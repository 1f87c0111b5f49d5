import { BLOCK_BYTES, type ActivePiece, type Sender } from './active-piece.ts'
import type { ActivePieces } from './active-pieces.ts'
import { HttpSource, URGENT_SPAN_BYTES } from './http-source.ts'
import type { PeerSources } from './peer-sources.ts'
import type { Picker } from './picker.ts'

/** What the HTTP sources of a download need of it. */
export interface PieceDesk {
  readonly picker: Picker
  readonly active: ActivePieces
  readonly peers: PeerSources
  readonly pieceLength: number
  isStopped(): boolean
  isUrgent(index: number): boolean
  /** The first missing piece that somebody waits for. */
  nextUrgent(): number | undefined
  newPiece(owner: Sender): ActivePiece | null
  activate(index: number, owner: Sender): ActivePiece
  leave(piece: ActivePiece): void
  complete(piece: ActivePiece): void
  fillAll(): void
  /** The download can't go on. */
  fail(error: unknown): void
}

/** The HTTP sources of one download: they bring whole pieces, several in a row. */
export class HttpFeed {
  readonly #desk: PieceDesk
  readonly #sources = new Set<HttpSource>()

  constructor(desk: PieceDesk) {
    this.#desk = desk
  }

  get size(): number {
    return this.#sources.size
  }

  add(source: HttpSource): void {
    this.#sources.add(source)
    if (!this.#desk.isStopped()) this.fill(source)
  }

  abort(): void {
    for (const source of this.#sources) source.abort()
  }

  /** Ends reads that keep these pieces away; all of them are free at once, so that the next question is for these. */
  makeWay(wanted: ReadonlySet<number>): void {
    for (const source of this.#sources)
      for (const piece of source.makeWay(wanted))
        if (this.#desk.active.has(piece)) this.#abandon(piece, source)
  }

  fillAll(): void {
    for (const source of this.#sources) this.fill(source)
  }

  fill(source: HttpSource): void {
    while (!this.#desk.isStopped() && source.hasRoom) {
      const pieces = this.#pieces(source)
      if (pieces.length === 0) return
      this.#fetch(source, pieces).catch((error: unknown) => this.#desk.fail(error))
    }
  }

  /** A run of new pieces, as long as the source is fast; in the end whatever others have not brought yet. */
  #pieces(source: HttpSource): ActivePiece[] {
    const { picker, active, pieceLength } = this.#desk
    const urgent = this.#desk.nextUrgent()
    if (urgent !== undefined) {
      const run = [urgent]
      for (const index of picker.run(urgent, Math.floor(URGENT_SPAN_BYTES / pieceLength) - 1)) {
        if (!this.#desk.isUrgent(index)) break
        run.push(index)
      }
      return run.map((index) => this.#desk.activate(index, source))
    }
    const first = this.#desk.newPiece(source)
    if (first !== null) {
      const room = Math.max(0, Math.floor(source.spanBytes / pieceLength) - 1)
      const run = !active.isFull ? picker.run(first.index, room) : []
      return [first, ...run.map((index) => this.#desk.activate(index, source))]
    }
    for (const piece of active.values()) {
      if (piece.isExclusive && piece.owner !== null) continue
      if (piece.freeCount === 0 && !picker.isEndgame) continue
      if (piece.missingCount === 0 || source.isFetching(piece)) continue
      if (piece.owner instanceof HttpSource && !this.#overtakes(source, piece)) continue
      piece.owner ??= source
      return [piece]
    }
    return []
  }

  /** In the end nobody waits for a much slower one; two at most bring the same piece. */
  #overtakes(source: HttpSource, piece: ActivePiece): boolean {
    const { owner } = piece
    if (!this.#desk.picker.isEndgame || !(owner instanceof HttpSource)) return false
    const fetching = [...this.#sources].filter((one) => one.isFetching(piece))
    return fetching.length < 2 && owner.rateBytesPerSec * 2 < source.rateBytesPerSec
  }

  async #fetch(source: HttpSource, pieces: readonly ActivePiece[]): Promise<void> {
    for (const piece of pieces) for (let block = piece.ask(); block >= 0; block = piece.ask());
    const bytes = await source.fetch(pieces)
    if (bytes === undefined) return
    let at = 0
    for (const piece of pieces) {
      const part = bytes?.subarray(at, at + piece.byteCount) ?? null
      at += piece.byteCount
      if (!this.#desk.active.has(piece)) continue
      if (part === null) this.#abandon(piece, source)
      else this.#takeWhole(piece, part, source)
    }
    this.#desk.fillAll()
  }

  #takeWhole(piece: ActivePiece, bytes: Uint8Array, source: HttpSource): void {
    let isComplete = false
    for (let block = 0; block < piece.blockCount; block += 1) {
      const start = block * BLOCK_BYTES
      const target = piece.arriving(block, source)
      if (target === null) continue
      target.set(bytes.subarray(start, start + target.length))
      isComplete = piece.arrived(block)
      this.#desk.peers.cancelElsewhere(null, piece.index, block)
    }
    if (isComplete) this.#desk.complete(piece)
  }

  /** Blocks this source was to bring become free again, unless a peer is still asked for them. */
  #abandon(piece: ActivePiece, source: HttpSource): void {
    for (let block = 0; block < piece.blockCount; block += 1)
      if (!this.#desk.peers.isAsked(piece.index, block)) piece.giveBack(block, source)
    if (piece.owner === source) this.#desk.leave(piece)
  }
}
