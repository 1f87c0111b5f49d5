import type { MediaRow, MediaShelf } from './ports.ts'

interface AnswerParts {
  readonly library: MediaShelf
  readonly row: MediaRow
  readonly isDuplicate: boolean
  readonly warnings: readonly string[]
  readonly baseUrl: () => string
}

/** The answer to an upload; OIP's keys keep their names, and are null where an item has no such thing. */
export async function uploadAnswer({
  library,
  row,
  isDuplicate,
  warnings,
  baseUrl,
}: AnswerParts): Promise<unknown> {
  const manifest = await library.manifest(row.mediaId)
  const isTorrentAvailable = row.infoHash !== undefined
  return {
    success: true,
    mediaId: row.mediaId,
    did: manifest.did,
    magnetURI: manifest.transport?.bittorrent?.magnetURI ?? null,
    infoHash: row.infoHash ?? null,
    transport: manifest.transport ?? {},
    encrypted: manifest.encryption?.enabled ?? false,
    access_level: row.accessLevel,
    owner: row.owner,
    size: row.sizeBytes,
    mime: row.mime,
    originalName: row.name,
    httpUrl: `${baseUrl()}/media/${row.mediaId}`,
    torrentAvailable: isTorrentAvailable,
    manifest,
    isDuplicate,
    message: isDuplicate ? 'These bytes were already in the library; nothing was stored twice.' : 'Stored.',
    ...(warnings.length === 0 ? {} : { warnings }),
  }
}
