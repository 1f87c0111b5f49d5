import type { Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Db } from './db.ts'
import type { ItemStore } from './item-store.ts'
import type { Keyed } from './keyed.ts'
import type { MediaFolder } from './media-folder.ts'
import type { Notices } from './notices.ts'
import type { Outbox } from './outbox.ts'
import type { OpenSealed } from './sealed.ts'

/** Hashes a file in the background, slowly enough not to be felt. @returns sha256, lowercase hex */
export type VerifyBytes = (path: string, signal: AbortSignal) => Promise<string>

/** What the library must know of torrents, given from outside: it stores them, others understand them. */
export interface MetainfoTools {
  /** @throws when these bytes are no metainfo of ours */
  check(metainfo: Uint8Array): { readonly infoHash: string }
  /** Makes it again from the bytes at `path` and what the manifest says of it. */
  make(args: {
    readonly path: string
    readonly manifest: Manifest
    readonly signal: AbortSignal
  }): Promise<Uint8Array>
}

/** What the parts of the library share. */
export interface LibraryContext {
  readonly db: Db
  readonly folder: MediaFolder
  readonly items: ItemStore
  readonly outbox: Outbox
  readonly notices: Notices
  readonly clock: Clock
  readonly log: Log
  /** One change of an item at a time, whoever asks. */
  readonly locks: Keyed
  /** 66 hex of this node's owner, when the wallet is open. */
  readonly owner: () => string | null
  readonly openSealed: OpenSealed
  /** Says that rows changed; told together, after the current work. */
  readonly changed: (mediaIds: Iterable<string>) => void
  /** Has the item's bytes read again in the background. */
  readonly verify: (mediaId: string) => void
  /** The set of torrents changed: `seeder.json` is due. */
  readonly mapChanged: () => void
}
