import path from 'node:path'
import { openFetchNode } from '../support/fetch-node.ts'
import { makeSample, type SampleTorrent } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { publisherManifest, startWebNode } from '../support/web-node.ts'
import { interleave, MIB, type Benchmark } from './report.ts'

/** What each road gives per second; loopback itself gives much more. */
const RATE = 4 * MIB

/**
 * One item from a BitTorrent seed and two web servers, each held to the same rate: all of them together beside each alone, with
 * a torrent and without; and with two roads more that hardly give anything.
 */
export const benchmark: Benchmark = {
  name: 'roads',
  async run({ isQuick, dir }) {
    const sample = await makeSample({ dir, sizeBytes: (isQuick ? 16 : 64) * MIB, pieceLength: 256 * 1024 })
    const manifest = publisherManifest(sample)
    await using seed = await startSwarm({ uploadLimitBytesPerSec: RATE })
    seed.seed(sample)
    const server = (bytesPerSec: number, withTorrent = true) =>
      startWebNode(sample, {
        bytesPerSec,
        isRateShared: true,
        ...(withTorrent ? { manifest, metainfo: sample.metainfo } : {}),
      })
    await using one = await server(RATE)
    await using two = await server(RATE)
    await using slow = await server(50_000)
    await using plainOne = await server(RATE, false)
    await using plainTwo = await server(RATE, false)
    await using plainSlow = await server(50_000, false)
    const get = (from: readonly string[]) => () => fetchOnce(dir, sample, from)
    const seconds = await interleave(isQuick ? 1 : 3, {
      swarm: get([seed.address]),
      http: get([one.url]),
      hybrid: get([seed.address, one.url, two.url]),
      burdened: get([seed.address, one.url, two.url, slow.url]),
      plain: get([plainOne.url]),
      raced: get([plainOne.url, plainTwo.url]),
      plainBurdened: get([plainSlow.url, plainOne.url]),
    })
    const row = (what: string, ours: number, rival: number, whose: string, atLeast: number) => ({
      what,
      ours: `${ours.toFixed(1)} s`,
      rival: `${whose} ${rival.toFixed(1)} s`,
      ratio: rival / ours,
      target: { atLeast },
    })
    const best = Math.min(seconds.swarm, seconds.http)
    return [
      row('Torrent and two HTTP sources of one rate', seconds.hybrid, best, 'the best alone', 1.2),
      row('The same and one that gives 50 kB/s', seconds.burdened, best, 'the best alone', 1.2),
      row('Two HTTP sources without a torrent', seconds.raced, seconds.plain, 'one alone', 1.2),
      row('One and one that gives 50 kB/s', seconds.plainBurdened, seconds.plain, 'the fast one alone', 0.95),
    ]
  },
}

async function fetchOnce(dir: string, sample: SampleTorrent, from: readonly string[]): Promise<void> {
  const root = path.join(dir, `node-${String(Math.random()).slice(2)}`)
  await using node = await openFetchNode({ root })
  const link = from.some((source) => !source.startsWith('http'))
    ? `sower://media/${sample.mediaId}?ih=${sample.infoHash}`
    : sample.mediaId
  const { state, error } = await node.get({ link, from })
  if (state !== 'done') throw new Error(`the download ended as ${state}: ${error?.message ?? ''}`)
}
