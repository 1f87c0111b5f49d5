import type { AccessLevel } from '../contract/index.ts'
import { buildManifest, signManifest, type Manifest, type OwnerSigner } from '../manifest/index.ts'
import { encryptionField, makeEnvelope, sealMetadata } from '../vault/index.ts'
import type { EnvelopeSubject, KeyEnvelope, Recipient } from '../vault/index.ts'
import type { IngestResult } from './read-file.ts'

/** What is needed of `seeding` to make a torrent; its functions fit as they are. */
export interface TorrentMaker {
  readonly buildMetainfo: (input: {
    readonly name: string
    readonly sizeBytes: number
    readonly pieceLength: number
    readonly pieces: Uint8Array
    readonly trackers: readonly string[]
    readonly webSeeds?: readonly string[]
  }) => { metainfo: Uint8Array; infoHash: string }
  readonly magnetURI: (parts: {
    readonly infoHash: string
    readonly name: string
    readonly trackers: readonly string[]
    readonly webSeeds?: readonly string[]
    readonly sizeBytes?: number
  }) => string
}

export interface DescriberOptions extends TorrentMaker {
  readonly trackers: () => readonly string[]
  /** HTTP addresses of the bytes for the torrent (BEP 19). */
  readonly webSeeds: (mediaId: string) => readonly string[]
  /** Throws when the wallet is not ready. */
  readonly signer: () => OwnerSigner
  /** How others reach this node's HTTP listener, when they do. */
  readonly publicUrl: () => string | null
}

/** Who gets the key of an encrypted item. */
export interface KeyFor {
  /** 32 bytes: what its bytes were encrypted with. Left untouched. */
  readonly fileKey: Uint8Array
  /** Everybody who can read it, its owner among them. */
  readonly recipients: readonly Recipient[]
  /** Other ways to the key, put into the same envelope. */
  readonly extend?: ((envelope: KeyEnvelope, subject: EnvelopeSubject) => Promise<KeyEnvelope>) | undefined
}

/** What an item is, before anybody is told. */
export interface ItemFacts extends Omit<IngestResult, 'isLinked'> {
  readonly name: string
  readonly accessLevel: AccessLevel
  /** With `encrypted`, and only with it. */
  readonly encryption?: KeyFor
  /** Milliseconds since the epoch, or ISO 8601 UTC; only for the first version. */
  readonly createdAt?: number | string
  /** The mediaId of the item this one replaces. */
  readonly supersedes?: string
  readonly previous?: Manifest
  /** Hashes of its first bytes, which the network may carry when others may have them. */
  readonly chunks?: Manifest['chunks']
}

export interface Description {
  readonly manifest: Manifest
  /** Of public and of encrypted items: what is kept back in the clear is announced nowhere and has no torrent. */
  readonly metainfo?: Uint8Array
}

/** The one name of every torrent and magnet whose content is nobody's business. */
const NEUTRAL_NAME = 'media'
const NEUTRAL_MIME = 'application/octet-stream'

/**
 * The signed manifest of an item and, when others may have its bytes, its torrent. Of an encrypted item both tell nothing of
 * the file but its size: name, type and hash are sealed.
 * @throws {AppError} `WALLET_…`, `KEYCHAIN_…` when nothing can be signed now; `ENVELOPE_INVALID` for a damaged key of a recipient
 */
export async function describe(facts: ItemFacts, options: DescriberOptions): Promise<Description> {
  const signer = options.signer()
  const sealed = await sealFacts(facts, signer.publicKey)
  const isOffered = facts.accessLevel === 'public' || sealed !== undefined
  const torrent = isOffered ? makeTorrent(facts, options) : null
  const publicUrl = isOffered ? options.publicUrl() : null
  const unsigned = buildManifest({
    mediaId: facts.sha256,
    sizeBytes: facts.sizeBytes,
    mime: sealed === undefined ? facts.mime : NEUTRAL_MIME,
    name: sealed === undefined ? facts.name : undefined,
    createdAt: facts.createdAt,
    accessLevel: facts.accessLevel,
    owner: signer.publicKey,
    bittorrent: torrent?.bittorrent,
    http: publicUrl === null ? undefined : [`${publicUrl.replace(/\/+$/, '')}/media/${facts.sha256}`],
    supersedes: facts.supersedes,
    previous: facts.previous,
    chunks: isOffered ? facts.chunks : undefined,
    ...sealed,
  })
  return {
    manifest: signManifest(unsigned, signer),
    ...(torrent === null ? {} : { metainfo: torrent.metainfo }),
  }
}

/** The key in its envelope, and what only who has it may know. */
async function sealFacts(
  { sha256: mediaId, name, mime, accessLevel, encrypted, encryption }: ItemFacts,
  owner: string,
): Promise<
  { readonly encryption: Manifest['encryption']; readonly sharedWith: readonly string[] } | undefined
> {
  if (encrypted === undefined && encryption === undefined) return undefined
  if (encrypted === undefined || encryption === undefined)
    throw new TypeError('bytes and key belong together')
  if (accessLevel === 'public') throw new TypeError('an encrypted item is not public')
  const { fileKey, recipients, extend } = encryption
  if (!recipients.some((recipient) => recipient.owner === owner))
    throw new TypeError('the owner is a recipient')
  const { salt, authTag, plainSizeBytes, plainHash } = encrypted
  const subject = { mediaId, version: 1 }
  const forPeople = await makeEnvelope({ fileKey, ...subject, recipients })
  const keyEnvelope = extend === undefined ? forPeople : await extend(forPeople, subject)
  const sealed = sealMetadata(fileKey, { name, mime, plainHash })
  return {
    encryption: encryptionField({ fileKey, salt, authTag, plainSizeBytes, mediaId, sealed, keyEnvelope }),
    sharedWith: recipients.map((recipient) => recipient.owner).filter((key) => key !== owner),
  }
}

function makeTorrent(facts: ItemFacts, options: DescriberOptions) {
  const { sizeBytes, pieceLength, pieces } = facts
  if (pieceLength === undefined || pieces === undefined) throw new Error('an item to seed needs its pieces')
  const isSealed = facts.encryption !== undefined
  const name = isSealed ? NEUTRAL_NAME : facts.name
  const trackers = [...options.trackers()]
  // Who may not read an item gets nothing from its HTTP address, so it is none for a torrent client.
  const addresses = isSealed ? [] : [...options.webSeeds(facts.sha256)]
  const webSeeds = addresses.length === 0 ? {} : { webSeeds: addresses }
  const { metainfo, infoHash } = options.buildMetainfo({
    name,
    sizeBytes,
    pieceLength,
    pieces,
    trackers,
    ...webSeeds,
  })
  const magnetURI = options.magnetURI({ infoHash, name, trackers, sizeBytes, ...webSeeds })
  return { metainfo, bittorrent: { magnetURI, infoHash, trackers, pieceLength, ...webSeeds } }
}
