import type { Db } from '../library/index.ts'
import type { OwnerSigner } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { ChunkItems } from './chunks.ts'
import type { GunProcessStatus } from './gun-client.ts'
import type { GunHostOptions } from './gun-host.ts'
import type { GunSocketsOptions } from './gun-sockets.ts'
import type { NodeSigner } from './presence-record.ts'
import type { PresenceOptions } from './presence.ts'
import type { PublishableItems, PublisherOptions } from './publisher.ts'
import type { SeaSigner } from './sea.ts'

/** What of the settings concerns the network; read whenever it is needed. */
export interface NetworkSettings {
  /** http(s) or ws(s) addresses of relays. No other is ever dialled. */
  readonly relays: readonly string[]
  /** Look for public items of anybody. */
  readonly isFeedWanted: boolean
  /** Addresses this node may be reached at and that the user lets others know; usually none. */
  readonly endpoints: readonly string[]
  /** A word for where it is, when the user gave one. */
  readonly region?: string | undefined
  /** The network may carry the first bytes of items that others may have. */
  readonly isBootstrapWanted?: boolean
  /** With less than this free on the drive, nothing that others wrote is kept in GUN. @defaultValue 0 */
  readonly reserveBytes?: number
  /** No traffic at all. */
  readonly isPaused: boolean
}

export interface NetworkOptions {
  /** GUN's files; made when it is not there. */
  readonly dir: string
  readonly db: Db
  readonly settings: () => NetworkSettings
  readonly node: NodeSigner
  /** The wallet's SEA pair; undefined while it is locked. */
  readonly seaSigner: () => SeaSigner | undefined
  /** The wallet's owner key, to sign with; undefined while it is locked. */
  readonly ownerSigner: () => OwnerSigner | undefined
  /** One's own owner key and those of one's contacts. */
  readonly trustedOwners: () => ReadonlySet<string>
  readonly items: PublishableItems &
    ChunkItems & {
      /** Everything this node seeds and others may know that it has. */
      present(): Iterable<string>
    }
  /** Told once of every version of an own item that relays can't carry whole. */
  readonly onTooLarge: PublisherOptions['onTooLarge']
  /** Told once when the clock is behind the one by which items were told before. */
  readonly onClockBehind: PublisherOptions['onClockBehind']
  readonly identify: GunSocketsOptions['identify']
  /** Origins of this node's own pages. */
  readonly ownOrigins: () => readonly string[]
  /** @defaultValue `bittorrent` */
  readonly protocols?: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** @defaultValue 160 MiB of heap, in a process where there can be one */
  readonly host?: Partial<GunHostOptions>
  readonly socketLimits?: GunSocketsOptions['limits']
  readonly presenceSchedule?: PresenceOptions['schedule']
}

export interface NetworkStatus {
  readonly gun: GunProcessStatus
  /** Sockets of others at `/gun`, and those that were not let in. */
  readonly sockets: number
  readonly refusedSockets: number
  /** Own manifests and withdrawals that none of the listed relays has yet; undefined where none is listed. */
  readonly owed: number | undefined
  /** By how much this computer's clock is wrong, as its relays say; negative when it is behind. */
  readonly clockAheadMs: number | undefined
}
