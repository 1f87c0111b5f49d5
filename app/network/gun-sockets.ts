import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { randomUUID } from 'node:crypto'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { ToGun } from './gun-protocol.ts'
import { Rate } from './rate.ts'
import { MAX_FRAME_BYTES } from './relay-link.ts'

export interface GunSocketsOptions {
  readonly isRunning: () => boolean
  readonly post: (message: ToGun) => void
  /** Whose budget a connection draws on. */
  readonly identify: (address: string | undefined) => {
    readonly clientKey: string
    readonly isLoopback: boolean
  }
  /** Origins whose pages may connect: programs send none, and other people's pages have no business here. */
  readonly ownOrigins: () => readonly string[]
  /** @defaultValue DEFAULT_SOCKET_LIMITS */
  readonly limits?: Partial<SocketLimits>
}

export interface SocketLimits {
  readonly sockets: number
  readonly socketsPerClient: { readonly stranger: number; readonly loopback: number }
  readonly framesPerSec: { readonly stranger: number; readonly loopback: number }
  readonly bytesPerSec: { readonly stranger: number; readonly loopback: number }
  /** What GUN's process may have before it and not be done with. */
  readonly bytesInFlight: number
  /** The same, counted once for each of those GUN passes it on to. */
  readonly bytesPassedOn: number
  /** What a peer may leave unread before it is let go. */
  readonly bytesUnread: number
  /** What all of them may leave unread together, before whoever leaves most is let go. */
  readonly bytesUnreadInAll: number
}

/** Behind a reverse proxy every peer is loopback, and limiting strangers is the proxy's business. */
const DEFAULT_SOCKET_LIMITS: SocketLimits = {
  sockets: 256,
  socketsPerClient: { stranger: 8, loopback: 128 },
  framesPerSec: { stranger: 200, loopback: 2_000 },
  bytesPerSec: { stranger: 512 * 1024, loopback: 8 * 1024 * 1024 },
  bytesInFlight: 4 * 1024 * 1024,
  bytesPassedOn: 32 * 1024 * 1024,
  bytesUnread: 8 * 1024 * 1024,
  bytesUnreadInAll: 64 * 1024 * 1024,
}
/** A burst of so many seconds' worth. */
const BURST_SEC = 4
const HEARTBEAT_MS = 20_000
const MAX_CLIENTS = 10_000
/** Who leaves less than this unread only has a slow line. */
const FEW_BYTES_UNREAD = 256 * 1024

interface Peer {
  readonly socket: WebSocket
  isAlive: boolean
  /** It has sent more than its share, and is not read for a while. */
  isResting: boolean
}
interface Client {
  sockets: number
  readonly frames: Rate
  readonly bytes: Rate
}

/**
 * The WebSockets at `/gun`. Frames are handed to GUN's process unread; who sends more than his share is read more slowly, and
 * when that process has enough before it nobody is read at all, so that a flood waits on the senders' side and not in memory.
 */
export class GunSockets {
  readonly #options: GunSocketsOptions
  readonly #limits: SocketLimits
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  })
  readonly #peers = new Map<string, Peer>()
  readonly #clients = new Map<string, Client>()
  readonly #heartbeat: NodeJS.Timeout
  #bytesInFlight = 0
  #isHeld = false
  #refused = 0

  constructor(options: GunSocketsOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_SOCKET_LIMITS, ...options.limits }
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref()
  }

  get count(): number {
    return this.#peers.size
  }

  /** Connections that were not let in. */
  get refused(): number {
    return this.#refused
  }

  /** Answers an HTTP upgrade whose path is ours; takes the socket over in any case. */
  attach(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { clientKey, isLoopback } = this.#options.identify(req.socket.remoteAddress)
    const who = isLoopback ? 'loopback' : 'stranger'
    const { origin } = req.headers
    if (origin !== undefined && !this.#options.ownOrigins().includes(origin)) return this.#refuse(socket, 403)
    if (!this.#options.isRunning()) return this.#refuse(socket, 503)
    const client = this.#clients.get(clientKey) ?? this.#newClient(clientKey, who)
    if (this.#peers.size >= this.#limits.sockets || client.sockets >= this.#limits.socketsPerClient[who]) {
      return this.#refuse(socket, 429)
    }
    this.#server.handleUpgrade(req, socket, head, (opened) => this.#open(opened, client))
  }

  /** A text for a peer, from GUN. */
  send(id: string, text: string): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    const { bufferedAmount } = peer.socket
    if (bufferedAmount > this.#limits.bytesUnread) return peer.socket.terminate()
    peer.socket.send(text)
    if (bufferedAmount > FEW_BYTES_UNREAD) this.#letGoOfLaziest()
  }

  /** GUN is done with so many bytes of a peer, and wants no more of it for a while. */
  credit(id: string, bytes: number, waitMs: number): void {
    this.#bytesInFlight = Math.max(0, this.#bytesInFlight - bytes)
    const peer = this.#peers.get(id)
    if (peer !== undefined) this.#pause(peer, waitMs)
    if (!this.#isHeld || this.#load() >= 0.5) return
    this.#isHeld = false
    for (const held of this.#peers.values()) if (!held.isResting) held.socket.resume()
  }

  /** Ends every connection: GUN is gone, and whoever comes again finds the new one. */
  dropAll(): void {
    for (const { socket } of this.#peers.values()) socket.terminate()
    this.#bytesInFlight = 0
    this.#isHeld = false
  }

  stop(): void {
    clearInterval(this.#heartbeat)
    this.dropAll()
    this.#server.close()
  }

  #open(socket: WebSocket, client: Client): void {
    const id = `peer-${randomUUID()}`
    const peer: Peer = { socket, isAlive: true, isResting: false }
    if (this.#isHeld) socket.pause()
    client.sockets += 1
    this.#peers.set(id, peer)
    this.#options.post({ type: 'peer-open', peer: id })
    socket.on('message', (data, isBinary) => {
      peer.isAlive = true
      // Text frames come as one Buffer unless ws is told otherwise; GUN sends no others.
      if (!isBinary) this.#take(id, peer, client, (data as Buffer).toString('utf8'))
    })
    socket.on('pong', () => (peer.isAlive = true))
    // What went wrong is of no interest: the close that follows is.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#peers.delete(id)
      client.sockets -= 1
      this.#options.post({ type: 'peer-close', peer: id })
    })
  }

  #take(id: string, peer: Peer, client: Client, text: string): void {
    const nowMs = performance.now()
    this.#bytesInFlight += text.length
    this.#options.post({ type: 'peer-frames', peer: id, frames: [text] })
    this.#pause(peer, Math.max(client.frames.spend(1, nowMs), client.bytes.spend(text.length, nowMs)))
    if (this.#isHeld || this.#load() <= 1) return
    this.#isHeld = true
    for (const { socket } of this.#peers.values()) socket.pause()
  }

  /** How much GUN has before it and to pass on; nobody is read above 1. */
  #load(): number {
    const { bytesInFlight, bytesPassedOn } = this.#limits
    const passedOn = this.#bytesInFlight * (this.#peers.size - 1)
    return Math.max(this.#bytesInFlight / bytesInFlight, passedOn / bytesPassedOn)
  }

  /** Takes nothing from a peer for a while, and after it only when nobody is held. */
  #pause(peer: Peer, waitMs: number): void {
    if (waitMs <= 0 || peer.isResting) return
    peer.isResting = true
    peer.socket.pause()
    setTimeout(() => {
      peer.isResting = false
      if (!this.#isHeld) peer.socket.resume()
    }, waitMs).unref()
  }

  #letGoOfLaziest(): void {
    const sockets = [...this.#peers.values()].map(({ socket }) => socket)
    let left = sockets.reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0)
    for (const socket of sockets.toSorted((one, other) => other.bufferedAmount - one.bufferedAmount)) {
      if (left <= this.#limits.bytesUnreadInAll) return
      left -= socket.bufferedAmount
      socket.terminate()
    }
  }

  #newClient(clientKey: string, who: 'stranger' | 'loopback'): Client {
    const { framesPerSec, bytesPerSec } = this.#limits
    const nowMs = performance.now()
    const client: Client = {
      sockets: 0,
      frames: new Rate(framesPerSec[who], framesPerSec[who] * BURST_SEC, nowMs),
      bytes: new Rate(bytesPerSec[who], bytesPerSec[who] * BURST_SEC, nowMs),
    }
    this.#clients.set(clientKey, client)
    // Kept after its last socket is gone, so that coming again brings no new burst; but not for ever.
    if (this.#clients.size > MAX_CLIENTS) {
      for (const [key, { sockets }] of this.#clients)
        if (sockets === 0 && key !== clientKey) this.#clients.delete(key)
    }
    return client
  }

  #beat(): void {
    for (const { socket } of this.#peers.values()) if (!socket.isPaused) socket.ping()
    for (const peer of this.#peers.values()) {
      if (peer.socket.isPaused) continue
      if (!peer.isAlive) peer.socket.terminate()
      peer.isAlive = false
    }
  }

  #refuse(socket: Duplex, status: 403 | 429 | 503): void {
    this.#refused += 1
    const words = { 403: 'Forbidden', 429: 'Too Many Requests', 503: 'Service Unavailable' }[status]
    socket.on('error', () => undefined)
    socket.end(`HTTP/1.1 ${status} ${words}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
}
