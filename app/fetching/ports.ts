import type { FileHandle } from 'node:fs/promises'
import type { ErrorCode, Protection, Settings, Transfer, TransferSource } from '../contract/index.ts'
import type { HashPool } from '../ingest/index.ts'
import type { ChunkPlace, Manifest, OwnerSigner } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { PlainFile } from '../ports/plain-file.ts'
import type { ByteRange, HeadBytes, ManifestTaker, Reach } from '../seeding/index.ts'
import type { FileKeys, SeaPair } from '../vault/index.ts'
import type { OutboundRequests } from './http-source.ts'

/** What fetching needs of other domains, no more; `Library`, `TransferStore`, `MediaFolder` and `Swarm` fit as they are. */

export interface HeldItem {
  readonly mediaId: string
  readonly name: string
  readonly sizeBytes: number
  readonly fileState: 'ok' | 'checking' | 'changed' | 'missing'
  readonly protection: Protection
  readonly trashedAtMs?: number | undefined
}

export interface Staging {
  readonly jobId: string
  readonly dir: string
  readonly bytes: string
  discard(): Promise<void>
}

export interface Shelf {
  get(mediaId: string): HeldItem | undefined
  find(by: { readonly infoHash: string }): HeldItem | undefined
  manifest(mediaId: string): Promise<Manifest>
  openFile(mediaId: string): Promise<{ readonly handle: FileHandle }>
  /** Looks again at these, which could not be read so far. */
  reopenSealed(mediaIds: readonly string[]): Promise<void>
  setSeedingWanted(mediaIds: readonly string[], isWanted: boolean): void | Promise<void>
  commit(staged: {
    readonly staging: Staging
    readonly mediaId: string
    readonly manifest: Manifest
    readonly metainfo?: Uint8Array
    readonly isOwn: boolean
    readonly isSeedingWanted: boolean
  }): Promise<{ readonly row: HeldItem; readonly isDuplicate: boolean }>
}

export interface IncomingFolder {
  stage(jobId: string, options?: { readonly expectedBytes?: number }): Promise<Staging>
}

export interface TransferRows {
  create(input: Pick<Transfer, 'kind' | 'name'> & Partial<Transfer>): Transfer
  update(
    id: string,
    patch: { readonly [K in keyof Transfer]?: Transfer[K] | undefined },
    options?: { readonly persist?: boolean },
  ): Transfer
  /** Never throws. @returns the error's code */
  fail(id: string, error: unknown): ErrorCode
  get(id: string): Transfer | undefined
  listUnfinished(): Transfer[]
  payload(id: string): unknown
  setPayload(id: string, payload: unknown): void
  dismiss(id?: string): void
  onChange(
    listener: (change: { readonly changed: readonly string[]; readonly removed: readonly string[] }) => void,
  ): () => void
}

/** One torrent being fetched from peers and HTTP sources at once. */
export interface LeechHandle {
  on(event: 'metainfo' | 'piece' | 'progress' | 'dropped' | 'done', listener: () => void): () => void
  on(event: 'error', listener: (error: unknown) => void): () => void
  addHttpSource(source: {
    readonly kind: 'http' | 'ipfs' | 'arweave'
    readonly label: string
    read(start: number, endExclusive: number, signal: AbortSignal): Promise<Uint8Array>
  }): void
  sources(): TransferSource[]
  bitfield(): Uint8Array
  has(range: ByteRange): boolean
  prioritize(ranges: readonly ByteRange[]): void
  readonly manifestPeerCount: number
  askForManifest(): void
  goPrivate(): void
  headGrew(): void
  readonly bytesDone: number
  readonly rateBytesPerSec: number
  metainfo(): Uint8Array | null
  stop(): Promise<void>
}

export interface LeechSwarm {
  /** The user wants no traffic: nothing comes from the swarm until he resumes. */
  readonly isPaused: boolean
  leech(args: {
    readonly infoHash: string
    readonly metainfo?: Uint8Array
    readonly acceptMetainfo?: (metainfo: { readonly sizeBytes: number; readonly name: string }) => void
    readonly filePath: string
    readonly verified?: Uint8Array
    readonly head?: HeadBytes
    readonly trackers: string[]
    readonly peers: string[]
    readonly reach?: Reach
    readonly manifests?: ManifestTaker
  }): LeechHandle
}

/** The wallet's side of encrypted items. */
export interface KeyRing {
  /** Throws the wallet's own error while it is not open. */
  readonly pair: () => SeaPair
  readonly files: Pick<FileKeys, 'get' | 'isGiven' | 'keep'>
  /** The wallet opened, closed, or is another one. */
  onChange(listener: () => void): () => void
}

/** What somebody wrote of an item without signing it. */
export interface UnsignedHints {
  readonly name?: string
  /** As they say; whoever says nothing means `private`. */
  readonly accessLevel: string
  /** 40 lowercase hex. */
  readonly infoHash?: string
  readonly http: readonly string[]
  readonly ipfsCid?: string
  readonly arweaveTxId?: string
}

/** The network of manifests and presence, as far as downloads ask it. */
export interface FetchNetwork {
  /** A chunk of the beginning of an item, as its manifest has it; `null` when the network does not carry it. */
  chunk?(mediaId: string, place: ChunkPlace): Promise<Uint8Array | null>
  /** Whether there is anybody to ask, now or in a while. */
  isReachable(): boolean
  /** What it says of an item: a manifest whose signature, id and schema hold, or hints. */
  lookup(
    mediaId: string,
    hints: { readonly pub?: string; readonly owner?: string; readonly recordOf?: string | undefined },
  ): Promise<{
    readonly known?: { readonly manifest: Manifest; readonly revocation?: object | undefined }
    readonly foreign?: UnsignedHints
  }>
  /** Who has it. */
  presenceOf(mediaId: string): Promise<{
    readonly peers: readonly {
      readonly isSelf: boolean
      readonly isFresh: boolean
      readonly endpoints: readonly string[]
    }[]
  }>
}

export interface BeginArgs {
  /** Any kind of link; see `parseLink`. */
  readonly link: string
  /** Extra sources typed by the user: `http(s)://…` of a node, or `host:port` of a BitTorrent peer. */
  readonly from?: readonly string[]
  /** @defaultValue the setting */
  readonly isSeedingWanted?: boolean | undefined
  /** Ends it with `NO_SOURCES` when nobody was heard of for so long. @defaultValue it goes on looking */
  readonly giveUpAfterMs?: number | undefined
}

export interface FetcherDeps {
  readonly library: Shelf
  readonly transfers: TransferRows
  readonly folder: IncomingFolder
  readonly swarm: LeechSwarm
  readonly outbound: OutboundRequests
  /** Told what a node answers with for an item that its owner took back, unchecked. */
  readonly onRevocation?: (value: unknown) => void
  readonly pool: HashPool
  /** Signs for items whose publisher's manifest could not be had; throws when the wallet is not ready. */
  readonly signer: () => OwnerSigner
  readonly keys: KeyRing
  /** An item of the library as whoever may read it sees it. */
  readonly openHeld: (mediaId: string) => Promise<PlainFile>
  readonly settings: {
    get(): Pick<
      Settings,
      'trackers' | 'isSeedingAfterGet' | 'isDhtEnabled' | 'isLsdEnabled' | 'ipfsGateways' | 'arweaveGateways'
    >
  }
  /** Without it, what a link does not say can't be found. */
  readonly network?: FetchNetwork | undefined
  readonly clock: Clock
  readonly log: Log
  /** Shorter in tests. */
  readonly patience?: Partial<Patience>
}

/** How long to wait for others, in milliseconds. */
export interface Patience {
  /** For a byte from any HTTP source, before saying that nobody gives the item. @defaultValue 20 000 */
  readonly sourcesMs: number
  /** For metainfo from the swarm, when HTTP sources could give the file without. @defaultValue 10 000 */
  readonly metainfoMs: number
  /** For progress, before asking everybody anew. @defaultValue 30 000 */
  readonly stallMs: number
  /** For the signed manifest of an encrypted item, once all its bytes are there. @defaultValue 30 000 */
  readonly describeMs: number
  /** For the network's answer, when nobody else says where the item is. @defaultValue 15 000 */
  readonly networkMs: number
}

export const DEFAULT_PATIENCE: Patience = {
  sourcesMs: 20_000,
  metainfoMs: 10_000,
  stallMs: 30_000,
  describeMs: 30_000,
  networkMs: 15_000,
}

/** The longer nobody shows up, the longer the swarm is listened to. */
export function stretched(patience: Patience, factor: number): Patience {
  return { ...patience, metainfoMs: patience.metainfoMs * factor, stallMs: patience.stallMs * factor }
}
