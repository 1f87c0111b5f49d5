import type { TransferSource } from '../contract/index.ts'
import { BLOCK_BYTES, type ActivePiece, type Sender } from './active-piece.ts'
import { ActivePieces } from './active-pieces.ts'
import { takeHead } from './head-pieces.ts'
import { HttpFeed } from './http-feed.ts'
import { HttpSource, type RangeSource } from './http-source.ts'
import type { Link } from './link.ts'
import type { Metainfo } from './metainfo.ts'
import { Mixtures } from './mixtures.ts'
import { PeerSource, type Ask } from './peer-source.ts'
import { PeerSources } from './peer-sources.ts'
import { checkClaims } from './piece-claims.ts'
import { Picker, PIECE_ACTIVE, PIECE_DONE, PIECE_MISSING, PIECE_VERIFYING } from './picker.ts'
import type { PieceFile } from './piece-file.ts'
import { RateMeter, type TokenBucket } from './throttle.ts'
import type { HeadBytes } from './types.ts'
import { piecesOf, type ByteRange } from './urgency.ts'

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
  readonly #peers = new PeerSources()
  readonly #https: HttpFeed
  readonly #active: ActivePieces
  readonly #mixtures = new Mixtures()
  /** Pieces somebody waits for, most urgent first. */
  #urgent: ReadonlySet<number> = new Set()
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
    this.#https = new HttpFeed({
      picker: this.picker,
      active: this.#active,
      peers: this.#peers,
      pieceLength: metainfo.pieceLength,
      isStopped: () => this.#isStopped,
      isUrgent: (index) => this.#urgent.has(index),
      nextUrgent: () => this.#firstUrgent(PIECE_MISSING),
      newPiece: (owner) => this.#newPiece(owner, () => true),
      activate: (index, owner) => this.#activate(index, owner),
      leave: (piece) => this.#leave(piece),
      complete: (piece) => this.#complete(piece),
      fillAll: () => this.#fillAll(),
      fail: (error) => events.onError(error),
    })
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
    this.#https.abort()
  }

  /** After `stop`, for good: lets go of the memory of unfinished pieces. */
  close(): void {
    for (const piece of this.#active.values()) if (this.#deactivate(piece)) this.#active.reuse(piece)
  }

  /** Checks pieces of a former run by their hash; those that hold are done, the others are fetched. */
  async adopt(verified: Uint8Array): Promise<void> {
    this.#verifiedBytes += await checkClaims(this.#file, this.picker, verified)
  }

  /** Takes the pieces that are in these bytes already. */
  async takeHead(head: HeadBytes): Promise<void> {
    await takeHead(head, {
      file: this.#file,
      picker: this.picker,
      pieceLength: this.#metainfo.pieceLength,
      isStopped: () => this.#isStopped,
      onPiece: (index, byteCount) => {
        this.#verifiedBytes += byteCount
        this.#events.onPiece(index)
      },
    })
    if (this.picker.isDone) this.#events.onDone()
  }

  /** Whether every byte of this range is verified and in the file. */
  has({ start, endExclusive }: ByteRange): boolean {
    const { pieceLength, sizeBytes } = this.#metainfo
    if (start < 0 || endExclusive > sizeBytes) return false
    for (let index = Math.floor(start / pieceLength); index * pieceLength < endExclusive; index += 1)
      if (!this.picker.isPiece(index, PIECE_DONE)) return false
    return true
  }

  /** Fetches what these ranges lie in before anything else, the first of them first; each call replaces the one before. */
  prioritize(ranges: readonly ByteRange[]): void {
    const before = this.#urgent
    this.#urgent = piecesOf(ranges, this.#metainfo)
    // One that is on its way may come at the end of a long read, or behind other things.
    const next = this.#firstUrgent(PIECE_MISSING, PIECE_ACTIVE)
    if (next === undefined || this.#isStopped) return
    if (!before.has(next)) this.#makeWay(next)
    this.#fillAll()
  }

  addHttp(range: RangeSource): HttpSource {
    const source = new HttpSource(range, this.#metainfo, {
      onBytes: (bytes) => this.rate.add(bytes),
      spend: (bytes) => this.#limit.spend(bytes),
      onIdle: () => this.#https.fill(source),
    })
    this.#https.add(source)
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
    if (this.isOffering(link)) link.wire.interested()
    else link.wire.uninterested()
    this.#fillPeer(source)
  }

  /** Whether it has a piece that is missing. */
  isOffering({ wire: { peerPieces } }: Link): boolean {
    return this.picker.states.some((state, index) => state !== PIECE_DONE && peerPieces.get(index))
  }

  onReject(link: Link, index: number, offset: number): void {
    const source = this.#peers.get(link)
    const ask = source?.ask(index, offset / BLOCK_BYTES)
    if (source === undefined || source.answersOld(index, offset / BLOCK_BYTES) || ask === undefined) return
    source.forget(index, ask.block)
    source.refuse(index)
    this.#release(ask.piece, ask.block, source)
  }

  blockTarget(link: Link, index: number, offset: number, length: number): Uint8Array | null {
    const source = this.#peers.get(link)
    const block = offset / BLOCK_BYTES
    const ask = source?.ask(index, block)
    source?.answersOld(index, block)
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
    if (this.picker.isEndgame) this.#peers.cancelElsewhere(source, index, block)
    if (isComplete) this.#complete(ask.piece)
    this.#fillPeer(source)
  }

  #fillAll(): void {
    if (this.#isStopped || this.#isFilling) return
    this.#isFilling = true
    for (const source of this.#peers.values()) this.#fillPeer(source)
    this.#https.fillAll()
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

  #nextBlock(source: PeerSource): Ask | null {
    const urgent = this.#urgentBlock(source)
    if (urgent !== null) return urgent
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

  #urgentBlock(source: PeerSource): Ask | null {
    for (const index of this.#urgent) {
      if (!source.has(index)) continue
      const piece = this.picker.isPiece(index, PIECE_MISSING)
        ? this.#activate(index, source)
        : this.#active.get(index)
      const mayHelp = piece !== undefined && (!piece.isExclusive || piece.owner === source)
      const block = mayHelp ? piece.ask() : -1
      if (mayHelp && block >= 0) return { piece, block }
    }
    return null
  }

  #firstUrgent(...states: readonly number[]): number | undefined {
    for (const index of this.#urgent) if (states.includes(this.picker.states[index] ?? -1)) return index
    return undefined
  }

  /** Somebody reads elsewhere now: what is on its way for nobody waits until that is there. */
  #makeWay(index: number): void {
    const urgent = [...this.#urgent]
    const before = new Set(urgent.slice(0, urgent.indexOf(index) + 1))
    this.#peers.makeWay(index, before)
    this.#https.makeWay(before)
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
    this.#peers.release(piece)
    return true
  }

  #giveBackAll(source: PeerSource): void {
    for (const { piece, block } of source.takeAsks()) this.#release(piece, block, source)
    for (const piece of source.pieces) this.#leave(piece)
    source.pieces.clear()
  }

  #release(piece: ActivePiece, block: number, source: PeerSource): void {
    const isAskedElsewhere = this.#peers.isAsked(piece.index, block)
    if (!isAskedElsewhere && !(piece.owner instanceof HttpSource)) piece.giveBack(block, source)
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
    this.#events.onDropped(sender.droppedView(note), sender)
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
        this.#peers.cancel(source, piece.index, block)
        this.#release(piece, block, source)
      }
      for (const piece of source.pieces) this.#leave(piece)
      source.pieces.clear()
    }
    this.#fillAll()
  }
}
