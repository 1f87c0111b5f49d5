import type { Duplex } from 'node:stream'
import type SimplePeer from '@thaunknown/simple-peer/lite.js'
import type { WebSocket } from 'ws'
import type { TrackerStatus } from '../types.ts'
import { intervalOf, seedsIn, type Announced, type AnnounceEvent } from './announce.ts'
import type { Channel, ChannelHost } from './polled-channel.ts'
import { openSocket } from './tracker-socket.ts'
import { binary, hex, WebrtcPeers, type IceServers } from './webrtc-peers.ts'

/** What a WebSocket tracker needs beside. */
export interface SocketHost extends ChannelHost {
  readonly iceServers: IceServers
  /** Wakes the torrent and gives the connection to it, or refuses. */
  takeWebrtc(infoHash: string, conn: Duplex & { id?: string }): Promise<boolean>
}

interface Entry {
  readonly announced: Announced
  dueAtMs: number
  event: AnnounceEvent | undefined
}

const BURST = 25
const BURST_GAP_MS = 50
const OFFERS_PER_ANNOUNCE = 5
const RETRY_MS = 1000
const LEECH_INTERVAL_MS = 30_000
const MAX_BACKOFF_MS = 5 * 60_000
const PING_MS = 60_000

/**
 * Announces any number of torrents over one WebSocket. A seed sends no offers: whoever wants it offers, it answers. That
 * keeps a thousand idle seeds at a few messages a second and not a single WebRTC connection.
 */
export class SocketChannel implements Channel {
  readonly url: string
  readonly #host: SocketHost
  readonly #entries = new Map<string, Entry>()
  readonly #fresh = new Set<string>()
  readonly #leeches = new Set<string>()
  readonly #peers: WebrtcPeers
  #socket: WebSocket | null = null
  #intervalMs = 120_000
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #reconnect: NodeJS.Timeout | undefined
  #state: TrackerStatus['state'] = 'connecting'
  #message: string | undefined
  #answeredAtMs: number | undefined
  #isClosed = false

  constructor(url: string, host: SocketHost) {
    this.url = url
    this.#host = host
    this.#peers = new WebrtcPeers(host.iceServers)
  }

  get size(): number {
    return this.#entries.size
  }

  add(announced: Announced): void {
    const { infoHash } = announced
    this.#entries.delete(infoHash)
    this.#entries.set(infoHash, { announced, dueAtMs: 0, event: 'started' })
    this.#fresh.add(infoHash)
    if (announced.left() > 0) this.#leeches.add(infoHash)
    if (this.#socket === null && this.#reconnect === undefined) this.#connect()
    else this.#schedule(0)
  }

  complete(infoHash: string): void {
    const entry = this.#entries.get(infoHash)
    if (entry === undefined) return
    this.#leeches.delete(infoHash)
    entry.event = 'completed'
    this.#fresh.add(infoHash)
    this.#schedule(0)
  }

  remove(infoHash: string): void {
    const entry = this.#entries.get(infoHash)
    if (entry === undefined) return
    this.#entries.delete(infoHash)
    this.#fresh.delete(infoHash)
    this.#leeches.delete(infoHash)
    this.#peers.dropOffers(infoHash)
    if (this.#isOpen()) this.#announce(entry, 'stopped', [])
    if (this.#entries.size === 0) this.#hangUp()
  }

  status(): TrackerStatus {
    return {
      url: this.url,
      state: this.#entries.size === 0 && this.#answeredAtMs === undefined ? 'off' : this.#state,
      ...(this.#message === undefined ? {} : { message: this.#message }),
      ...(this.#answeredAtMs === undefined ? {} : { lastAnsweredAtMs: this.#answeredAtMs }),
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#reconnect)
    this.#peers.close()
    const socket = this.#socket
    if (socket === null) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    if (this.#isOpen()) for (const entry of this.#entries.values()) this.#announce(entry, 'stopped', [])
    socket.close()
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1000))])
    socket.terminate()
  }

  #connect(): void {
    this.#reconnect = undefined
    if (this.#isClosed || this.#entries.size === 0) return
    let socket
    try {
      socket = openSocket(this.url)
    } catch (error) {
      // An address that is one for a URL and none for a WebSocket: it will be no other later.
      this.#broke(error)
      return
    }
    this.#socket = socket
    socket.on('open', () => {
      for (const [infoHash, entry] of this.#entries) {
        entry.event = 'started'
        this.#fresh.add(infoHash)
      }
      this.#schedule(0)
    })
    socket.on('message', (data) => {
      try {
        // Text comes as one Buffer unless ws is told otherwise.
        this.#onMessage((data as Buffer).toString())
      } catch (error) {
        this.#broke(error)
      }
    })
    socket.on('close', () => this.#onClose(socket))
  }

  #hangUp(): void {
    const socket = this.#socket
    this.#socket = null
    clearTimeout(this.#timer)
    socket?.close()
  }

  #onClose(socket: WebSocket): void {
    if (this.#socket !== socket) return
    this.#socket = null
    clearTimeout(this.#timer)
    if (this.#isClosed || this.#entries.size === 0) return
    this.#state = 'failing'
    this.#message = 'It could not be reached.'
    const backoffMs = Math.min(MAX_BACKOFF_MS, 2000 * 2 ** this.#failures) * (0.75 + Math.random() / 2)
    this.#failures += 1
    this.#reconnect = setTimeout(() => this.#connect(), backoffMs).unref()
    this.#host.onChange()
  }

  /** Not the tracker's silence but something here. */
  #broke(error: unknown): void {
    this.#state = 'failing'
    this.#message = error instanceof Error ? error.message : 'It can’t be used.'
    this.#host.onChange()
  }

  #isOpen(): boolean {
    return this.#socket !== null && this.#socket.readyState === this.#socket.OPEN
  }

  #schedule(afterMs: number): void {
    if (this.#isClosed || !this.#isOpen()) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#run(), afterMs).unref()
  }

  #run(): void {
    const nowMs = performance.now()
    let sent = 0
    for (const infoHash of this.#due(nowMs)) {
      const entry = this.#entries.get(infoHash)
      if (entry === undefined) continue
      // Sent again at the end: the map stays in the order in which entries are due.
      this.#entries.delete(infoHash)
      this.#entries.set(infoHash, entry)
      this.#fresh.delete(infoHash)
      const isLeech = this.#leeches.has(infoHash)
      entry.dueAtMs = nowMs + (isLeech ? LEECH_INTERVAL_MS : this.#intervalMs * (0.9 + Math.random() * 0.1))
      const { event } = entry
      entry.event = undefined
      if (isLeech && entry.announced.wanted() > 0)
        this.#announceWithOffers(entry, event).catch((error: unknown) => this.#broke(error))
      else this.#announce(entry, event, [])
      sent += 1
      if (sent === BURST) break
    }
    const head = this.#fresh.size > 0 ? nowMs : Math.min(...this.#heads())
    this.#schedule(Math.min(Math.max(head - nowMs, BURST_GAP_MS), PING_MS))
  }

  *#heads(): Iterable<number> {
    yield performance.now() + PING_MS
    for (const infoHash of this.#leeches) yield this.#entries.get(infoHash)?.dueAtMs ?? Infinity
    for (const entry of this.#entries.values()) {
      if (this.#leeches.has(entry.announced.infoHash)) continue
      yield entry.dueAtMs
      return
    }
  }

  #due(nowMs: number): Set<string> {
    const due = new Set([...this.#fresh].slice(0, BURST))
    for (const infoHash of this.#leeches) {
      if ((this.#entries.get(infoHash)?.dueAtMs ?? Infinity) <= nowMs) due.add(infoHash)
    }
    for (const [infoHash, entry] of this.#entries) {
      if (due.size >= BURST || (entry.dueAtMs > nowMs && !this.#leeches.has(infoHash))) break
      if (entry.dueAtMs <= nowMs) due.add(infoHash)
    }
    return due
  }

  #announce(
    entry: Entry,
    event: AnnounceEvent | undefined,
    offers: readonly { offer: unknown; offer_id: string }[],
  ): void {
    this.#send({
      action: 'announce',
      info_hash: binary(entry.announced.infoHash),
      peer_id: binary(this.#host.peerId),
      uploaded: 0,
      downloaded: 0,
      left: entry.announced.left(),
      numwant: offers.length,
      offers,
      ...(event === undefined ? {} : { event }),
    })
  }

  async #announceWithOffers(entry: Entry, event: AnnounceEvent | undefined): Promise<void> {
    const { infoHash } = entry.announced
    // Count us in at once; the offers need a moment.
    if (event !== undefined) this.#announce(entry, event, [])
    const count = Math.min(OFFERS_PER_ANNOUNCE, entry.announced.wanted())
    const made = await Promise.all(Array.from({ length: count }, () => this.#peers.offer(infoHash)))
    const offers = made.filter((offer) => offer !== null)
    if (offers.length > 0 && this.#entries.get(infoHash) === entry && this.#isOpen())
      this.#announce(entry, undefined, offers)
  }

  #onMessage(data: string): void {
    let message: unknown
    try {
      message = JSON.parse(data)
    } catch {
      return // not a tracker message
    }
    if (typeof message !== 'object' || message === null) return
    const fields: Readonly<Record<string, unknown>> = { ...message }
    this.#failures = 0
    this.#answeredAtMs = this.#host.nowMs()
    const refusal = fields['failure reason']
    const before = this.#state
    this.#state = typeof refusal === 'string' ? 'failing' : 'working'
    this.#message = typeof refusal === 'string' ? refusal.slice(0, 200) : undefined
    if (before !== this.#state) this.#host.onChange()
    const { info_hash: hash, peer_id: from, offer, answer, offer_id: offerId, interval } = fields
    if (typeof interval === 'number') this.#setInterval(intervalOf(interval))
    const seeds = seedsIn(fields['complete'])
    const counted = typeof hash === 'string' && seeds !== undefined ? this.#entries.get(hex(hash)) : undefined
    if (counted !== undefined && seeds !== undefined) {
      const { announced } = counted
      this.#host.onSeeds(announced.infoHash, this.url, seeds, announced.left() === 0)
    }
    if (typeof hash !== 'string' || typeof from !== 'string' || typeof offerId !== 'string') return
    const infoHash = hex(hash)
    if (hex(from) === this.#host.peerId || !this.#entries.has(infoHash)) return
    if (offer !== undefined && offer !== null) this.#onOffer(infoHash, from, offer, offerId)
    else if (answer !== undefined && answer !== null) this.#onAnswer(from, answer, offerId)
  }

  #setInterval(intervalMs: number): void {
    if (this.#intervalMs === intervalMs) return
    this.#intervalMs = intervalMs
    // Those that were to wait longer would keep those behind them waiting too.
    const latestMs = performance.now() + intervalMs
    for (const entry of this.#entries.values()) entry.dueAtMs = Math.min(entry.dueAtMs, latestMs)
    this.#schedule(0)
  }

  #onOffer(infoHash: string, from: string, offer: unknown, offerId: string): void {
    const peer = this.#peers.answering()
    if (peer === undefined) return
    peer.id = hex(from)
    peer.once('signal', (answer: unknown) => {
      this.#send({
        action: 'announce',
        info_hash: binary(infoHash),
        peer_id: binary(this.#host.peerId),
        to_peer_id: from,
        offer_id: offerId,
        answer,
      })
    })
    void this.#connectPeer(infoHash, peer, offer)
  }

  #onAnswer(from: string, answer: unknown, offerId: string): void {
    const offer = this.#peers.takeOffer(hex(offerId))
    if (offer === undefined) return
    offer.peer.id = hex(from)
    // libdatachannel loses a race now and then ("candidate without ICE transport"): offer again soon, not in half a minute.
    offer.peer.once('error', () => this.#offerSoon(offer.infoHash))
    void this.#connectPeer(offer.infoHash, offer.peer, answer)
  }

  #offerSoon(infoHash: string): void {
    const entry = this.#entries.get(infoHash)
    if (entry === undefined || !this.#leeches.has(infoHash)) return
    entry.dueAtMs = Math.min(entry.dueAtMs, performance.now() + RETRY_MS)
    this.#schedule(RETRY_MS)
  }

  async #connectPeer(infoHash: string, peer: SimplePeer, description: unknown): Promise<void> {
    try {
      if (await this.#host.takeWebrtc(infoHash, peer)) peer.signal(description)
      else peer.destroy()
    } catch {
      peer.destroy() // a description nobody can read
    }
  }

  #send(message: object): void {
    if (this.#isOpen()) this.#socket?.send(JSON.stringify(message))
  }
}
