import type { ArrivingBytes } from './arriving-bytes.ts'
import type { LinkKeys } from './link-keys.ts'
import type { NodeLogins } from './node-logins.ts'
import type { TorrentClaims } from './same-torrent.ts'

/** What the user is told of sources. */
export const LOOKING = 'Looking for people who have it.'
export const PAUSED = 'All swarm traffic is paused on this node.'
export const TAKEN = 'Waits for another download of the same torrent.'
export const WRONG_BYTES = 'It gave other bytes than the ones asked for.'
export const WRONG_DESCRIPTION = 'It described another file than the one asked for.'

/** One way by which the whole file arrived. */
export interface Arrival {
  readonly path: string
  readonly road: 'swarm' | 'plain'
  readonly metainfo: Uint8Array | undefined
}

/** What outlives one run of a download. */
export interface JobContext {
  readonly linkKeys: LinkKeys
  readonly logins: NodeLogins
  /** Where whoever reads it already gets its bytes from. */
  readonly arriving: ArrivingBytes
  readonly torrents: TorrentClaims
  /** The other download under way that is for these bytes. */
  readonly heirOf: (sha256: string) => string | undefined
}
