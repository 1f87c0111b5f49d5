import type { Wire } from 'webtorrent/lib/peer.js'
import type { Link } from './link.ts'
import type { Metainfo } from './metainfo.ts'
import type { Slice } from './served-files.ts'

/** The pieces a session can give, and their bytes. */
export interface Content {
  /** At once when the bytes are at hand. */
  read(index: number, offset: number, length: number): Slice | Promise<Slice>
  has(index: number): boolean
  /** One bit per piece; `all` and `none` have shorter messages. */
  bits(): Uint8Array | 'all' | 'none'
}

interface Request {
  readonly index: number
  readonly offset: number
  readonly length: number
}

interface Asker {
  readonly queue: Request[]
  isServing: boolean
  unchokedAtMs: number
  servedAtMs: number
  timer: NodeJS.Timeout | undefined
}

/** Peers of one torrent that may ask at the same time; the others take turns. */
const MAX_UNCHOKED = 20
const TURN_MS = 30_000
const MAX_QUEUE = 2000
const MAX_BLOCK = 128 * 1024

/** Answers what peers ask for, as fast as their connections and the node's upload limit take it. */
export class Uploads {
  readonly #content: Content
  readonly #onUploaded: (bytes: number) => void
  readonly #askers = new Map<Link, Asker>()
  #turns: NodeJS.Timeout | undefined

  constructor(content: Content, onUploaded: (bytes: number) => void) {
    this.#content = content
    this.#onUploaded = onUploaded
  }

  /** The first message after the handshakes: what we have. */
  greet(wire: Wire): void {
    const bits = this.#content.bits()
    if (bits instanceof Uint8Array) wire.bitfield(bits)
    else if (bits === 'none') {
      if (wire.hasFast) wire.haveNone()
    } else if (wire.hasFast) wire.haveAll()
  }

  setInterested(link: Link, isInterested: boolean): void {
    const asker = this.#asker(link)
    if (isInterested && link.wire.amChoking && this.#unchoked().length < MAX_UNCHOKED)
      this.#unchoke(link, asker)
    else if (!isInterested) this.#fillTurns()
    else this.#turns ??= setInterval(() => this.#takeTurns(), TURN_MS).unref()
  }

  request(link: Link, index: number, offset: number, length: number, metainfo: Metainfo | null): void {
    const asker = this.#asker(link)
    const pieceEnd =
      metainfo === null
        ? 0
        : Math.min(metainfo.pieceLength, metainfo.sizeBytes - index * metainfo.pieceLength)
    const isSound = length > 0 && length <= MAX_BLOCK && offset + length <= pieceEnd
    if (!isSound || asker.queue.length >= MAX_QUEUE) {
      link.close(new Error('unreasonable request'))
      return
    }
    const request = { index, offset, length }
    if (link.wire.amChoking || !this.#content.has(index)) {
      refuse(link, request)
      return
    }
    asker.queue.push(request)
    this.serve(link)
  }

  cancel(link: Link, index: number, offset: number): void {
    const queue = this.#askers.get(link)?.queue
    const at = queue?.findIndex((request) => request.index === index && request.offset === offset) ?? -1
    if (queue === undefined || at === -1) return
    const [request] = queue.splice(at, 1)
    if (request !== undefined) refuse(link, request)
  }

  lastServedMs(link: Link): number {
    return this.#asker(link).servedAtMs
  }

  remove(link: Link): void {
    clearTimeout(this.#askers.get(link)?.timer)
    if (this.#askers.delete(link)) this.#fillTurns()
  }

  close(): void {
    clearInterval(this.#turns)
    for (const asker of this.#askers.values()) clearTimeout(asker.timer)
    this.#askers.clear()
  }

  /** Sends what is queued until the socket or the limit says wait. */
  serve(link: Link): void {
    const asker = this.#askers.get(link)
    if (asker === undefined || asker.isServing || asker.queue.length === 0) return
    asker.isServing = true
    // Requests come in bursts: those of one burst leave in one system call.
    setImmediate(() => void this.#run(link, asker))
  }

  async #run(link: Link, asker: Asker): Promise<void> {
    link.cork()
    try {
      while (asker.queue.length > 0 && !link.isClosed && !link.isCongested) {
        const request = asker.queue[0]
        if (request === undefined || !this.#isAllowed(link, asker, request.length)) break
        asker.queue.shift()
        let block = this.#content.read(request.index, request.offset, request.length)
        if (block instanceof Promise) {
          link.uncork()
          block = await block.finally(() => link.cork())
        }
        link.sendBlock(request.index, request.offset, block)
        asker.servedAtMs = performance.now()
        this.#onUploaded(request.length)
      }
    } catch (error) {
      link.close(error instanceof Error ? error : new Error('unreadable'))
    } finally {
      asker.isServing = false
      link.uncork()
    }
  }

  #isAllowed(link: Link, asker: Asker, bytes: number): boolean {
    const waitMs = link.uploadWaitMs(bytes)
    if (waitMs === 0) return true
    clearTimeout(asker.timer)
    asker.timer = setTimeout(() => this.serve(link), waitMs)
    return false
  }

  #asker(link: Link): Asker {
    let asker = this.#askers.get(link)
    if (asker === undefined) {
      asker = {
        queue: [],
        isServing: false,
        unchokedAtMs: 0,
        servedAtMs: performance.now(),
        timer: undefined,
      }
      this.#askers.set(link, asker)
    }
    return asker
  }

  #unchoke(link: Link, asker: Asker): void {
    asker.unchokedAtMs = performance.now()
    link.wire.unchoke()
  }

  #unchoked(): [Link, Asker][] {
    return [...this.#askers].filter(([{ wire }]) => !wire.amChoking && wire.peerInterested)
  }

  #waiting(): [Link, Asker][] {
    return [...this.#askers].filter(([{ wire }]) => wire.amChoking && wire.peerInterested)
  }

  #fillTurns(): void {
    const free = MAX_UNCHOKED - this.#unchoked().length
    for (const [link, asker] of this.#waiting().slice(0, Math.max(free, 0))) this.#unchoke(link, asker)
  }

  /** Those who have been served longest make room for as many who wait. */
  #takeTurns(): void {
    const waiting = this.#waiting()
    if (waiting.length === 0) {
      clearInterval(this.#turns)
      this.#turns = undefined
      return
    }
    const nowMs = performance.now()
    const served = this.#unchoked().sort(([, a], [, b]) => a.unchokedAtMs - b.unchokedAtMs)
    for (const [link, asker] of served.slice(0, Math.min(waiting.length, MAX_UNCHOKED / 4))) {
      if (nowMs - asker.unchokedAtMs < TURN_MS) continue
      for (const request of asker.queue.splice(0)) refuse(link, request)
      link.wire.choke()
    }
    this.#fillTurns()
  }
}

function refuse(link: Link, request: Request): void {
  if (link.wire.hasFast && !link.isClosed) link.wire.reject(request.index, request.offset, request.length)
}
