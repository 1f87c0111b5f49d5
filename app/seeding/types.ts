import type { ItemDetail, NodeStatus } from '../contract/index.ts'

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
