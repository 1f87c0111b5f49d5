import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import WebTorrent from 'webtorrent'
import { hashPieces, HashPool, pieceLengthFor } from '../../app/ingest/index.ts'
import { silentLog } from '../../app/ports/log.ts'
import { GIB, interleave, MIB, packageVersion, rate, versionOf, type Benchmark, type Row } from './report.ts'
import { writeRandomFile } from './random-file.ts'

const run = promisify(execFile)
const signal = new AbortController().signal

/** The pieces of a torrent alone, against the programs that make one. */
export const benchmark: Benchmark = {
  name: 'torrent-creation',
  versions: () => ({ webtorrent: packageVersion('webtorrent'), mktorrent: versionOf('mktorrent', '-h') }),
  async run({ isQuick, dir }) {
    const sizeBytes = isQuick ? 256 * MIB : 2 * GIB
    const sourcePath = path.join(dir, 'source')
    const torrentPath = path.join(dir, 'torrent')
    const pieceLength = pieceLengthFor(sizeBytes)
    await writeRandomFile(sourcePath, sizeBytes)
    const pool = new HashPool({ log: silentLog })
    const ours = (): Promise<unknown> => hashPieces(pool, { path: sourcePath, pieceLength, signal })
    try {
      await ours()
      const times = await interleave(isQuick ? 2 : 5, {
        webtorrent: () => seedWithWebTorrent(sourcePath, pieceLength),
        ours,
        mktorrent: async () => {
          await rm(torrentPath, { force: true })
          const args = ['-t', '2', '-l', String(Math.log2(pieceLength)), '-o', torrentPath, sourcePath]
          await run('mktorrent', args)
        },
      })
      const what = `torrent of ${(sizeBytes / GIB).toFixed(2)} GiB`
      const row = (rival: 'webtorrent' | 'mktorrent', name: string, atLeast: number): Row => ({
        what,
        ours: rate(sizeBytes, times.ours),
        rival: `${rate(sizeBytes, times[rival])} ${name}`,
        ratio: times[rival] / times.ours,
        target: { atLeast },
      })
      return [row('webtorrent', 'webtorrent.seed()', 3), row('mktorrent', 'mktorrent -t 2', 0.8)]
    } finally {
      await pool.close()
    }
  },
}

/** The stock client, of which the app's own types describe only what the app uses. */
interface StockClient {
  on(event: 'error', listener: (error: unknown) => void): void
  seed(file: string, options: Record<string, unknown>, onSeed: () => void): void
  destroy(onDestroyed: () => void): void
}
// The same class, seen by its documented API.
const StockWebTorrent = WebTorrent as unknown as new (options: Record<string, unknown>) => StockClient

async function seedWithWebTorrent(file: string, pieceLength: number): Promise<void> {
  const client = new StockWebTorrent({
    dht: false,
    tracker: false,
    lsd: false,
    utPex: false,
    natUpnp: false,
    natPmp: false,
  })
  try {
    await new Promise<void>((resolve, reject) => {
      client.on('error', reject)
      client.seed(file, { pieceLength, announceList: [] }, () => resolve())
    })
  } finally {
    await new Promise<void>((resolve) => client.destroy(() => resolve()))
  }
}
