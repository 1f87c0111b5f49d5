import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { buildMetainfo } from '../../app/seeding/index.ts'
import { startLibtorrent } from '../support/libtorrent.ts'
import type { SampleTorrent } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { writeRandomFile } from './random-file.ts'
import { GIB, median, MIB, type Benchmark } from './report.ts'

/**
 * One file over loopback TCP, in turn: libtorrent to libtorrent, Sower to libtorrent, libtorrent to Sower. From the first
 * byte of the file received to the last piece verified.
 */
export const benchmark: Benchmark = {
  name: 'transfer',
  versions: () => ({
    libtorrent: execFileSync('/usr/bin/python3', ['-c', 'import libtorrent; print(libtorrent.version)'], {
      encoding: 'utf8',
    }).trim(),
  }),
  async run({ isQuick, dir }) {
    const sample = await makeLarge(dir, isQuick ? 64 * MIB : GIB)
    const contestants = { rival: libtorrentToLibtorrent, up: sowerToLibtorrent, down: libtorrentToSower }
    const seconds = { rival: [] as number[], up: [] as number[], down: [] as number[] }
    for (let round = 0; round < (isQuick ? 1 : 3); round += 1) {
      for (const name of ['rival', 'up', 'down'] as const) {
        const target = path.join(dir, `got-${name}`)
        await mkdir(target, { recursive: true })
        seconds[name].push(await contestants[name](sample, dir, target))
        await rm(target, { recursive: true })
      }
    }
    const rate = (name: keyof typeof seconds): number => sample.sizeBytes / 1e6 / median(seconds[name])
    const row = (what: string, name: 'up' | 'down') => ({
      what,
      ours: `${rate(name).toFixed(0)} MB/s`,
      rival: `libtorrent to libtorrent ${rate('rival').toFixed(0)} MB/s`,
      ratio: rate(name) / rate('rival'),
      target: { atLeast: 0.9 },
    })
    return [
      row('Torrent transfer, Sower to libtorrent', 'up'),
      row('Torrent transfer, libtorrent to Sower', 'down'),
    ]
  },
}

async function libtorrentToLibtorrent(sample: SampleTorrent, dir: string, target: string): Promise<number> {
  await using seed = await startLibtorrent({ mode: 'seed', torrent: sample.metainfoPath, dir })
  await using peer = await startLibtorrent({
    mode: 'download',
    torrent: sample.metainfoPath,
    dir: target,
    peers: [`127.0.0.1:${String(seed.port)}`],
  })
  return await peer.complete(120_000)
}

async function sowerToLibtorrent(sample: SampleTorrent, _dir: string, target: string): Promise<number> {
  await using sower = await startSwarm()
  sower.seed(sample)
  await using peer = await startLibtorrent({
    mode: 'download',
    torrent: sample.metainfoPath,
    dir: target,
    peers: [sower.address],
  })
  return await peer.complete(120_000)
}

async function libtorrentToSower(sample: SampleTorrent, dir: string, target: string): Promise<number> {
  await using seed = await startLibtorrent({ mode: 'seed', torrent: sample.metainfoPath, dir })
  await using sower = await startSwarm()
  const leech = sower.swarm.leech({
    infoHash: sample.infoHash,
    metainfo: sample.metainfo,
    filePath: path.join(target, 'got'),
    trackers: [],
    peers: [`127.0.0.1:${String(seed.port)}`],
  })
  let startedAtMs = 0
  const watch = setInterval(() => {
    if (startedAtMs === 0 && leech.bytesDone > 0) startedAtMs = performance.now()
  }, 1)
  // Like libtorrent's figure: until the last piece is verified and handed to the disk, not until the disk has it.
  await new Promise<void>((resolve, reject) => {
    let missing = Math.ceil(sample.sizeBytes / pieceLengthOf(sample.sizeBytes))
    leech.on('piece', () => {
      missing -= 1
      if (missing === 0) resolve()
    })
    leech.on('error', reject)
  })
  clearInterval(watch)
  const seconds = (performance.now() - startedAtMs) / 1000
  await leech.stop()
  return seconds
}

function pieceLengthOf(sizeBytes: number): number {
  return Math.max(64 * 1024, 2 ** Math.ceil(Math.log2(sizeBytes / 1024)))
}

async function makeLarge(dir: string, sizeBytes: number): Promise<SampleTorrent> {
  const name = 'large.bin'
  const file = path.join(dir, name)
  await writeRandomFile(file, sizeBytes)
  const pieceLength = pieceLengthOf(sizeBytes)
  const hashes: Buffer[] = []
  for await (const piece of createReadStream(file, { highWaterMark: pieceLength })) {
    hashes.push(hash('sha1', piece as Buffer, 'buffer')) // no encoding set; whole pieces, as the file is a multiple
  }
  const { metainfo, infoHash } = buildMetainfo({
    name,
    sizeBytes,
    pieceLength,
    pieces: Buffer.concat(hashes),
    trackers: [],
  })
  const metainfoPath = `${file}.torrent`
  await writeFile(metainfoPath, metainfo)
  return {
    mediaId: infoHash,
    name,
    path: file,
    sizeBytes,
    infoHash,
    metainfo,
    metainfoPath,
    bytes: Buffer.alloc(0),
  }
}
