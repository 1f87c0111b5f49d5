import type { Readable } from 'node:stream'
import type { FileHandle } from 'node:fs/promises'
import type { PlainFile } from '../ports/plain-file.ts'
import type { AccessRule, Manifest } from '../manifest/index.ts'
import type { Outbound } from '../outbound/index.ts'
import type { Catalogue } from '../search/index.ts'
import type { Recipient, TokenBearer, Vault } from '../vault/index.ts'
import type {
  AccessLevel,
  EngineEventName,
  EngineEventPayload,
  NodeStatus,
  Protection,
  Settings,
} from '../contract/index.ts'

/** What the HTTP server needs of other domains, no more; `Library`, `Adder` and `Vault` fit as they are. */

export interface MediaRow {
  readonly mediaId: string
  readonly name: string
  readonly mime: string
  readonly sizeBytes: number
  readonly accessLevel: AccessLevel
  readonly sharedWith: readonly string[]
  readonly protection: Protection
  readonly infoHash?: string | undefined
  readonly isSeedingWanted: boolean
  readonly owner: string
  readonly createdAt: string
  readonly trashedAtMs?: number | undefined
}

export interface OpenedMedia {
  readonly handle: FileHandle
  readonly sizeBytes: number
}

export interface MediaShelf {
  /** Those in the trash only when asked for. */
  get(mediaId: string, options?: { readonly isTrashIncluded?: boolean }): MediaRow | undefined
  /** The newest signed manifest, any unknown fields kept. */
  manifest(mediaId: string): Promise<Manifest>
  /** `null` for an item that has no torrent. */
  metainfo(mediaId: string): Promise<Uint8Array | null>
  /** Opens the bytes after checking that they are the ones that were added. The caller closes the handle. */
  openFile(mediaId: string): Promise<OpenedMedia>
  addUploaded(mediaId: string, bytes: number): void
  touchServed(mediaId: string): void
}

/** Files as their owner sees them; whoever opens one closes it. */
export interface PlainFiles {
  /** @throws {AppError} `NOT_FOUND`, `KEY_NEEDED`, the wallet's own errors while it is locked */
  item(mediaId: string): Promise<PlainFile>
  /** A download, as far as it can be read already. @throws {AppError} the same, and `CONFLICT` when it is too early */
  transfer(transferId: string): Promise<PlainFile>
}

export interface UploadDetails {
  readonly name: string
  readonly accessLevel: 'public' | 'private'
  /** Absent: nothing was said of it. */
  readonly isEncrypted?: boolean | undefined
  /** Others who can read it; implies encryption. */
  readonly recipients?: readonly Recipient[]
}

/** @throws {AppError} `BAD_REQUEST` for somebody who is not known, `CARD_INVALID` */
export type ResolveRecipient = (named: string) => Recipient

export interface UploadRequest extends UploadDetails {
  readonly stream: Readable
  readonly maxBytes: number
  readonly sizeHint?: number
  /**
   * A form's fields may follow its file: asked when the first megabyte has come, and again when the stream has ended, before
   * anything is committed.
   */
  readonly details?: () => UploadDetails
  readonly signal: AbortSignal
}

export interface UploadAdder {
  addStream(request: UploadRequest): Promise<{ readonly row: MediaRow; readonly isDuplicate: boolean }>
}

export interface TokenVerifier {
  verifyToken(jwt: string): Promise<TokenBearer>
  owner(): string | null
}

/** What the network knows and is told, for OIP's relay routes; `Network`'s `relay` fits. */
export interface RelayDesk {
  /** @throws {AppError} `BAD_REQUEST` for a soul that has no place there */
  get(
    soul: string,
    reader: {
      readonly mayRead: (rule: AccessRule) => boolean
      readonly held: (mediaId: string) => AccessRule | undefined
    },
  ): Promise<Record<string, unknown> | undefined>
  put(
    soul: string,
    data: Readonly<Record<string, unknown>>,
    about: {
      readonly isTellable: (mediaId: string) => boolean
      readonly isHeld: (mediaId: string) => boolean
    },
  ): Promise<void>
  receive(
    manifest: unknown,
    sender: { readonly publicKey: string; readonly isNodeOwner: boolean },
    isTellable: (mediaId: string) => boolean,
  ): Promise<{
    readonly mediaId: string
    readonly soul: string
    readonly isSigned: boolean
    readonly isPublished: boolean
  }>
  find(mediaId: string): Promise<KnownElsewhere | undefined>
  /** @returns whether it is said in this node's own, signed name */
  present(
    claim: {
      readonly mediaId: string
      readonly peerId?: string | undefined
      readonly protocols?: readonly string[] | Readonly<Record<string, boolean>> | undefined
      readonly endpoints?: readonly string[] | Readonly<Record<string, string>> | undefined
    },
    isTellable: (mediaId: string) => boolean,
  ): Promise<boolean>
}

/** An item as others describe it: by their signed manifest, or (OIP's) without a signature. */
export interface KnownElsewhere {
  readonly rule: AccessRule
  /** As it is answered. */
  readonly manifest: Readonly<Record<string, unknown>>
  readonly revocation?: SignedRevocation | undefined
}

/** Turns the proof of an owner key into a token. */
export type LoginDesk = Pick<Vault, 'challenge' | 'logIn'>

/** What its owner said when they took an item back, in their own signed words. */
export interface SignedRevocation {
  readonly mediaId: string
  /** 66 hex. */
  readonly owner: string
  readonly supersededBy?: string | undefined
}

/** The revocation of an item, when it was withdrawn. */
export type RevocationLookup = (mediaId: string) => SignedRevocation | undefined

/** Fetches an address somebody else chose, with all the guards that needs. */
export type OutboundRequests = Pick<Outbound, 'request'>

export interface EventSource {
  on<N extends EngineEventName>(name: N, listener: (payload: EngineEventPayload<N>) => void): () => void
}

/** What this node knows of, filtered for who asks before it is cut into pages. */
export type SearchIndex = Pick<Catalogue, 'find'>

export interface HttpSettings {
  get(): Pick<Settings, 'host' | 'port' | 'controlPort' | 'publicUrl' | 'maxUploadBytes'>
}

export type StatusSource = () => NodeStatus | Promise<NodeStatus>
