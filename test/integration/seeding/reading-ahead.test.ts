import { expect, test, vi } from 'vitest'
import type { Leech, RangeSource } from '../../../app/seeding/index.ts'
import { makeSample } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MIB = 1024 * 1024

/** Milliseconds until the range is there. */
async function arrives(leech: Leech, start: number, endExclusive: number): Promise<number> {
  const begunMs = performance.now()
  leech.prioritize([{ start, endExclusive }])
  await vi.waitFor(() => expect(leech.has({ start, endExclusive })).toBe(true), {
    timeout: 8000,
    interval: 10,
  })
  return performance.now() - begunMs
}

test('what somebody waits for comes first from a slow peer, wherever it lies', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({ uploadLimitBytesPerSec: MIB })
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 40 * MIB })
  seeder.seed(sample)
  const leech = node.swarm.leech({
    ...sample,
    filePath: dir.file('got'),
    trackers: [],
    peers: [seeder.address],
  })
  await vi.waitFor(() => expect(leech.bytesDone).toBeGreaterThan(MIB), { timeout: 8000 })
  // 256 KiB are a quarter of a second at this rate; by chance they would come within forty.
  for (const start of [20 * MIB, 39 * MIB, 5 * MIB + 77])
    expect(await arrives(leech, start, start + 256 * 1024)).toBeLessThan(3000)
  expect(leech.bytesDone).toBeLessThan(20 * MIB)
  expect(leech.has({ start: 0, endExclusive: sample.sizeBytes })).toBe(false)
  expect(leech.has({ start: 0, endExclusive: sample.sizeBytes + 1 })).toBe(false)
  await leech.stop()
})

test('a slow HTTP source is asked for it next, without waiting for what it was asked before', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 40 * MIB })
  const asked: [start: number, end: number][] = []
  let givenUp = 0
  const slow: RangeSource = {
    label: 'slow.example',
    read: async (start, end, signal) => {
      asked.push([start, end])
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ((end - start) / MIB) * 1000)
        signal.addEventListener('abort', () => {
          givenUp += 1
          clearTimeout(timer)
          reject(signal.reason as Error)
        })
      })
      return sample.bytes.subarray(start, end)
    },
  }
  const leech = node.swarm.leech({ ...sample, filePath: dir.file('got'), trackers: [], peers: [] })
  leech.addHttpSource(slow)
  await vi.waitFor(() => expect(leech.bytesDone).toBeGreaterThan(MIB), { timeout: 8000 })
  // Where nothing was asked for yet: what is on its way in a long read comes with that.
  const places = Array.from({ length: 40 }, (_, at) => at * MIB)
  for (let jump = 0; jump < 2; jump += 1) {
    const start = places.findLast((place) =>
      asked.every(([from, to]) => place + 256 * 1024 <= from || place >= to),
    )
    expect(start).toBeDefined()
    const givenUpBefore = givenUp
    expect(await arrives(leech, start ?? 0, (start ?? 0) + 256 * 1024)).toBeLessThan(3000)
    expect(givenUp).toBeGreaterThan(givenUpBefore)
  }
  expect(leech.bytesDone).toBeLessThan(20 * MIB)
  expect(leech.sources()).toMatchObject([
    { label: 'slow.example', state: expect.stringMatching(/active|idle/) as string },
  ])
  await leech.stop()
})
