import type { SettingsStore } from './config.ts'
import { hashPieces } from './ingest/index.ts'
import type { HashPool } from './ingest/index.ts'
import type { MetainfoTools } from './library/index.ts'
import { buildMetainfo, parseMetainfo } from './seeding/index.ts'

/** The library stores torrents without understanding them: this is what it asks. */
export function metainfoTools(
  pool: HashPool,
  settings: SettingsStore,
  rateLimitBytesPerSec: number,
): MetainfoTools {
  return {
    check: (bytes) => ({ infoHash: parseMetainfo(bytes).infoHash }),
    make: async ({ path, manifest, signal }) => {
      const torrent = manifest.transport?.bittorrent
      if (!torrent) throw new Error('this item has no torrent')
      const { pieceLength } = torrent
      const pieces = await hashPieces(pool, {
        path,
        pieceLength,
        signal,
        rateLimitBytesPerSec,
      })
      const { metainfo } = buildMetainfo({
        name: manifest.name ?? 'media',
        sizeBytes: manifest.size,
        pieceLength,
        pieces,
        trackers: settings.get().trackers,
        webSeeds: torrent.webSeeds ?? [],
      })
      return metainfo
    },
  }
}
