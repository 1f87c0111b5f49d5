import { readFile, truncate } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { AppError, type TransferSource } from '../../../app/contract/index.ts'
import type { RangeSource } from '../../../app/seeding/index.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../../support/sample-torrent.ts'
import { finished, startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** A node's HTTP source, as seen by the swarm; it changes what `spoil` returns different bytes for. */
function range(
  sample: SampleTorrent,
  label: string,
  spoil: (bytes: Buffer) => Buffer = (bytes) => bytes,
): RangeSource & { bytes: number } {
  const source = {
    label,
    bytes: 0,
    read: (start: number, endExclusive: number) => {
      source.bytes += endExclusive - start
      return Promise.resolve(spoil(Buffer.from(sample.bytes.subarray(start, endExclusive))))
    },
  }
  return source
}

const flip = (bytes: Buffer): Buffer => {
  bytes[bytes.length - 1]! ^= 1
  return bytes
}

function countBits(bytes: Uint8Array): number {
  return [...bytes].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
}

test('HTTP sources alone are enough once the metainfo is known', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 3_000_001 })
  const filePath = dir.file('got')
  const leech = node.swarm.leech({ ...sample, filePath, trackers: [], peers: [] })
  leech.addHttpSource(range(sample, 'node.example'))
  const pieces = vi.fn()
  leech.on('piece', pieces)
  await finished(leech)
  expect(pieces).toHaveBeenCalledTimes(Math.ceil(sample.sizeBytes / 65_536))
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  expect(leech.sources()).toMatchObject([{ kind: 'http', label: 'node.example', bytes: sample.sizeBytes }])
})

test('the swarm and an HTTP source share the work', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({ uploadLimitBytesPerSec: 2_000_000 })
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 6_000_000 })
  seeder.seed(sample)
  const slow = range(sample, 'slow.example')
  const read = slow.read.bind(slow)
  slow.read = async (start, end, signal) => {
    await new Promise((resolve) => setTimeout(resolve, (end - start) / 2000))
    return read(start, end, signal)
  }
  const filePath = dir.file('got')
  const leech = node.swarm.leech({ ...sample, filePath, trackers: [], peers: [seeder.address] })
  leech.addHttpSource(slow)
  await finished(leech)
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  const [swarm, http] = leech.sources()
  expect(swarm?.bytes).toBeGreaterThan(1_000_000)
  expect(http?.bytes).toBeGreaterThan(1_000_000)
})

test('an HTTP source that lies is dropped and named, and the file comes from the others', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({ uploadLimitBytesPerSec: 3_000_000 })
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 2_000_000 })
  seeder.seed(sample)
  const filePath = dir.file('got')
  const leech = node.swarm.leech({ ...sample, filePath, trackers: [], peers: [seeder.address] })
  leech.addHttpSource(range(sample, 'liar.example', flip))
  const dropped: TransferSource[] = []
  leech.on('dropped', (source) => dropped.push(source))
  await finished(leech)
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  expect(dropped).toMatchObject([{ kind: 'http', label: 'liar.example', state: 'dropped' }])
  expect(leech.sources()).toContainEqual(expect.objectContaining({ label: 'liar.example', state: 'dropped' }))
})

test('a peer that lies is banned and named; an honest one at the same host is not', async () => {
  await using dir = await tempDir()
  await using honest = await startSwarm({ uploadLimitBytesPerSec: 3_000_000 })
  await using liar = await startSwarm()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 2_000_000, name: 'good' })
  const other = await makeSample({ dir: dir.path, sizeBytes: 2_000_000, name: 'bad' })
  honest.seed(sample)
  // Other bytes under the good file's torrent.
  liar.seed({ ...sample, path: other.path })
  const filePath = dir.file('got')
  const peers = [liar.address, honest.address]
  const leech = node.swarm.leech({ ...sample, filePath, trackers: [], peers })
  const dropped: TransferSource[] = []
  leech.on('dropped', (source) => dropped.push(source))
  await finished(leech)
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  expect(dropped.map(({ label }) => label)).toEqual([liar.address])
  expect(node.swarm.peers(sample.infoHash).map(({ address }) => address)).toEqual([honest.address])
})

test('goes on after a stop from what is verified, checking it once more', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 64 * 65_536 })
  const filePath = dir.file('got')
  const first = node.swarm.leech({ ...sample, filePath, trackers: [], peers: [] })
  const slow = range(sample, 'slow.example')
  const read = slow.read.bind(slow)
  let count = 0
  slow.read = (start, end, signal) =>
    count++ === 0 ? read(start, end, signal) : new Promise(() => undefined)
  first.addHttpSource(slow)
  await vi.waitFor(() => expect(countBits(first.bitfield())).toBeGreaterThanOrEqual(4), 20_000)
  const verified = first.bitfield()
  await first.stop()
  const had = countBits(verified)

  const second = node.swarm.leech({ ...sample, filePath, verified, trackers: [], peers: [] })
  const rest = range(sample, 'node.example')
  second.addHttpSource(rest)
  await finished(second)
  expect(rest.bytes).toBe(sample.sizeBytes - had * 65_536)
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
})

test('pieces that are claimed but not there are fetched again', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 500_000 })
  await truncate(sample.path, 100_000)
  const leech = node.swarm.leech({
    ...sample,
    filePath: sample.path,
    verified: new Uint8Array(1).fill(0xff),
    trackers: [],
    peers: [],
  })
  leech.addHttpSource(range(sample, 'node.example'))
  await finished(leech)
  expect(await sha256Of(sample.path)).toBe(sample.mediaId)
})

test('pausing a download and resuming it loses nothing', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({ uploadLimitBytesPerSec: 1_000_000 })
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 1_500_000 })
  seeder.seed(sample)
  const filePath = dir.file('got')
  const { infoHash } = sample
  const leech = node.swarm.leech({ infoHash, filePath, trackers: [], peers: [seeder.address] })
  const done = finished(leech)
  await new Promise<void>((resolve) => leech.on('piece', () => resolve()))
  leech.pause()
  await vi.waitFor(() => expect(seeder.swarm.totals().peersTcp).toBe(0))
  expect(leech.rateBytesPerSec).toBe(0)
  leech.resume()
  await done
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
})

test('metainfo that is refused leaves nothing behind', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  seeder.seed(sample)
  const filePath = dir.file('got')
  const leech = node.swarm.leech({
    infoHash: sample.infoHash,
    filePath,
    trackers: [],
    peers: [seeder.address],
    acceptMetainfo: () => {
      throw new AppError('METAINFO_INVALID', 'It has another size than the manifest says.')
    },
  })
  await expect(finished(leech)).rejects.toMatchObject({ code: 'METAINFO_INVALID' })
  await expect(readFile(filePath)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('metainfo of another torrent is refused', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  const infoHash = '0'.repeat(40)
  const { metainfo } = sample
  const leech = node.swarm.leech({ infoHash, metainfo, filePath: dir.file('got'), trackers: [], peers: [] })
  await expect(finished(leech)).rejects.toMatchObject({ code: 'METAINFO_INVALID' })
})

test('a download gives what it has to others while it runs', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({ uploadLimitBytesPerSec: 1_000_000 })
  await using middle = await startSwarm()
  await using last = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 1_500_000 })
  seeder.seed(sample)
  const { infoHash } = sample
  const first = middle.swarm.leech({
    infoHash,
    filePath: dir.file('a'),
    trackers: [],
    peers: [seeder.address],
  })
  const second = last.swarm.leech({
    infoHash,
    filePath: dir.file('b'),
    trackers: [],
    peers: [middle.address],
  })
  await Promise.all([finished(first), finished(second)])
  expect(await sha256Of(dir.file('b'))).toBe(sample.mediaId)
})

test('a full disk stops the download with a sentence', async () => {
  await using dir = await tempDir()
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  const leech = node.swarm.leech({ ...sample, filePath: '/dev/full', trackers: [], peers: [] })
  leech.addHttpSource(range(sample, 'node.example'))
  await expect(finished(leech)).rejects.toBeInstanceOf(AppError)
})

test('a peer that greets encrypted and finds no room is turned away, and nothing breaks', async () => {
  await using dir = await tempDir()
  await using full = await startSwarm({ maxConnections: 0 })
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 100_000 })
  full.seed(sample)
  const broken: unknown[] = []
  const note = (error: unknown): void => void broken.push(error)
  process.on('unhandledRejection', note)
  try {
    for (let turn = 0; turn < 3; turn += 1) {
      const leech = node.swarm.leech({
        ...sample,
        filePath: dir.file(`got-${String(turn)}`),
        trackers: [],
        peers: [full.address],
      })
      await new Promise((resolve) => setTimeout(resolve, 300))
      await leech.stop()
    }
  } finally {
    process.off('unhandledRejection', note)
  }
  expect(broken).toEqual([])
})
