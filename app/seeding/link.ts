import type { Duplex } from 'node:stream'
import Peer, { type Wire } from 'webtorrent/lib/peer.js'
import { received } from './receiver.ts'
import type { Slice } from './served-files.ts'
import { RateMeter, TokenBucket } from './throttle.ts'
import type { ConnectedPeer } from './types.ts'

/** What a connection tells whoever it belongs to. Blocks are written straight to where they belong, never collected. */
export interface LinkHandler {
  /** Where a block that has begun to arrive is to be written; `null` = nobody asked for it. */
  blockTarget(link: Link, index: number, offset: number, length: number): Uint8Array | null
  blockDone(link: Link, index: number, offset: number, length: number): void
  onRequest(link: Link, index: number, offset: number, length: number): void
  onReject(link: Link, index: number, offset: number, length: number): void
  /** Room again after `isCongested`. */
  onDrain(link: Link): void
}

const MESSAGE_PIECE = 7
const MESSAGE_REQUEST = 6
const MESSAGE_CANCEL = 8
/** length, id, index, offset, length of the block */
const BLOCK_FRAME = 17
/** length, id, index, offset */
const PIECE_HEADER = 13
const MAX_BLOCK = 128 * 1024
const MAX_FRAME = 2 * 1024 * 1024
const MAX_UNSENT_BYTES = 2 * 1024 * 1024
/** Somebody who asks and asks and reads nothing; a whole large info dictionary fits in. */
const MAX_BACKLOG_BYTES = 16 * 1024 * 1024
const ignore = (): void => undefined

interface BlockName {
  readonly index: number
  readonly offset: number
  readonly length: number
}

/**
 * One connection to a peer. webtorrent's Peer and Wire do the greeting, the encryption and the rare messages; Link moves
 * the blocks. webtorrent pipes every byte through five streams and joins it in buffers twice; that was a third of its time.
 */
export class Link {
  readonly peer: Peer
  readonly wire: Wire
  readonly conn: Duplex
  readonly upload = new RateMeter()
  readonly download = new RateMeter()
  handler: LinkHandler | null = null
  isClosed = false
  readonly #up: TokenBucket
  readonly #down: TokenBucket
  #isFast = false
  #unsentBytes = 0
  #wasCongested = false
  #resumeTimer: NodeJS.Timeout | undefined
  readonly #head = new Uint8Array(PIECE_HEADER)
  #headLength = 0
  #frame: Uint8Array | null = null
  #frameLength = 0
  #sink: Uint8Array | null = null
  #block: BlockName = { index: 0, offset: 0, length: 0 }
  #blockLength = -1

  constructor(peer: Peer, conn: Duplex, wire: Wire) {
    this.peer = peer
    this.wire = wire
    this.conn = conn
    const { up, down } = peer.throttleGroups
    if (!(up instanceof TokenBucket && down instanceof TokenBucket))
      throw new TypeError('client without our throttles')
    this.#up = up
    this.#down = down
    links.set(wire, this)
    // Wire's outgoing bytes skip its stream; null = it has closed.
    wire.push = (data) => (data === null ? this.#end() : this.write(data))
    wire._onRequest = (index, offset, length) => this.handler?.onRequest(this, index, offset, length)
    wire._onReject = (index, offset, length) => this.handler?.onReject(this, index, offset, length)
    wire._onPiece = (index, offset, block) => {
      this.#startBlock(index, offset, block.length)
      this.#sink?.set(block)
      this.#endBlock()
    }
    // Until the torrent is found and has taken the connection, what follows the handshake waits.
    wire.once('handshake', () => {
      wire._pePending = true
      conn.pause()
    })
    const feed = (chunk: Uint8Array): void => this.#feed(chunk)
    if (received.has(conn)) received.set(conn, feed)
    else conn.on('data', feed)
    if (!this.isTcp) conn.on('drain', () => this.#sent(this.#unsentBytes))
    conn.once('close', () => this.#closed())
    peer.once('disconnect', () => this.#closed())
  }

  get isTcp(): boolean {
    return this.peer.type !== 'webrtc'
  }

  /** `ip:port`, as far as it is known. */
  get address(): string {
    const { conn } = this
    const remote =
      'remoteAddress' in conn && 'remotePort' in conn
        ? `${String(conn.remoteAddress)}:${String(conn.remotePort)}`
        : 'webrtc'
    return (this.peer.addr ?? remote).replace(/^::ffff:/, '')
  }

  /** For the user. */
  describe(): ConnectedPeer {
    const client = this.wire.peerExtendedHandshake['v']
    return {
      address: this.address,
      kind: this.isTcp ? 'tcp' : 'webrtc',
      ...(client instanceof Uint8Array
        ? { client: Buffer.from(client.subarray(0, 64)).toString('utf8') }
        : {}),
      uploadedBytes: this.upload.totalBytes,
      downloadedBytes: this.download.totalBytes,
    }
  }

  /** Too much handed to the socket that it has not taken yet. */
  get isCongested(): boolean {
    this.#wasCongested ||= this.#unsentBytes >= MAX_UNSENT_BYTES
    return this.#unsentBytes >= MAX_UNSENT_BYTES
  }

  /** Lets the messages after the handshake through, to `handler`. */
  release(): void {
    if (this.isClosed) return
    this.wire._pePending = false
    this.#read(() => this.wire._processBuffer())
    this.#maybeGoFast()
    this.conn.resume()
  }

  /** The node's download limit; `null` = none. */
  get downloadLimitBytesPerSec(): number | null {
    return this.#down.rateBytesPerSec
  }

  /** @returns 0 when the node's upload budget allows a block now, else milliseconds to wait */
  uploadWaitMs(bytes: number): number {
    return this.#up.take(bytes)
  }

  /** Sends a block and gives its bytes back when the socket has taken them. */
  sendBlock(index: number, offset: number, { bytes, release }: Slice): void {
    const header = Buffer.allocUnsafe(PIECE_HEADER)
    header.writeUInt32BE(9 + bytes.length, 0)
    header[4] = MESSAGE_PIECE
    header.writeUInt32BE(index, 5)
    header.writeUInt32BE(offset, 9)
    this.upload.add(bytes.length)
    if (this.isTcp && this.wire._encryptor?._isEncrypted !== true) {
      this.write(header)
      this.write(bytes, release)
    } else {
      this.#writeEncrypted(Buffer.concat([header, bytes]))
      release()
    }
  }

  /** Requests for one or more blocks, in one write. */
  sendRequests(requests: readonly BlockName[]): void {
    const frames = Buffer.allocUnsafe(BLOCK_FRAME * requests.length)
    let at = 0
    for (const request of requests) at = writeBlockFrame(frames, at, MESSAGE_REQUEST, request)
    this.#writeEncrypted(frames)
  }

  /** Also lets go of where the block was to be written, if it is coming in already. */
  sendCancel(index: number, offset: number, length: number): void {
    if (this.#block.index === index && this.#block.offset === offset) this.#sink = null
    const frame = Buffer.allocUnsafe(BLOCK_FRAME)
    writeBlockFrame(frame, 0, MESSAGE_CANCEL, { index, offset, length })
    this.#writeEncrypted(frame)
  }

  /** Several writes become one system call. */
  cork(): void {
    if (this.isTcp) this.conn.cork()
  }

  uncork(): void {
    if (this.isTcp) this.conn.uncork()
  }

  write(data: Uint8Array, onTaken: () => void = ignore): boolean {
    if (this.isClosed || this.conn.destroyed) {
      onTaken()
      return false
    }
    this.#unsentBytes += data.length
    if (this.#unsentBytes > MAX_BACKLOG_BYTES) {
      onTaken()
      this.close(new Error('reads nothing of what it asks for'))
      return false
    }
    // webrtc's stream takes no callback; its own buffer is small and says when it is empty ('drain').
    if (this.isTcp) {
      this.conn.write(data, () => {
        onTaken()
        this.#sent(data.length)
      })
    } else if (this.conn.write(data)) this.#unsentBytes = 0
    return true
  }

  close(reason?: Error): void {
    this.peer.destroy(reason)
    this.#closed()
  }

  #writeEncrypted(data: Uint8Array): void {
    this.write(this.wire._encryptor?.encrypt(data) ?? data)
  }

  #sent(bytes: number): void {
    this.#unsentBytes -= bytes
    if (!this.#wasCongested || this.#unsentBytes > MAX_UNSENT_BYTES / 2) return
    this.#wasCongested = false
    this.handler?.onDrain(this)
  }

  #end(): boolean {
    this.conn.end()
    return false
  }

  #closed(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#sink = null
    clearTimeout(this.#resumeTimer)
  }

  #feed(chunk: Uint8Array): void {
    if (this.isClosed) return
    const waitMs = this.#down.spend(chunk.length)
    if (waitMs > 0) this.#rest(waitMs)
    if (this.#isFast) this.#parse(this.wire._encryptor?.decrypt(chunk) ?? chunk)
    else {
      // Wire keeps what it has not read yet, and the receive buffer is used again.
      this.#read(() => this.wire._write(Uint8Array.from(chunk), ignore))
      if (this.wire._bufferSize > MAX_FRAME) this.close(new Error('message too long'))
      this.#maybeGoFast()
    }
  }

  #rest(waitMs: number): void {
    this.conn.pause()
    clearTimeout(this.#resumeTimer)
    this.#resumeTimer = setTimeout(
      () => {
        const stillMs = this.#down.spend(0)
        if (stillMs > 0) this.#rest(stillMs)
        else this.conn.resume()
      },
      Math.min(waitMs, 1000),
    )
  }

  /** Wire throws at some of what it can be sent, a key that is none in a greeting for one: that ends this connection alone. */
  #read(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.close(error instanceof Error ? error : new Error('unreadable'))
    }
  }

  /** Our parser takes over between two messages, once the greeting is behind us. */
  #maybeGoFast(): void {
    const { wire } = this
    this.#isFast =
      this.handler !== null &&
      !wire._pePending &&
      wire._parserSize === 4 &&
      wire._bufferSize === 0 &&
      !wire._finished
  }

  #parse(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.isClosed) {
      if (this.#blockLength >= 0) at = this.#takeBlock(chunk, at)
      else if (this.#frame !== null) at = this.#takeFrame(this.#frame, chunk, at)
      else at = this.#takeHead(chunk, at)
    }
  }

  #takeBlock(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#block.length - this.#blockLength, chunk.length - at)
    this.#sink?.set(chunk.subarray(at, at + count), this.#blockLength)
    this.#blockLength += count
    if (this.#blockLength === this.#block.length) this.#endBlock()
    return at + count
  }

  #takeFrame(frame: Uint8Array, chunk: Uint8Array, at: number): number {
    const count = Math.min(frame.length - this.#frameLength, chunk.length - at)
    frame.set(chunk.subarray(at, at + count), this.#frameLength)
    this.#frameLength += count
    if (this.#frameLength === frame.length) {
      this.#frame = null
      this.#read(() => this.wire._onMessage(frame))
    }
    return at + count
  }

  #takeHead(chunk: Uint8Array, at: number): number {
    const head = this.#head
    const wanted = this.#headLength < 5 ? 5 - this.#headLength : PIECE_HEADER - this.#headLength
    const isLengthKnown = this.#headLength >= 4
    const count = Math.min(isLengthKnown ? wanted : Math.min(wanted, 4 - this.#headLength), chunk.length - at)
    head.set(chunk.subarray(at, at + count), this.#headLength)
    this.#headLength += count
    const next = at + count
    if (this.#headLength < 4) return next
    const length = readUint32(head, 0)
    if (length === 0) this.#headLength = 0
    else if (length > MAX_FRAME) this.close(new Error('message too long'))
    else if (this.#headLength >= 5 && head[4] !== MESSAGE_PIECE) this.#startFrame(length)
    else if (this.#headLength === PIECE_HEADER) {
      this.#headLength = 0
      if (length < 9 || length - 9 > MAX_BLOCK) this.close(new Error('block too long'))
      else {
        this.#startBlock(readUint32(head, 5), readUint32(head, 9), length - 9)
        if (length === 9) this.#endBlock()
      }
    }
    return next
  }

  #startFrame(length: number): void {
    const frame = new Uint8Array(length)
    frame[0] = this.#head[4] ?? 0
    this.#headLength = 0
    if (length === 1) this.#read(() => this.wire._onMessage(frame))
    else {
      this.#frame = frame
      this.#frameLength = 1
    }
  }

  #startBlock(index: number, offset: number, length: number): void {
    this.#block = { index, offset, length }
    this.#blockLength = 0
    this.#sink = this.handler?.blockTarget(this, index, offset, length) ?? null
  }

  #endBlock(): void {
    const { index, offset, length } = this.#block
    const isWanted = this.#sink !== null
    this.#blockLength = -1
    this.#sink = null
    this.download.add(length)
    if (isWanted) this.handler?.blockDone(this, index, offset, length)
  }
}

const links = new WeakMap<Wire, Link>()

/** The link that moves a wire's bytes. */
export function linkOf(wire: Wire): Link {
  const link = links.get(wire)
  if (link === undefined) throw new TypeError('a wire without link')
  return link
}

/** Makes webtorrent's connections use Link instead of its pipes; doing it again changes nothing. */
export function installLinks(): void {
  Peer.prototype.setThrottlePipes = function setThrottlePipes(this: Peer): void {
    if (this.conn !== null && this.wire !== null) new Link(this, this.conn, this.wire)
  }
}

/** @returns where the next frame goes */
function writeBlockFrame(
  frames: Buffer,
  at: number,
  id: number,
  { index, offset, length }: BlockName,
): number {
  frames.writeUInt32BE(13, at)
  frames[at + 4] = id
  frames.writeUInt32BE(index, at + 5)
  frames.writeUInt32BE(offset, at + 9)
  return frames.writeUInt32BE(length, at + 13)
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
