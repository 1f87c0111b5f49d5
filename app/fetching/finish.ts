import fs from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../contract/index.ts'
import { cleanFileName, pieceLengthFor, sniffMime } from '../ingest/index.ts'
import { buildManifest, signManifest, type Manifest } from '../manifest/index.ts'
import { buildMetainfo, magnetURI, parseMetainfo, type Metainfo } from '../seeding/index.ts'
import type { FetcherDeps } from './ports.ts'

/** A file whose sha256 is known to be right, and everything that was learned on the way. */
export interface VerifiedFile {
  readonly path: string
  readonly mediaId: string
  readonly sizeBytes: number
  /** The publisher's; verified. */
  readonly manifest: Manifest | undefined
  /** As it was fetched. */
  readonly metainfo: Uint8Array | undefined
  /** SHA-1 of every piece of `pieceLength` bytes, when the file did not come through a torrent. */
  readonly pieces: { readonly pieceLength: number; readonly hashes: Uint8Array } | undefined
  readonly name: string | undefined
  /** Whoever described it, without a signature, did not say that it is public. */
  readonly isKeptPrivate: boolean
}

export interface FinishedItem {
  readonly manifest: Manifest
  readonly metainfo: Uint8Array | undefined
  readonly isOwn: boolean
}

/**
 * What is kept beside the bytes: the publisher's manifest where it fits, else one of our own as holder; the
 * torrent as it was fetched, else one made from the bytes. See `docs/decisions/0005-manifest-of-fetched-items.md`.
 * @throws {AppError} `WALLET_…`, `KEYCHAIN_…` when a manifest must be signed and the wallet is not ready
 */
export async function describeItem(deps: FetcherDeps, file: VerifiedFile): Promise<FinishedItem> {
  const { manifest } = file
  if (manifest !== undefined && manifest.id === file.mediaId && manifest.size === file.sizeBytes) {
    return { manifest, metainfo: torrentOf(manifest, file), isOwn: isOurs(deps, manifest) }
  }
  const metainfo = isTorrentOfFile(file) === null ? newTorrent(deps, file) : torrentToKeep(file)
  return { manifest: await signAsHolder(deps, file, metainfo), metainfo, isOwn: false }
}

/** How long the pieces must be that `VerifiedFile.pieces` is made of. */
export function wantedPieceLength(
  manifest: Manifest | undefined,
  metainfo: Uint8Array | undefined,
  sizeBytes: number,
): number {
  if (metainfo !== undefined) return parseMetainfo(metainfo).pieceLength
  return manifest?.transport?.bittorrent?.pieceLength ?? pieceLengthFor(sizeBytes)
}

/** The torrent that belongs to the publisher's manifest: the fetched one, or the same made again from the bytes. */
function torrentOf(manifest: Manifest, file: VerifiedFile): Uint8Array | undefined {
  const bittorrent = manifest.transport?.bittorrent
  if (bittorrent === undefined) return undefined
  if (file.metainfo !== undefined && isTorrentOfFile(file) === bittorrent.infoHash) return file.metainfo
  if (file.pieces?.pieceLength !== bittorrent.pieceLength) return undefined
  for (const name of new Set([manifest.name ?? 'media', 'media'])) {
    const rebuilt = buildMetainfo({
      name,
      sizeBytes: file.sizeBytes,
      pieceLength: file.pieces.pieceLength,
      pieces: file.pieces.hashes,
      trackers: bittorrent.trackers,
    })
    if (rebuilt.infoHash === bittorrent.infoHash) return rebuilt.metainfo
  }
  return undefined
}

/** The infoHash of the fetched torrent, when it is one of these bytes; a torrent that nothing came through may not be. */
function isTorrentOfFile({ metainfo, pieces, sizeBytes }: VerifiedFile): string | null {
  if (metainfo === undefined) return null
  const parsed = parseMetainfo(metainfo)
  const isOther = pieces !== undefined && Buffer.compare(pieces.hashes, parsed.pieces) !== 0
  return isOther || parsed.sizeBytes !== sizeBytes ? null : parsed.infoHash
}

/** What is kept back in the clear has no torrent, unless that is one for invited people only. */
function torrentToKeep({ metainfo, isKeptPrivate }: VerifiedFile): Uint8Array | undefined {
  return isKeptPrivate && metainfo !== undefined && !parseMetainfo(metainfo).isPrivate ? undefined : metainfo
}

function newTorrent(deps: FetcherDeps, file: VerifiedFile): Uint8Array | undefined {
  if (file.pieces === undefined || file.isKeptPrivate) return undefined
  const { metainfo } = buildMetainfo({
    name: nameOf(file, null),
    sizeBytes: file.sizeBytes,
    pieceLength: file.pieces.pieceLength,
    pieces: file.pieces.hashes,
    trackers: deps.settings.get().trackers,
  })
  return metainfo
}

async function signAsHolder(
  deps: FetcherDeps,
  file: VerifiedFile,
  metainfo: Uint8Array | undefined,
): Promise<Manifest> {
  const signer = deps.signer()
  const parsed = metainfo === undefined ? null : parseMetainfo(metainfo)
  const name = nameOf(file, parsed)
  return signManifest(
    buildManifest({
      mediaId: file.mediaId,
      sizeBytes: file.sizeBytes,
      mime: await mimeOf(file.path, name),
      name,
      createdAt: deps.clock.nowMs(),
      // An invitation-only torrent stays one, and what was not said to be public is not made so: neither is told of by us.
      accessLevel: parsed?.isPrivate === true || file.isKeptPrivate ? 'private' : 'public',
      owner: signer.publicKey,
      bittorrent:
        parsed === null
          ? undefined
          : {
              infoHash: parsed.infoHash,
              magnetURI: magnetURI({ infoHash: parsed.infoHash, name, trackers: parsed.trackers }),
              trackers: [...parsed.trackers].slice(0, 64),
              pieceLength: parsed.pieceLength,
            },
    }),
    signer,
  )
}

function nameOf(file: VerifiedFile, parsed: Metainfo | null): string {
  return cleanFileName(parsed?.name ?? file.name ?? file.mediaId.slice(0, 16))
}

async function mimeOf(filePath: string, name: string): Promise<string> {
  const handle = await fs.open(filePath)
  try {
    const head = Buffer.alloc(64 * 1024)
    const { bytesRead } = await handle.read(head, 0, head.length, 0)
    return await sniffMime(head.subarray(0, bytesRead), path.basename(name))
  } finally {
    await handle.close()
  }
}

function isOurs(deps: FetcherDeps, manifest: Manifest): boolean {
  try {
    return deps.signer().publicKey === manifest.oip.creatorPubKey
  } catch (error) {
    // A locked wallet can't say; the item is then taken for somebody else's, which costs nothing.
    if (error instanceof AppError) return false
    throw error
  }
}
