import type { AccessLevel } from '../contract/index.ts'
import { buildManifest, signManifest, type Manifest, type OwnerSigner } from '../manifest/index.ts'
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

/** What an item is, before anybody is told. */
export interface ItemFacts extends Omit<IngestResult, 'isLinked'> {
  readonly name: string
  readonly accessLevel: AccessLevel
  /** Milliseconds since the epoch; only for the first version. */
  readonly createdAtMs?: number
  readonly previous?: Manifest
}

export interface Description {
  readonly manifest: Manifest
  /** Only of public items: a private one is announced nowhere and has no torrent. */
  readonly metainfo?: Uint8Array
}

/**
 * The signed manifest of an item and, when it is public, its torrent.
 * @throws {AppError} `WALLET_…`, `KEYCHAIN_…` when nothing can be signed now
 */
export function describe(facts: ItemFacts, options: DescriberOptions): Description {
  const signer = options.signer()
  const torrent = facts.accessLevel === 'public' ? makeTorrent(facts, options) : null
  const publicUrl = facts.accessLevel === 'public' ? options.publicUrl() : null
  const unsigned = buildManifest({
    mediaId: facts.sha256,
    sizeBytes: facts.sizeBytes,
    mime: facts.mime,
    name: facts.name,
    createdAt: facts.createdAtMs,
    accessLevel: facts.accessLevel,
    owner: signer.publicKey,
    bittorrent: torrent?.bittorrent,
    http: publicUrl === null ? undefined : [`${publicUrl.replace(/\/+$/, '')}/media/${facts.sha256}`],
    previous: facts.previous,
  })
  return {
    manifest: signManifest(unsigned, signer),
    ...(torrent === null ? {} : { metainfo: torrent.metainfo }),
  }
}

function makeTorrent(facts: ItemFacts, options: DescriberOptions) {
  const { name, sizeBytes, pieceLength, pieces } = facts
  if (pieceLength === undefined || pieces === undefined) throw new Error('a public item needs its pieces')
  const trackers = [...options.trackers()]
  const addresses = [...options.webSeeds(facts.sha256)]
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
