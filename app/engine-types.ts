import type { SettingsStore } from './config.ts'
import type { EngineHandlers, Item, NodeStatus, Notice } from './contract/index.ts'
import type { DiscoveryParts } from './engine-discovery.ts'
import type { EngineEvents } from './engine-events.ts'
import type { SharingParts } from './engine-sharing.ts'
import type { Fetcher } from './fetching/index.ts'
import type { Adder } from './ingest/index.ts'
import type { Db, ItemRow, Library, MediaFolder, TransferStore } from './library/index.ts'
import type { Network } from './network/index.ts'
import type { Log } from './ports/log.ts'
import type { Swarm } from './seeding/index.ts'
import type { Contacts, FileKeys, Keychain, PassphraseSource, Vault } from './vault/index.ts'

/** What the parts of a node are made of. */
export interface PartsInit {
  readonly dataDir: string
  readonly settings: SettingsStore
  readonly mode: 'desktop' | 'headless'
  /** What starting had to say so far; grows. */
  readonly notices: Notice[]
  readonly log: Log
  readonly rendererDir: string | undefined
  /** Lives for one command: the network is asked when something is asked of it, and not before. */
  readonly isBrief: boolean
  /** Refusals nobody waited for, so far. */
  readonly unheardErrors: () => number
  readonly keychain?: Keychain
  readonly passphrase?: PassphraseSource
  /** Of an OIP server whose users' tokens are accepted. */
  readonly oipSecret?: Uint8Array | undefined
}

/** What there is while the node runs. */
export interface Running {
  readonly vault: Vault
  readonly contacts: Contacts
  readonly fileKeys: FileKeys
  readonly db: Db
  readonly transfers: TransferStore
  readonly folder: MediaFolder
  readonly library: Library
  readonly swarm: Swarm
  readonly network: Network
  readonly handlers: EngineHandlers
  readonly url: string
  readonly controlUrl: string
}

/** What the handlers of the contract's calls need. */
export interface HandlersInit extends SharingParts, DiscoveryParts {
  readonly network: Network
  readonly events: EngineEvents
  readonly library: Library
  readonly folder: MediaFolder
  readonly transfers: TransferStore
  readonly adder: Adder
  readonly fetcher: Fetcher
  readonly swarm: Swarm
  readonly vault: Vault
  readonly contacts: Contacts
  readonly settings: SettingsStore
  readonly view: (row: ItemRow) => Item
  readonly status: () => NodeStatus
  readonly nodeUrl: () => string
  /** An address on this computer where a player reads it. @throws {AppError} what keeps it from being read */
  readonly playUrl: EngineHandlers['library.playUrl']
  readonly dismissNotice: (id: string) => void
}
