import type { MediaId } from '../contract/index.ts'
import type { FetcherDeps, HeldItem, Shelf } from './ports.ts'

interface HeldWish {
  /** That came with the link. */
  readonly fileKey: Uint8Array | undefined
  readonly isSeedingWanted: boolean | undefined
  readonly expiresAtMs: number | undefined
}

/** What a link leads to, when it is in the library and need not be fetched. */
export function heldItem(
  library: Shelf,
  { mediaId, infoHash }: { readonly mediaId?: string | undefined; readonly infoHash?: string | undefined },
): HeldItem | undefined {
  const row =
    mediaId === undefined
      ? infoHash === undefined
        ? undefined
        : library.find({ infoHash })
      : library.get(mediaId)
  const isThere = row?.trashedAtMs === undefined && (row?.fileState === 'ok' || row?.fileState === 'checking')
  return isThere ? row : undefined
}

/**
 * The download of what is there already is over at once; a key that came with the link may open it.
 * @returns the id of its transfer
 * @throws {AppError} `LINK_INVALID` when the key is another item's; the wallet's own error while it is not open
 */
export async function beginHeld(
  { library, transfers, keys }: Pick<FetcherDeps, 'library' | 'transfers' | 'keys'>,
  held: HeldItem,
  { fileKey, isSeedingWanted, expiresAtMs }: HeldWish,
): Promise<string> {
  if (fileKey !== undefined && held.protection !== 'none') {
    const manifest = await library.manifest(held.mediaId)
    // What an earlier link has opened may end sooner than this one; what the envelope opens does not end.
    if (!(await keys.files.isGiven(manifest))) {
      keys.files.keep(manifest, fileKey, expiresAtMs)
      await library.reopenSealed([held.mediaId])
    }
  }
  if (isSeedingWanted === true) await library.setSeedingWanted([held.mediaId], true)
  const { id } = transfers.create({
    kind: 'get',
    name: library.get(held.mediaId)?.name ?? held.name,
    state: 'done',
    stage: 'seed',
    bytesDone: held.sizeBytes,
    bytesTotal: held.sizeBytes,
    mediaId: held.mediaId as MediaId, // a row's id is one
    isEncrypted: held.protection !== 'none',
    isDuplicate: true,
  })
  return id
}
