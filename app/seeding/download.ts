import type { TransferSource } from '../contract/index.ts'
import { BLOCK_BYTES, type ActivePiece, type Sender } from './active-piece.ts'
import { ActivePieces } from './active-pieces.ts'
import { HttpSource, type RangeSource } from './http-source.ts'
import type { Link } from './link.ts'
import type { Metainfo } from './metainfo.ts'
import { Mixtures } from './mixtures.ts'
import { PeerSource } from './peer-source.ts'
import { checkClaims } from './piece-claims.ts'
import { Picker, PIECE_ACTIVE, PIECE_DONE, PIECE_MISSING, PIECE_VERIFYING } from './picker.ts'
import type { PieceFile } from './piece-file.ts'
import { RateMeter, type TokenBucket } from './throttle.ts'

/** What the owner of a download hears from it. */
export interface DownloadEvents {
  onPiece(index: number): void
  onDone(): void
  /** A source sent wrong bytes and is not asked again. */
  onDropped(source: TransferSource, sender: PeerSource | HttpSource): void
  onError(error: unknown): void
}

/** Arrived but not yet on disk: the network waits for the disk. */
const MAX_VERIFYING_BYTES = 96 * 1024 * 1024
const SNUB_MS = 10_000

/**
 * Fetches pieces from peers and HTTP sources at once. A piece is worked on by one source where possible, so that wrong
 * bytes have one author; a failed mixture is fetched again from one source and compared.
 */
export class Download {
  readonly picker: Picker
  readonly rate = new RateMeter()
  readonly #metainfo: Metainfo
  readonly #file: PieceFile
  readonly #limit: TokenBucket
  readonly #events: DownloadEvents
  readonly #droppedSenders = new WeakSet<Sender>()
  readonly #peers = new Map<Link, PeerSource>()
  readonly #https = new Set<HttpSource>()
  readonly #active: ActivePieces
  readonly #mixtures = new Mixtures()
  #verifiedBytes = 0
  #verifyingBytes = 0
  #tick: NodeJS.Timeout | undefined
  #isFilling = false
  #isStopped = false

  /** @param limit the node's download limit; connections keep to it by themselves, HTTP reads are charged here */
  constructor(metainfo: Metainfo, file: PieceFile, limit: TokenBucket, events: DownloadEvents) {
    this.#metainfo = metainfo
    this.#file = file
    this.#limit = limit
    this.#events = events
    this.picker = new Picker(metainfo.pieceCount)
    this.#active = new ActivePieces(file.newMemory())
  }

  /** Verified bytes, and those of pieces under way. */
  get bytesDone(): number {
    return this.#verifiedBytes + this.#active.arrivedBytes + this.#verifyingBytes
  }

  start(): void {
    this.#isStopped = false
    this.#tick ??= setInterval(() => this.#everySecond(), 1000)
    this.#fillAll()
  }

  /** Stops asking; what is verified stays. */
  stop(): void {
    this.#isStopped = true
    clearInterval(this.#tick)
    this.#tick = undefined
    for (const source of this.#https) source.abort()
  }

  /** After `stop`, for good: lets go of the memory of unfinished pieces. */
  close(): void {
    for (const piece of this.#active.values()) if (this.#deactivate(piece)) this.#active.reuse(piece)
  }

  /** Checks pieces of a former run by their hash; those that hold are done, the others are fetched. */
  async adopt(verified: Uint8Array): Promise<void> {
    this.#verifiedBytes += await checkClaims(this.#file, this.picker, verified)
  }

  addHttp(range: RangeSource): HttpSource {
    const source = new HttpSource(range, this.#metainfo, {
      onBytes: (bytes) => this.rate.add(bytes),
      spend: (bytes) => this.#limit.spend(bytes),
      onIdle: () => this.#fillHttp(source),
    })
    this.#https.add(source)
    if (!this.#isStopped) this.#fillHttp(source)
    return source
  }

  addPeer(link: Link, label: string): PeerSource {
    const source = new PeerSource(link, label, this.#metainfo.pieceCount)
    this.#peers.set(link, source)
    this.updatePeer(link)
    return source
  }

  removePeer(link: Link): void {
    const source = this.#peers.get(link)
    if (source === undefined) return
    this.#peers.delete(link)
    source.countOut((index, by) => this.picker.count(index, by))
    this.#giveBackAll(source)
    this.#fillAll()
  }

  updatePeer(link: Link): void {
    const source = this.#peers.get(link)
    if (source === undefined || link.isClosed) return
    source.countNew((index, by) => this.picker.count(index, by))
    if (link.wire.peerChoking) this.#giveBackAll(source)
    const isWanted = this.picker.states.some(
      (state, index) => state !== PIECE_DONE && link.wire.peerPieces.get(index),
    )
    if (isWanted) link.wire.interested()
    else link.wire.uninterested()
    this.#fillPeer(source)
  }

  onReject(link: Link, index: number, offset: number): void {
    const source = this.#peers.get(link)
    const ask = source?.ask(index, offset / BLOCK_BYTES)
    if (source === undefined || ask === undefined) return
    source.forget(index, ask.block)
    source.refuse(index)
    this.#release(ask.piece, ask.block, source)
  }

  blockTarget(link: Link, index: number, offset: number, length: number): Uint8Array | null {
    const source = this.#peers.get(link)
    const block = offset / BLOCK_BYTES
    const ask = source?.ask(index, block)
    if (source === undefined || ask?.piece.blockLength(block) !== length) return null
    return ask.piece.arriving(block, source)
  }

  blockDone(link: Link, index: number, offset: number, length: number): void {
    const source = this.#peers.get(link)
    const block = offset / BLOCK_BYTES
    const ask = source?.ask(index, block)
    if (source === undefined || ask === undefined) return
    source.forget(index, block)
    source.onBlock()
    this.rate.add(length)
    const isComplete = ask.piece.arrived(block)
    if (this.picker.isEndgame) this.#cancelElsewhere(source, index, block)
    if (isComplete) this.#complete(ask.piece)
    this.#fillPeer(source)
  }

  #fillAll(): void {
    if (this.#isStopped || this.#isFilling) return
    this.#isFilling = true
    for (const source of this.#peers.values()) this.#fillPeer(source)
    for (const source of this.#https) this.#fillHttp(source)
    this.#isFilling = false
  }

  #fillPeer(source: PeerSource): void {
    if (this.#isStopped || !source.canBeAsked) return
    const requests: { index: number; offset: number; length: number }[] = []
    for (let room = source.room; room > 0; room -= 1) {
      const ask = this.#nextBlock(source)
      if (ask === null) break
      source.asked(ask.piece, ask.block)
      requests.push({
        index: ask.piece.index,
        offset: ask.block * BLOCK_BYTES,
        length: ask.piece.blockLength(ask.block),
      })
    }
    if (requests.length > 0) source.link.sendRequests(requests)
  }

  #nextBlock(source: PeerSource): { piece: ActivePiece; block: number } | null {
    for (const piece of source.pieces) {
      const block = source.has(piece.index) ? piece.ask() : -1
      if (block >= 0) return { piece, block }
    }
    const piece =
      this.#active.leftBehind(source) ??
      this.#newPiece(source, (index) => source.has(index)) ??
      this.#active.joinable(source)
    const block = piece?.ask() ?? -1
    if (piece !== null && block >= 0) return { piece, block }
    // Asking twice only pays when there is somebody else, and for those with little else to do.
    const isLast = this.picker.isEndgame && source.askedCount < 4 && this.#peers.size + this.#https.size > 1
    return isLast ? this.#active.endgameBlock(source) : null
  }

  #newPiece(owner: Sender, has: (index: number) => boolean): ActivePiece | null {
    if (this.#active.isFull || this.#verifyingBytes >= MAX_VERIFYING_BYTES) return null
    const index = this.picker.rarest(has)
    return index === -1 ? null : this.#activate(index, owner)
  }

  #activate(index: number, owner: Sender): ActivePiece {
    const isExclusive = this.#mixtures.has(index)
    const piece = this.#active.begin(index, this.#file.pieceBytes(index), owner, isExclusive)
    this.picker.set(index, PIECE_ACTIVE)
    if (owner instanceof PeerSource) owner.pieces.add(piece)
    return piece
  }

  #fillHttp(source: HttpSource): void {
    while (!this.#isStopped && source.hasRoom) {
      const pieces = this.#httpPieces(source)
      if (pieces.length === 0) return
      void this.#fetchHttp(source, pieces)
    }
  }

  /** A run of new pieces, as long as the source is fast; in the end whatever others have not brought yet. */
  #httpPieces(source: HttpSource): ActivePiece[] {
    const first = this.#newPiece(source, () => true)
    if (first !== null) {
      const room = Math.max(0, Math.floor(source.spanBytes / this.#metainfo.pieceLength) - 1)
      const run = !this.#active.isFull ? this.picker.run(first.index, room) : []
      return [first, ...run.map((index) => this.#activate(index, source))]
    }
    for (const piece of this.#active.values()) {
      if (piece.isExclusive && piece.owner !== null) continue
      if (piece.freeCount === 0 && !this.picker.isEndgame) continue
      if (piece.missingCount === 0 || piece.owner instanceof HttpSource || source.isFetching(piece)) continue
      piece.owner ??= source
      return [piece]
    }
    return []
  }

  async #fetchHttp(source: HttpSource, pieces: readonly ActivePiece[]): Promise<void> {
    for (const piece of pieces) for (let block = piece.ask(); block >= 0; block = piece.ask());
    const bytes = await source.fetch(pieces)
    let at = 0
    for (const piece of pieces) {
      const part = bytes?.subarray(at, at + piece.byteCount) ?? null
      at += piece.byteCount
      if (!this.#active.has(piece)) continue
      if (part === null) this.#abandon(piece, source)
      else this.#takeWhole(piece, part, source)
    }
    this.#fillAll()
  }

  #takeWhole(piece: ActivePiece, bytes: Uint8Array, source: HttpSource): void {
    let isComplete = false
    for (let block = 0; block < piece.blockCount; block += 1) {
      const start = block * BLOCK_BYTES
      const target = piece.arriving(block, source)
      if (target === null) continue
      target.set(bytes.subarray(start, start + target.length))
      isComplete = piece.arrived(block)
      for (const peer of this.#peers.values()) this.#cancel(peer, piece.index, block)
    }
    if (isComplete) this.#complete(piece)
  }

  /** Blocks this source was to bring become free again, unless a peer is still asked for them. */
  #abandon(piece: ActivePiece, source: HttpSource): void {
    const asked = new Set(
      [...this.#peers.values()]
        .flatMap((peer) => [...peer.asks()])
        .filter((ask) => ask.piece === piece)
        .map((ask) => ask.block),
    )
    for (let block = 0; block < piece.blockCount; block += 1)
      if (!asked.has(block)) piece.giveBack(block, source)
    if (piece.owner === source) this.#leave(piece)
  }

  /** Nobody owns it any more; without a byte it is as if it had never been begun. */
  #leave(piece: ActivePiece): void {
    piece.owner = null
    if (piece.freeCount < piece.blockCount && !piece.isExclusive) return
    if (!this.#deactivate(piece)) return
    this.#active.reuse(piece)
    this.picker.set(piece.index, PIECE_MISSING)
  }

  /** @returns false when it was over already */
  #deactivate(piece: ActivePiece): boolean {
    if (!this.#active.end(piece)) return false
    for (const peer of this.#peers.values()) {
      peer.pieces.delete(piece)
      for (const ask of peer.asks()) if (ask.piece === piece) this.#cancel(peer, piece.index, ask.block)
    }
    return true
  }

  #giveBackAll(source: PeerSource): void {
    for (const { piece, block } of source.takeAsks()) this.#release(piece, block, source)
    for (const piece of source.pieces) this.#leave(piece)
    source.pieces.clear()
  }

  #release(piece: ActivePiece, block: number, source: PeerSource): void {
    const isAskedElsewhere = [...this.#peers.values()].some(
      (peer) => peer.ask(piece.index, block) !== undefined,
    )
    if (!isAskedElsewhere && !(piece.owner instanceof HttpSource)) piece.giveBack(block, source)
  }

  #cancel(peer: PeerSource, index: number, block: number): void {
    const ask = peer.ask(index, block)
    if (ask === undefined) return
    peer.forget(index, block)
    if (!peer.link.isClosed) peer.link.sendCancel(index, block * BLOCK_BYTES, ask.piece.blockLength(block))
  }

  #cancelElsewhere(source: PeerSource, index: number, block: number): void {
    for (const peer of this.#peers.values()) if (peer !== source) this.#cancel(peer, index, block)
  }

  #complete(piece: ActivePiece): void {
    this.#deactivate(piece)
    this.#verifyingBytes += piece.byteCount
    this.picker.set(piece.index, PIECE_VERIFYING)
    this.#verify(piece).catch((error: unknown) => {
      this.picker.set(piece.index, PIECE_MISSING)
      this.#events.onError(error)
    })
  }

  async #verify(piece: ActivePiece): Promise<void> {
    const { index, byteCount } = piece
    let isGood
    try {
      isGood = await this.#file.verifyAndWrite(index, piece.bytes)
      if (isGood) {
        this.picker.set(index, PIECE_DONE)
        this.#verifiedBytes += byteCount
        for (const liar of this.#mixtures.judge(piece)) this.#drop(liar, index)
      } else this.#failed(piece)
    } finally {
      this.#verifyingBytes -= byteCount
      this.#active.reuse(piece)
    }
    if (isGood) this.#events.onPiece(index)
    if (this.picker.isDone) this.#events.onDone()
    else this.#fillAll()
  }

  /** One sender: it lied. Several: fetch it again from one of them, then compare. */
  #failed(piece: ActivePiece): void {
    const senders = [...piece.senders()]
    const [only] = senders
    if (senders.length === 1 && only !== undefined) this.#drop(only, piece.index)
    else this.#mixtures.keep(piece)
    this.picker.set(piece.index, PIECE_MISSING)
  }

  #drop(sender: Sender, index: number): void {
    if (!(sender instanceof PeerSource || sender instanceof HttpSource) || this.#droppedSenders.has(sender))
      return
    this.#droppedSenders.add(sender)
    const note = `It sent bytes that are not this file's (piece ${String(index)}), so nothing more is taken from it.`
    if (sender instanceof HttpSource) {
      sender.drop(note)
      this.#events.onDropped(sender.view(), sender)
      return
    }
    const view = {
      kind: 'torrent',
      label: sender.label,
      state: 'dropped',
      bytes: sender.link.download.totalBytes,
      note,
    } as const
    this.#events.onDropped(view, sender)
    this.removePeer(sender.link)
  }

  #everySecond(): void {
    const nowMs = performance.now()
    for (const source of this.#peers.values()) {
      source.adapt()
      if (source.askedCount === 0 || nowMs - source.lastBlockAtMs < SNUB_MS) {
        if (source.askedCount === 0) source.lastBlockAtMs = nowMs
        continue
      }
      source.isSnubbed = true
      source.lastBlockAtMs = nowMs
      for (const { piece, block } of source.asks()) {
        this.#cancel(source, piece.index, block)
        this.#release(piece, block, source)
      }
      for (const piece of source.pieces) this.#leave(piece)
      source.pieces.clear()
    }
    this.#fillAll()
  }
}
