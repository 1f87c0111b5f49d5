import { setTimeout as sleep } from 'node:timers/promises'
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

/** A source that sends 1 MiB a second, all its reads together. */
function slowSource(bytes: Uint8Array) {
  const source = {
    label: 'slow.example',
    asked: [] as [start: number, end: number][],
    underWay: [] as [start: number, end: number][],
    givenUp: 0,
    read: async (start: number, end: number, signal: AbortSignal): Promise<Uint8Array> => {
      const read: [number, number] = [start, end]
      source.asked.push(read)
      source.underWay.push(read)
      try {
        for (let left = end - start; left > 0; left -= MIB / 50 / source.underWay.length)
          await sleep(20, undefined, { signal })
      } catch (error) {
        source.givenUp += 1
        throw error
      } finally {
        source.underWay.splice(source.underWay.indexOf(read), 1)
      }
      return bytes.subarray(start, end)
    },
  } satisfies RangeSource & Record<string, unknown>
  return source
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
  const slow = slowSource(sample.bytes)
  const leech = node.swarm.leech({ ...sample, filePath: dir.file('got'), trackers: [], peers: [] })
  leech.addHttpSource(slow)
  await vi.waitFor(() => expect(leech.bytesDone).toBeGreaterThan(MIB), { timeout: 8000 })
  // Where nothing was asked for yet.
  const places = Array.from({ length: 40 }, (_, at) => at * MIB)
  for (let jump = 0; jump < 2; jump += 1) {
    const start = places.findLast((place) =>
      slow.asked.every(([from, to]) => place + 256 * 1024 <= from || place >= to),
    )
    expect(start).toBeDefined()
    const givenUpBefore = slow.givenUp
    expect(await arrives(leech, start ?? 0, (start ?? 0) + 256 * 1024)).toBeLessThan(3000)
    expect(slow.givenUp).toBeGreaterThan(givenUpBefore)
  }
  expect(leech.bytesDone).toBeLessThan(20 * MIB)
  expect(leech.sources()).toMatchObject([
    { label: 'slow.example', state: expect.stringMatching(/active|idle/) as string },
  ])
  await leech.stop()
})

test('what comes somewhere in a long read from a slow HTTP source is asked for by itself', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 40 * MIB })
  const slow = slowSource(sample.bytes)
  const leech = node.swarm.leech({ ...sample, filePath: dir.file('got'), trackers: [], peers: [] })
  leech.addHttpSource(slow)
  // Two reads share the line, so that each takes twice as long as it would alone.
  const longRead = await vi.waitFor(
    () => {
      const found = slow.underWay.findLast(([from, to]) => to - from >= 1.5 * MIB)
      if (found === undefined) throw new Error('no long read yet')
      return found
    },
    { timeout: 20_000, interval: 5 },
  )
  const middle = Math.floor((longRead[0] + longRead[1]) / 2)
  const askedBefore = slow.asked.length
  expect(await arrives(leech, middle, middle + 64 * 1024)).toBeLessThan(1500)
  expect(slow.asked[askedBefore]?.[1]).toBeLessThanOrEqual(middle + MIB)
  await leech.stop()
})
