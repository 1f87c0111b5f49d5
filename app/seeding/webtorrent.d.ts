/** Exactly what Sower uses of webtorrent 3.0.21 and the packages it stands on; none of them ships types. */

declare module 'webtorrent' {
  import type { Socket } from 'node:dgram'
  import type { EventEmitter } from 'node:events'
  import type { AddressInfo } from 'node:net'
  import type { PeerSwarm, Throttles } from 'webtorrent/lib/peer.js'

  interface WebTorrentOptions {
    readonly torrentPort: number
    readonly dht: boolean | { readonly bootstrap?: readonly string[]; readonly host?: string }
    readonly lsd: false
    readonly utPex: false
    readonly utp: false
    readonly natUpnp: boolean
    readonly natPmp: boolean
    readonly tracker: false
    readonly webSeeds: false
    readonly secure: 0 | 1 | 2
  }

  export interface Dht extends EventEmitter {
    listening: boolean
    destroyed: boolean
    address(): AddressInfo
    addNode(node: { host: string; port: number }): void
    announce(infoHash: string, port: number, done: (error?: Error | null) => void): void
    lookup(infoHash: string, done: (error: Error | null, found: number) => void): () => void
    /** k-rpc 5.1.0, over k-rpc-socket 1.11.1. */
    readonly _rpc: { readonly socket: { readonly socket: Socket } }
  }

  /** The client: listens, greets and encrypts connections, and asks `get` and `_getByHash` whom they are for. */
  export default class WebTorrent extends EventEmitter {
    constructor(options: WebTorrentOptions)
    peerId: string
    secure: number
    listening: boolean
    destroyed: boolean
    dht: Dht | false
    throttleGroups: Throttles
    get(infoHash: string): Promise<PeerSwarm | null>
    _getByHash(infoHashHash: string): Promise<PeerSwarm | null>
    address(): AddressInfo | null
    destroy(done: (error?: Error | null) => void): void
    static readonly VERSION: string
  }
}

declare module 'webtorrent/lib/peer.js' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type { Dht } from 'webtorrent'

  /** A limit shared by every connection of the client. */
  export interface Throttle {
    destroy(): void
  }
  export interface Throttles {
    readonly up: Throttle
    readonly down: Throttle
  }

  /** What a connection needs from the torrent it belongs to; webtorrent's own `Torrent` is one such thing, `Session` another. */
  export interface PeerSwarm {
    readonly infoHash: string
    readonly infoHashHash: string
    readonly private: boolean
    readonly client: { readonly peerId: string; readonly dht: Dht | false }
    readonly destroyed: boolean
    /** Peer takes its wire out of here when it closes. */
    readonly wires: Wire[]
    _addIncomingPeer(peer: Peer): void
    _onWire(wire: Wire, address: string | undefined): void
    removePeer(id: string): void
  }

  /** bittorrent-protocol 5.0.9. */
  export interface Wire extends EventEmitter {
    readonly type: string
    readonly peerId: string | null
    readonly destroyed: boolean
    readonly amChoking: boolean
    readonly amInterested: boolean
    readonly peerChoking: boolean
    readonly peerInterested: boolean
    readonly hasFast: boolean
    readonly peerPieces: { get(index: number): boolean; readonly buffer: Uint8Array }
    readonly peerExtensions: { readonly dht?: boolean }
    readonly peerExtendedMapping: Readonly<Record<string, number>>
    readonly peerExtendedHandshake: Readonly<Record<string, unknown>>
    extendedHandshake: Record<string, unknown>
    use(extension: WireExtensionClass): void
    setKeepAlive(isOn: boolean): void
    choke(): void
    unchoke(): void
    interested(): void
    uninterested(): void
    have(index: number): void
    bitfield(bits: Uint8Array): void
    haveAll(): void
    haveNone(): void
    reject(index: number, offset: number, length: number): void
    port(port: number): void
    extended(name: string, payload: Uint8Array): void
    destroy(): void
    push(data: Uint8Array | null): boolean
    readonly _encryptor: {
      readonly _isEncrypted: boolean
      encrypt(data: Uint8Array): Uint8Array
      decrypt(data: Uint8Array): Uint8Array
    } | null
    readonly _parserSize: number
    readonly _bufferSize: number
    readonly _finished: boolean
    _pePending: boolean
    _write(data: Uint8Array, done: () => void): void
    _processBuffer(): void
    _onMessage(frame: Uint8Array): void
    _onRequest: (index: number, offset: number, length: number) => void
    _onPiece: (index: number, offset: number, block: Uint8Array) => void
    _onReject: (index: number, offset: number, length: number) => void
  }

  export interface WireExtension {
    onHandshake?(infoHash: string, peerId: string): void
    onExtendedHandshake?(handshake: Readonly<Record<string, unknown>>): void
    onMessage?(payload: Uint8Array): void
  }
  export type WireExtensionClass = new (wire: Wire) => WireExtension

  export default class Peer extends EventEmitter {
    readonly id: string
    readonly type: 'tcpIncoming' | 'tcpOutgoing' | 'webrtc'
    readonly destroyed: boolean
    readonly connected: boolean
    sentHandshake: boolean
    readonly throttleGroups: Throttles
    addr: string | null
    conn: Duplex | null
    swarm: PeerSwarm | null
    wire: Wire | null
    onConnect(): void
    startConnectTimeout(): void
    setThrottlePipes(): void
    destroy(error?: Error): void
    static createTCPOutgoingPeer(
      address: string,
      swarm: PeerSwarm,
      throttles: Throttles,
      source: string,
      secure: number,
    ): Peer
    static createWebRTCPeer(
      conn: Duplex & { id?: string },
      swarm: PeerSwarm,
      throttles: Throttles,
      source: string,
    ): Peer
  }
}

declare module '@thaunknown/simple-peer/lite.js' {
  import type { Duplex } from 'node:stream'

  export default class SimplePeer extends Duplex {
    constructor(options: {
      readonly initiator?: boolean
      readonly trickle: false
      readonly iceCompleteTimeout: number
      readonly config?: { readonly iceServers: readonly { readonly urls: string | readonly string[] }[] }
    })
    id?: string
    readonly connected: boolean
    signal(description: unknown): void
  }
}
