import type { ItemDetail, NodeStatus, TransferSource } from '../contract/index.ts'
import type { RangeSource } from './http-source.ts'
import type { Metainfo } from './metainfo.ts'

/** Settings of the swarm; limits `null` = unlimited. */
export interface SwarmOptions {
  /** TCP port to listen on; 0 = any free one. */
  readonly peerPort: number
  /** Every public item is announced to each of these (ws, wss, http, https, udp). */
  readonly trackers: readonly string[]
  readonly isDhtEnabled: boolean
  readonly isLsdEnabled: boolean
  readonly isPexEnabled: boolean
  readonly isUpnpEnabled: boolean
  readonly uploadLimitBytesPerSec: number | null
  readonly downloadLimitBytesPerSec: number | null
  /** Connections of all torrents together. @defaultValue 200 */
  readonly maxConnections?: number
  /** STUN and TURN servers for WebRTC. @defaultValue simple-peer's public STUN servers */
  readonly iceServers?: readonly { readonly urls: string | readonly string[] }[]
}

export interface SeedArgs {
  readonly mediaId: string
  /** 40 lowercase hex. */
  readonly infoHash: string
  /** `media.torrent`, read when somebody asks for the item. */
  readonly metainfoPath: string
  readonly sizeBytes: number
  /** Never on DHT, LSD or PEX, and announced nowhere. */
  readonly isPrivate?: boolean
}

export interface SwarmStats {
  readonly peers: number
  /** Since the swarm was started. */
  readonly uploadedBytes: number
  readonly uploadRateBytesPerSec: number
}

export interface SwarmTotals {
  readonly seeds: number
  /** Seeds somebody is talking to right now. */
  readonly awake: number
  readonly peersTcp: number
  readonly peersWebrtc: number
  readonly uploadedBytes: number
  readonly uploadRateBytesPerSec: number
  readonly downloadRateBytesPerSec: number
}

export type ConnectedPeer = ItemDetail['connectedPeers'][number]
export type TrackerStatus = NodeStatus['trackers'][number]

export interface LeechArgs {
  /** 40 lowercase hex. */
  readonly infoHash: string
  /** Saves asking peers for it. */
  readonly metainfo?: Uint8Array
  /** Called before anything is written; throws to refuse. */
  readonly acceptMetainfo?: (metainfo: Metainfo) => void
  /** Where the bytes go; the file may exist from a former run. */
  readonly filePath: string
  /** What a former run's `bitfield()` gave; each piece it names is checked once more. */
  readonly verified?: Uint8Array
  readonly trackers: readonly string[]
  /** `host:port` of BitTorrent peers. */
  readonly peers: readonly string[]
  readonly isPrivate?: boolean
}

export interface LeechEvents {
  /** The metainfo is known and accepted. */
  metainfo: (metainfo: Metainfo) => void
  /** A piece is verified and written. */
  piece: (index: number) => void
  /** Bytes or sources changed; a few times a second at most. */
  progress: () => void
  /** A source sent wrong bytes; it is not asked again. */
  dropped: (source: TransferSource) => void
  /** Every piece is verified and on disk. */
  done: () => void
  /** It has stopped; `stop()` is still to be called. */
  error: (error: unknown) => void
}

/** A download under way, from the swarm and from HTTP sources at once. */
export interface Leech {
  on<N extends keyof LeechEvents>(event: N, listener: LeechEvents[N]): () => void
  addHttpSource(source: RangeSource): void
  /** Where bytes come from, for the user: `swarm`, peers given by address, HTTP sources, and those that were dropped. */
  sources(): TransferSource[]
  /** One bit per verified piece, the first piece in the highest bit; store it with every `piece`. */
  bitfield(): Uint8Array
  readonly bytesDone: number
  readonly rateBytesPerSec: number
  /** The whole metainfo file, with our trackers only; `null` until it is known. */
  metainfo(): Uint8Array | null
  /** Closes all connections; what is verified stays. */
  pause(): void
  resume(): void
  /** Ends it and closes the file; the bytes stay. */
  stop(): Promise<void>
}
