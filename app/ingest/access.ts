import { AppError, type AccessLevel } from '../contract/index.ts'
import type { ItemRow } from '../library/index.ts'
import { accessLevelOf, isEncrypted } from '../manifest/index.ts'
import type { AdderOptions } from './adder-options.ts'
import { describe, type DescriberOptions, type ItemFacts } from './describe.ts'
import { cleanFileName } from './file-name.ts'
import { hashFile } from './hash-file.ts'
import { pieceLengthFor } from './piece-length.ts'

/**
 * Makes an item public or private: the next version of its manifest, with or without a torrent.
 * @throws {AppError} `NOT_FOUND`, `FORBIDDEN` (somebody else's), `CONFLICT` (encrypted, or just being encrypted), `HASH_MISMATCH` when the stored bytes have changed,
 *   `WALLET_…`, and what the library says of the media folder
 */
export async function changeAccess(
  options: AdderOptions,
  describer: DescriberOptions,
  mediaId: string,
  accessLevel: Extract<AccessLevel, 'public' | 'private'>,
  signal: AbortSignal,
): Promise<ItemRow> {
  const { library, requireSettled } = options
  const row = library.get(mediaId)
  if (row === undefined) throw new AppError('NOT_FOUND', 'There is no such item in the library.')
  if (!row.isOwn) {
    throw new AppError('FORBIDDEN', 'This item is somebody else’s: only its owner can say who may see it.')
  }
  requireSettled(mediaId)
  const previous = await library.manifest(mediaId)
  if (isEncrypted(previous)) throw isSealed(accessLevel)
  if (accessLevelOf(previous) === accessLevel) return row
  const facts: ItemFacts = {
    sha256: mediaId,
    sizeBytes: previous.size,
    mime: previous.mime,
    name: cleanFileName(previous.name ?? 'media'),
    accessLevel,
    previous,
  }
  // Known to be able to sign before anything is read or stopped.
  options.signer()
  if (accessLevel === 'private') {
    const { manifest } = await describe(facts, describer)
    requireSettled(mediaId)
    if (row.infoHash !== undefined) await options.unseed?.(row.infoHash)
    return library.addManifestVersion(mediaId, manifest)
  }
  const pieceLength = pieceLengthFor(previous.size)
  const { path } = await library.openForServing(mediaId)
  const { sha256, pieces } = await hashFile(options.pool, { path, pieceLength, signal })
  if (sha256 !== mediaId || pieces === undefined) {
    library.verify([mediaId])
    throw new AppError(
      'HASH_MISMATCH',
      'The stored file is not the one that was added, so it was not made public.',
      {
        hint: 'Add the original file again.',
      },
    )
  }
  const { manifest, metainfo } = await describe({ ...facts, pieceLength, pieces }, describer)
  // Reading it takes a while, in which somebody may have had it encrypted.
  requireSettled(mediaId)
  return library.addManifestVersion(mediaId, manifest, metainfo)
}

/** Who can read an encrypted item is a matter of keys, not of a word in its manifest. */
function isSealed(accessLevel: 'public' | 'private'): AppError {
  if (accessLevel === 'private') {
    return new AppError('CONFLICT', 'This item is encrypted: only those it was shared with can read it.', {
      hint: 'To take access away from somebody, remove them from its people.',
    })
  }
  return new AppError('CONFLICT', 'This item is encrypted, so it can’t be made public. It stays as it is.', {
    hint: 'Save a decrypted copy and add that as public.',
  })
}
