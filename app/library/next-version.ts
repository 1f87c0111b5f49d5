import fs from 'node:fs/promises'
import { isEncrypted, verifyManifest } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import { notFound, otherBytes } from './app-errors.ts'
import { describedBy } from './commit.ts'
import type { LibraryContext } from './context.ts'
import { replaceFile, toFolderError } from './durable.ts'
import { readMetainfo, writeManifestVersion } from './item-folder.ts'
import type { Scanner } from './scan.ts'
import { viewManifest } from './sealed.ts'
import type { ManifestView } from './sealed.ts'

interface NextVersion {
  readonly previous: Manifest
  readonly manifest: Manifest
  readonly metainfo: Uint8Array | undefined
}

/**
 * Writes the next version of an item's manifest, and its torrent when it got one, and brings its row to what it says. The
 * caller holds the item's lock.
 * @throws {AppError} as `Library.addManifestVersion`
 */
export async function storeNextVersion(
  context: LibraryContext,
  scanner: Pick<Scanner, 'refreshManifest'>,
  { previous, manifest, metainfo }: NextVersion,
): Promise<void> {
  const { db, folder, items, outbox } = context
  const mediaId = previous.id
  verifyManifest(manifest, { mediaId, previous })
  if (isEncrypted(manifest) !== isEncrypted(previous)) throw otherBytes()
  await folder.requireWritable()
  const paths = folder.paths(mediaId)
  const torrent = manifest.transport?.bittorrent
  try {
    items.set(mediaId, { isManifestPending: true })
    if (metainfo !== undefined) await replaceFile(paths.metainfo, metainfo)
    await writeManifestVersion(paths, manifest)
    if (torrent === undefined) await fs.rm(paths.metainfo, { force: true })
  } catch (error) {
    await scanner.refreshManifest(mediaId).catch(() => undefined)
    throw toFolderError(error)
  }
  const hasTorrent = torrent !== undefined && (await readMetainfo(paths)) !== null
  const view = await viewNext(context, manifest)
  db.write(() => {
    items.describe(mediaId, describedBy(manifest, hasTorrent ? torrent : undefined, view))
    if (hasTorrent && items.get(mediaId)?.isSeedingWanted === true) outbox.enqueue(mediaId, 'seed')
  })
  context.mapChanged()
  context.changed([mediaId])
}

/** While the wallet is locked, what was known of the version before is what is known of this one. */
async function viewNext({ items, openSealed }: LibraryContext, manifest: Manifest): Promise<ManifestView> {
  const item = items.get(manifest.id)
  if (item === undefined) throw notFound()
  const view = await viewManifest(manifest, openSealed)
  if (view.protection !== 'locked' || item.protection !== 'readable') return view
  return { ...view, name: item.name, mime: item.mime, protection: 'readable' }
}
