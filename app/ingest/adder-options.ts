import type { Settings } from '../contract/index.ts'
import type { Library, MediaFolder, TransferStore } from '../library/index.ts'
import type { OwnerSigner } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Contacts, Recipient } from '../vault/index.ts'
import type { TorrentMaker } from './describe.ts'
import type { HashPool } from './hash-pool.ts'

/** What adding needs of other domains. */
export interface AdderOptions extends TorrentMaker {
  readonly library: Pick<
    Library,
    'get' | 'manifest' | 'commit' | 'addManifestVersion' | 'openForServing' | 'verify'
  >
  readonly transfers: Pick<
    TransferStore,
    'create' | 'createAll' | 'update' | 'fail' | 'get' | 'listUnfinished' | 'payload' | 'setPayload'
  >
  readonly folder: Pick<MediaFolder, 'stage'>
  readonly pool: HashPool
  readonly trackers: () => readonly string[]
  readonly webSeeds: (mediaId: string) => readonly string[]
  readonly signer: () => OwnerSigner
  /** The owner as a recipient; throws while the wallet is not ready. */
  readonly self: () => Recipient
  readonly contacts: Pick<Contacts, 'recipients'>
  /** Throws while an item is being encrypted, which must be what it was when that began. */
  readonly requireSettled: (mediaId: string) => void
  /** Ends seeding before an item becomes private, for callers that don't do so when the library says that it changed. */
  readonly unseed?: (infoHash: string) => Promise<void>
  readonly settings: { get(): Pick<Settings, 'publicUrl' | 'reserveBytes' | 'bootstrapBytes'> }
  readonly clock: Clock
  readonly log: Log
}
