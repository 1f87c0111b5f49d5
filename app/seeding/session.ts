import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type WebTorrent from 'webtorrent'
import Peer, { type PeerSwarm, type Wire } from 'webtorrent/lib/peer.js'
import { metadataExtension, pexExtension } from './extensions.ts'
import { linkOf, type Link, type LinkHandler } from './link.ts'
import { manifestExtension } from './manifest-extension.ts'
import type { Metainfo } from './metainfo.ts'
import { sha1Hex } from './metainfo.ts'
import { receiver } from './receiver.ts'
import { RateMeter } from './throttle.ts'
import type { Reach } from './types.ts'
import { Uploads, type Content } from './uploads.ts'

/** What every torrent of the node shares. */
export interface SessionHost {
  readonly client: WebTorrent
  peerPort(): number
  isPexEnabled(): boolean
  /** Connections of all torrents together are bounded. */
  mayConnect(): boolean
  onUploaded(session: Session, bytes: number): void
  onChange(): void
}

/** The fetching half of a session; a seed has none. */
export interface Downloader {
  /** Blocks may be asked of this peer from now on. */
  add(link: Link): void
  remove(link: Link): void
  /** It has more pieces, or lets us ask, or no longer. */
  update(link: Link): void
  onReject(link: Link, index: number, offset: number, length: number): void
  blockTarget(link: Link, index: number, offset: number, length: number): Uint8Array | null
  blockDone(link: Link, index: number, offset: number, length: number): void
  onInfo(info: Uint8Array): void
  /** The item's signed manifest is still looked for. */
  isManifestWanted(): boolean
  /** Somebody gave this for it. */
  onManifest(link: Link, bytes: Uint8Array): void
}

const CLIENT_NAME = 'Sower 0.1'
/** How many unanswered block requests a peer may have with us (it is told so). */
export const MAX_PEER_REQUESTS = 1000
const MAX_LINKS = 60
const CONNECT_TIMEOUT_MS = 10_000
const REDIAL_MS = [2000, 10_000, 30_000, 120_000]

/**
 * One torrent with somebody to talk to: its connections, what they ask of us and, through a Downloader, what we ask of
 * them. webtorrent's client takes it for one of its torrents.
 */
export class Session implements PeerSwarm, LinkHandler {
  readonly infoHash: string
  readonly infoHashHash: string
  readonly client: WebTorrent
  readonly wires: Wire[] = []
  readonly links = new Set<Link>()
  readonly upload = new RateMeter()
  destroyed = false
  metainfo: Metainfo | null
  downloader: Downloader | null = null
  /** The item's signed manifest, for other Sower nodes that ask. */
  offerManifest: () => Promise<Uint8Array | null> = () => Promise.resolve(null)
  /** When it last had somebody to talk to. */
  activeAtMs = performance.now()
  readonly #host: SessionHost
  readonly #manifestAsks = new Set<() => void>()
  #reach: Reach
  readonly #uploads: Uploads
  readonly #peers = new Map<string, Peer>()
  readonly #banned = new Set<string>()
  readonly #dials = new Map<string, number>()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(
    host: SessionHost,
    infoHash: string,
    metainfo: Metainfo | null,
    content: Content,
    reach: Reach,
  ) {
    this.#host = host
    this.client = host.client
    this.infoHash = infoHash
    this.infoHashHash = reqHash(infoHash)
    this.metainfo = metainfo
    this.#reach = reach
    this.#uploads = new Uploads(content, (bytes) => {
      this.upload.add(bytes)
      host.onUploaded(this, bytes)
    })
  }

  /** Never on DHT, LSD or PEX. */
  get private(): boolean {
    return this.#reach !== 'everywhere' || this.metainfo?.isPrivate === true
  }

  /** Other Sower nodes that may know the manifest. */
  get manifestPeerCount(): number {
    return this.#manifestAsks.size
  }

  /** Connections that exist or are being made. */
  get peerCount(): number {
    return this.#peers.size
  }

  _addIncomingPeer(peer: Peer): void {
    if (
      this.destroyed ||
      // It left while the client looked for whom it wanted: it would never be taken out again.
      peer.destroyed ||
      this.#peers.size >= MAX_LINKS ||
      !this.#host.mayConnect() ||
      this.#isBanned(peer.addr)
    ) {
      // webtorrent brings an encrypted greeting to its end even so, and would then greet a peer that has no swarm any more.
      peer.sentHandshake = true
      peer.destroy(new Error('no room'))
      return
    }
    this.#peers.set(peer.id, peer)
    peer.once('disconnect', () => this.removePeer(peer.id))
  }

  /**
   * Dials `host:port`; an address that is being tried, connected or banned is left alone.
   * @param redials how often to try again when the connection fails or ends
   */
  dial(address: string, redials = 0): void {
    const [host, port] = splitAddress(address)
    if (this.destroyed || host === '' || this.#peers.has(address) || this.#isBanned(address)) return
    if (this.#peers.size >= MAX_LINKS || !this.#host.mayConnect()) return
    const peer = Peer.createTCPOutgoingPeer(
      address,
      this,
      this.client.throttleGroups,
      'tracker',
      this.client.secure,
    )
    const onread = receiver()
    const conn = connect({ host, port, noDelay: true, onread })
    onread.conn = conn
    peer.conn = conn
    this.#peers.set(peer.id, peer)
    const timeout = setTimeout(() => conn.destroy(), CONNECT_TIMEOUT_MS)
    conn.once('connect', () => {
      clearTimeout(timeout)
      if (!peer.destroyed) peer.onConnect()
    })
    conn.once('error', (error: Error) => peer.destroy(error))
    conn.once('close', () => {
      clearTimeout(timeout)
      peer.destroy()
      this.removePeer(address)
      if (redials > 0) this.#redialLater(address, redials)
    })
  }

  /** Takes a WebRTC connection that is being made. */
  addWebrtc(conn: Duplex & { id?: string }): void {
    if (this.destroyed || this.#peers.size >= MAX_LINKS || !this.#host.mayConnect()) {
      conn.destroy()
      return
    }
    const before = this.#peers.get(conn.id ?? '')
    if (before?.connected === true) {
      conn.destroy()
      return
    }
    // An attempt that failed on the other side only still waits on ours.
    before?.destroy()
    const peer = Peer.createWebRTCPeer(conn, this, this.client.throttleGroups, 'tracker')
    this.#peers.set(peer.id, peer)
    conn.once('close', () => {
      if (this.#peers.get(peer.id) === peer) this.removePeer(peer.id)
    })
  }

  _onWire(wire: Wire, address: string | undefined): void {
    const link = linkOf(wire)
    const isTwice = [...this.links].some((other) => other.wire.peerId === wire.peerId)
    if (wire.peerId === this.client.peerId || isTwice || this.#isBanned(address)) {
      link.close(new Error('not wanted twice'))
      return
    }
    this.wires.push(wire)
    this.links.add(link)
    wire.setKeepAlive(true)
    wire.extendedHandshake = { v: CLIENT_NAME, reqq: MAX_PEER_REQUESTS, p: this.#host.peerPort() }
    wire.use(
      metadataExtension({
        infoHash: this.infoHash,
        info: () => this.metainfo?.info ?? null,
        onInfo: (info) => this.downloader?.onInfo(info),
      }),
    )
    wire.use(
      manifestExtension({
        offer: () => this.offerManifest(),
        isWanted: () => this.downloader?.isManifestWanted() ?? false,
        onManifest: (bytes) => this.downloader?.onManifest(link, bytes),
        asks: this.#manifestAsks,
      }),
    )
    if (this.#host.isPexEnabled() && !this.private) {
      wire.use(
        pexExtension({
          addresses: () => (this.private ? [] : this.#dialledAddresses()),
          onAddress: (found) => (this.private ? undefined : this.dial(found)),
        }),
      )
    }
    link.handler = this
    this.#listen(link)
    // Our handshake goes out right after this call; nothing may overtake it.
    queueMicrotask(() => this.#start(link))
    this.#host.onChange()
  }

  removePeer(id: string): void {
    const peer = this.#peers.get(id)
    this.#peers.delete(id)
    peer?.destroy()
    for (const link of this.links) if (link.peer.destroyed) this.#remove(link)
    if (this.links.size === 0) this.activeAtMs = performance.now()
  }

  /** Closes the connection and takes no other from that address. */
  ban(link: Link): void {
    const address = link.peer.addr
    if (address !== null) {
      this.#banned.add(address)
      const host = splitAddress(address)[0]
      // On this machine and behind one router honest peers share an address.
      if (!isNearby(host)) this.#banned.add(host)
    }
    if (link.wire.peerId !== null) this.#banned.add(link.wire.peerId)
    link.close(new Error('banned'))
    this.#remove(link)
  }

  /** Asks the peers there are for the manifest, if it is wanted. */
  askForManifest(): void {
    for (const ask of this.#manifestAsks) ask()
  }

  /** It turned out that this torrent is not for everybody: nothing more is said of it to other peers. */
  goPrivate(): void {
    if (this.#reach === 'everywhere') this.#reach = 'trackers'
  }

  /** Tells every peer of a piece we now have. */
  announcePiece(index: number): void {
    for (const { wire } of this.links) if (!wire.destroyed) wire.have(index)
  }

  close(): void {
    if (this.destroyed) return
    this.destroyed = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const peer of this.#peers.values()) peer.destroy()
    for (const peer of this.#peers.values()) peer.conn?.destroy()
    this.#peers.clear()
    for (const link of this.links) this.#remove(link)
    this.#uploads.close()
  }

  /** Lets go of peers that want nothing and have nothing for us. */
  dropIdle(): void {
    if (this.downloader !== null) return
    const nowMs = performance.now()
    for (const link of this.links) {
      if (!link.wire.peerInterested && nowMs - this.#uploads.lastServedMs(link) > 90_000) link.close()
    }
  }

  blockTarget(link: Link, index: number, offset: number, length: number): Uint8Array | null {
    return this.downloader?.blockTarget(link, index, offset, length) ?? null
  }

  blockDone(link: Link, index: number, offset: number, length: number): void {
    this.downloader?.blockDone(link, index, offset, length)
  }

  onRequest(link: Link, index: number, offset: number, length: number): void {
    this.#uploads.request(link, index, offset, length, this.metainfo)
  }

  onReject(link: Link, index: number, offset: number, length: number): void {
    this.downloader?.onReject(link, index, offset, length)
  }

  onDrain(link: Link): void {
    this.#uploads.serve(link)
  }

  #listen(link: Link): void {
    const { wire } = link
    const update = (): void => this.downloader?.update(link)
    for (const event of ['bitfield', 'have', 'have-all', 'have-none', 'choke', 'unchoke'])
      wire.on(event, update)
    wire.on('interested', () => this.#uploads.setInterested(link, true))
    wire.on('uninterested', () => this.#uploads.setInterested(link, false))
    wire.on('cancel', (index: number, offset: number) => this.#uploads.cancel(link, index, offset))
    const { dht } = this.client
    if (dht !== false && !this.private) {
      wire.on('port', (port: number) => {
        const host = splitAddress(link.peer.addr ?? '')[0]
        if (host !== '' && port > 0 && port < 65_536 && !dht.destroyed) dht.addNode({ host, port })
      })
    }
  }

  #start(link: Link): void {
    if (link.isClosed || this.destroyed) return
    const { wire } = link
    this.#uploads.greet(wire)
    if (
      this.client.dht !== false &&
      wire.peerExtensions.dht === true &&
      !this.private &&
      this.client.dht.listening
    ) {
      wire.port(this.client.dht.address().port)
    }
    this.downloader?.add(link)
    link.release()
  }

  #remove(link: Link): void {
    if (!this.links.delete(link)) return
    this.#uploads.remove(link)
    this.downloader?.remove(link)
    this.#host.onChange()
  }

  *#dialledAddresses(): Iterable<string> {
    for (const link of this.links) {
      if (link.peer.type === 'tcpOutgoing' && link.peer.addr !== null) yield link.peer.addr
      const port = link.wire.peerExtendedHandshake['p']
      const host = splitAddress(link.peer.addr ?? '')[0]
      if (link.peer.type === 'tcpIncoming' && typeof port === 'number' && host !== '')
        yield `${host}:${String(port)}`
    }
  }

  #redialLater(address: string, redials: number): void {
    if (this.destroyed || this.#isBanned(address)) return
    const tries = this.#dials.get(address) ?? 0
    this.#dials.set(address, tries + 1)
    const waitMs = REDIAL_MS[Math.min(tries, REDIAL_MS.length - 1)] ?? 0
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.dial(address, redials - 1)
    }, waitMs).unref()
    this.#timers.add(timer)
  }

  #isBanned(address: string | null | undefined): boolean {
    if (address === null || address === undefined) return false
    return this.#banned.has(address) || this.#banned.has(splitAddress(address)[0])
  }
}

/** Whether `host:port` is this port of this machine. */
export function isLoopback(address: string, ofPort: number): boolean {
  const [host, port] = splitAddress(address)
  return port === ofPort && (host.startsWith('127.') || host === '::1')
}

/** `host:port` or `[v6]:port` → its parts; an unusable one gives an empty host. */
function splitAddress(address: string): [host: string, port: number] {
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(address)
  const port = Number(match?.[2])
  if (match?.[1] === undefined || port < 1 || port > 65_535) return ['', 0]
  return [match[1].replace(/^::ffff:(?=\d+\.)/, ''), port]
}

/** By which an encrypted connection names its torrent. @see https://wiki.vuze.com/w/Message_Stream_Encryption */
export function reqHash(infoHash: string): string {
  return sha1Hex(Buffer.concat([Buffer.from('req2'), Buffer.from(infoHash, 'hex')]))
}

function isNearby(host: string): boolean {
  return /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|::1$|f[cde])/.test(
    host.replace(/^::ffff:/, ''),
  )
}
