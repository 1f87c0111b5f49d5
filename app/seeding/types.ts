import type { ItemDetail, NodeStatus, TransferSource } from '../contract/index.ts'
import type { RangeSource } from './http-source.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Metainfo } from './metainfo.ts'
import type { ServableFile } from './served-files.ts'
import type { ByteRange } from './urgency.ts'

/** Settings of the swarm; limits `null` = unlimited. */
export interface SwarmOptions {
  /** TCP port to listen on; 0 = any free one, and the same one as before as long as it is free. */
  readonly peerPort: number
  /** Every item that is announced at all is announced to each of these (ws, wss, http, https, udp). */
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

/** What the swarm is made with. */
export interface SwarmParts {
  readonly options: SwarmOptions
  /** Where it listened when it last ran: trackers and routers remember it. */
  readonly lastPeerPort?: number
  /** Confirms that an item's file is unchanged and says where it is. */
  readonly open: (mediaId: string) => Promise<ServableFile>
  /** The item's newest signed manifest as canonical JSON, read when another Sower node asks for it. */
  readonly manifest?: (mediaId: string) => Promise<Uint8Array | null>
  readonly clock: Clock
  readonly log: Log
}

/**
 * How far it may be told that a torrent is here. `trackers`: the trackers and nobody else: not in the DHT, not in the local
 * network, and peers are not told of each other. `nowhere`: only who knows our address can ask.
 */
export type Reach = 'everywhere' | 'trackers' | 'nowhere'

export interface SeedArgs {
  readonly mediaId: string
  /** 40 lowercase hex. */
  readonly infoHash: string
  /** `media.torrent`, read when somebody asks for the item. */
  readonly metainfoPath: string
  readonly sizeBytes: number
  readonly reach: Reach
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

/** The beginning of a file, as it comes by another road. */
export interface HeadBytes {
  has(range: ByteRange): boolean
  /** Fills `target`; false when it is not there any more. */
  read(target: Uint8Array, position: number): Promise<boolean>
}

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
  /** Whole pieces are taken from here, so that they are not downloaded. */
  readonly head?: HeadBytes
  readonly trackers: readonly string[]
  /** `host:port` of BitTorrent peers. */
  readonly peers: readonly string[]
  /** @defaultValue everywhere; a torrent whose metainfo has the private flag (BEP 27) stays with its trackers anyway */
  readonly reach?: Reach
  /** Without it this download neither asks other Sower nodes for the item's manifest nor gives it. */
  readonly manifests?: ManifestTaker
}

/** What a download does with the item's signed manifest, which Sower nodes pass on among each other. */
export interface ManifestTaker {
  /** Canonical JSON of the newest one known here; `null` = none. */
  offer(): Uint8Array | null
  isWanted(): boolean
  /**
   * Judges what a peer gave.
   * @returns what is false in it, in words for the user: the peer is dropped; `null` when there is nothing to say against it
   */
  take(bytes: Uint8Array, label: string): string | null
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
  /** Whether every byte of this range is verified and in the file. */
  has(range: ByteRange): boolean
  /** Fetches these ranges before anything else, the first of them first; replaces what was said before. */
  prioritize(ranges: readonly ByteRange[]): void
  /** Where bytes come from, for the user: `swarm`, peers given by address, HTTP sources, and those that were dropped. */
  sources(): TransferSource[]
  /** One bit per verified piece, the first piece in the highest bit; store it with every `piece`. */
  bitfield(): Uint8Array
  readonly bytesDone: number
  readonly rateBytesPerSec: number
  /** The whole metainfo file, with our trackers only; `null` until it is known. */
  metainfo(): Uint8Array | null
  /** Connected peers that pass manifests on. */
  readonly manifestPeerCount: number
  /** Asks those again, at once: one is wanted now that was not before. */
  askForManifest(): void
  /** From now on no DHT, LSD or PEX: it turned out to be ciphertext. */
  goPrivate(): void
  /** Closes all connections; what is verified stays. */
  pause(): void
  resume(): void
  /** `head` has more. */
  headGrew(): void
  /** Ends it and closes the file; the bytes stay. */
  stop(): Promise<void>
}
