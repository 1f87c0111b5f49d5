import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../../app/ports/log.ts'
import { CopyCounts } from '../../../app/seeding/copy-counts.ts'
import { makeSample, type SampleTorrent } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startTracker, type LocalTracker } from '../../support/tracker.ts'

let stack: AsyncDisposableStack
let tracker: LocalTracker
let sample: SampleTorrent
let nowMs: number
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  tracker = stack.use(await startTracker())
  sample = await makeSample({ dir: dir.path, sizeBytes: 200_000 })
  nowMs = 1_800_000_000_000
})
afterEach(() => stack.disposeAsync())

function openCounts(trackers: readonly string[]): CopyCounts {
  return new CopyCounts({
    trackers: () => trackers,
    isRunning: () => true,
    isSeeding: () => false,
    clock: { nowMs: () => nowMs },
    log: silentLog,
  })
}

async function twoSeeds(): Promise<Awaited<ReturnType<typeof startSwarm>>[]> {
  const seeds = []
  // One after the other, and each by one address: this tracker takes the same peer for another one on its WebSocket.
  for (const [index, url] of [tracker.http, tracker.udp].entries()) {
    const one = stack.use(await startSwarm({ trackers: [url] }))
    one.seed(sample)
    seeds.push(one)
    await expect.poll(() => tracker.announces.filter(({ kind }) => kind === 'start').length).toBe(index + 1)
  }
  return seeds
}

test.each(['http', 'udp', 'ws'] as const)(
  'an item one does not have is counted by asking a real tracker over %s',
  async (kind) => {
    await twoSeeds()
    const counts = openCounts([tracker[kind]])
    expect(counts.of(sample.infoHash)).toBeUndefined()
    const announced = tracker.announces.length
    await counts.ask(sample.infoHash, [`${tracker[kind]}${kind === 'ws' ? '/' : ''}`])
    expect(counts.of(sample.infoHash)).toEqual({ count: 2, atMs: nowMs })
    await counts.ask('ab'.repeat(20), [])
    expect(counts.of('ab'.repeat(20))?.count ?? 0).toBe(0)
    // Asking is not announcing: it shows up nowhere as somebody who wants it.
    expect(tracker.announces.length).toBe(announced)
  },
)

test('one’s own copy is not counted among the others', async () => {
  const [first, second] = await twoSeeds()
  await expect.poll(() => second?.swarm.counts.of(sample.infoHash)?.count).toBe(1)
  expect(first?.swarm.counts.of(sample.infoHash)?.count).toBe(0)
})

test('a tracker that only the manifest names is not asked, whatever is missed by that', async () => {
  await twoSeeds()
  const counts = openCounts([])
  await counts.ask(sample.infoHash, [tracker.http, tracker.ws])
  const other = openCounts(['http://127.0.0.1:9/announce'])
  await other.ask(sample.infoHash, [tracker.http])
  expect([counts.of(sample.infoHash), other.of(sample.infoHash)]).toEqual([undefined, undefined])
})

test('an old count stays, with its age, when nobody answers any more; nobody is asked twice in five minutes', async () => {
  const [first, second] = await twoSeeds()
  const counts = openCounts([tracker.http])
  await counts.ask(sample.infoHash, [])
  const saidMs = nowMs
  await second?.swarm.stop()
  nowMs += 60_000
  await counts.ask(sample.infoHash, [])
  expect(counts.of(sample.infoHash)).toEqual({ count: 2, atMs: saidMs })
  nowMs += 5 * 60_000
  await counts.ask(sample.infoHash, [])
  expect(counts.of(sample.infoHash)).toEqual({ count: 1, atMs: nowMs })
  const lastMs = nowMs
  await first?.swarm.stop()
  await tracker.stop()
  nowMs += 3 * 3_600_000
  await counts.ask(sample.infoHash, [])
  expect(counts.of(sample.infoHash)).toEqual({ count: 1, atMs: lastMs })
})
