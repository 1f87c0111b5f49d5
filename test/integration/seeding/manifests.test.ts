import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import type { LeechArgs } from '../../../app/seeding/index.ts'
import { connectRawPeer } from '../../support/raw-peer.ts'
import { makeSample, sha256Of } from '../../support/sample-torrent.ts'
import { finished, startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'

const OURS = { sower_manifest: 7 }

/** A taker that wants one until it has one it finds nothing wrong with. */
function taker(judge: (bytes: Uint8Array) => string | null = () => null) {
  const taken: { bytes: Uint8Array; label: string }[] = []
  let isWanted = true
  const manifests: NonNullable<LeechArgs['manifests']> = {
    offer: () => null,
    isWanted: () => isWanted,
    take: (bytes, label) => {
      const fault = judge(bytes)
      taken.push({ bytes, label })
      if (fault === null) isWanted = false
      return fault
    },
  }
  return { manifests, taken }
}

test.each([1, 16 * 1024, 40_000, 1024 * 1024])('a manifest of %i bytes comes whole', async (size) => {
  await using dir = await tempDir()
  const manifest = randomBytes(size)
  const asked = vi.fn((_mediaId: string) => Promise.resolve(manifest))
  await using seeder = await startSwarm({}, asked)
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 500_000 })
  seeder.seed(sample)
  const { manifests, taken } = taker()
  const { infoHash } = sample
  // By infoHash alone: the torrent itself comes from the peer too.
  const leech = node.swarm.leech({
    infoHash,
    filePath: dir.file('got'),
    trackers: [],
    peers: [seeder.address],
    manifests,
  })
  await finished(leech)
  await vi.waitFor(() => expect(taken).toHaveLength(1), 5000)
  expect(Buffer.compare(taken[0]?.bytes ?? Buffer.alloc(0), manifest)).toBe(0)
  expect(taken[0]?.label).toBe(seeder.address)
  expect(asked.mock.calls).toEqual([[sample.mediaId]])
  expect(await sha256Of(dir.file('got'))).toBe(sample.mediaId)
})

test('a download passes on what it knows while it runs, and is asked again when it knows more', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({ uploadLimitBytesPerSec: 200_000 })
  await using middle = await startSwarm()
  await using last = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 3_000_000 })
  seeder.seed(sample)
  const manifest = randomBytes(5000)
  const knowing = { offer: () => manifest, isWanted: () => false, take: () => null }
  const first = { ...sample, filePath: dir.file('a'), trackers: [], peers: [seeder.address] }
  const a = middle.swarm.leech({ ...first, manifests: knowing })
  const { manifests, taken } = taker()
  const b = last.swarm.leech({
    ...sample,
    filePath: dir.file('b'),
    trackers: [],
    peers: [middle.address],
    manifests,
  })
  await vi.waitFor(() => expect(taken.map(({ label }) => label)).toEqual([middle.address]), 5000)
  await Promise.all([a.stop(), b.stop()])
})

test('who does not want a manifest asks nobody', async () => {
  await using dir = await tempDir()
  const asked = vi.fn(() => Promise.resolve(randomBytes(10)))
  await using seeder = await startSwarm({}, asked)
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 500_000 })
  seeder.seed(sample)
  const leech = node.swarm.leech({
    ...sample,
    filePath: dir.file('got'),
    trackers: [],
    peers: [seeder.address],
    manifests: { offer: () => null, isWanted: () => false, take: () => null },
  })
  await finished(leech)
  expect(leech.manifestPeerCount).toBe(1)
  expect(asked).not.toHaveBeenCalled()
})

test('a manifest that can’t be judged costs the download nothing', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({}, () => Promise.resolve(randomBytes(10)))
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 500_000 })
  seeder.seed(sample)
  const judge = vi.fn(() => {
    throw new RangeError('too much')
  })
  const { manifests } = taker(judge)
  const args = { ...sample, filePath: dir.file('got'), trackers: [], peers: [seeder.address] }
  await finished(node.swarm.leech({ ...args, manifests }))
  await vi.waitFor(() => expect(judge).toHaveBeenCalled(), 5000)
  expect(await sha256Of(dir.file('got'))).toBe(sample.mediaId)
})

test('who gives a false manifest is dropped and named, the next one is asked', async () => {
  await using dir = await tempDir()
  await using liar = await startSwarm({}, () => Promise.resolve(Buffer.from('false')))
  // The liar is heard first.
  await using honest = await startSwarm({ uploadLimitBytesPerSec: 1_000_000 }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    return Buffer.from('true')
  })
  await using node = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 2_000_000 })
  liar.seed(sample)
  honest.seed(sample)
  const { manifests } = taker((bytes) => (Buffer.from(bytes).toString() === 'true' ? null : 'It lied.'))
  const leech = node.swarm.leech({
    ...sample,
    filePath: dir.file('got'),
    trackers: [],
    peers: [liar.address, honest.address],
    manifests,
  })
  const dropped = vi.fn()
  leech.on('dropped', dropped)
  await finished(leech)
  expect(dropped.mock.calls).toMatchObject([[{ label: liar.address, state: 'dropped', note: 'It lied.' }]])
  expect(leech.sources()).toContainEqual(expect.objectContaining({ label: liar.address, state: 'dropped' }))
  expect(manifests.isWanted()).toBe(false)
})

test('too large a manifest is not given', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({}, () => Promise.resolve(randomBytes(1024 * 1024 + 1)))
  const sample = await makeSample({ dir: dir.path, sizeBytes: 100_000 })
  seeder.seed(sample)
  await using peer = await connectRawPeer(seeder.peerPort, sample.infoHash, OURS)
  peer.send('sower_manifest', { msg_type: 0, piece: 0 })
  await peer.until(() => peer.heard.length === 1)
  expect(peer.heard[0]).toMatchObject({ id: 7, dict: new Map([['msg_type', 2], ['piece', 0]]) }) // prettier-ignore
})

test('one connection is given only so much at a time, and rubbish costs it nothing', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({}, () => Promise.resolve(randomBytes(100)))
  const sample = await makeSample({ dir: dir.path, sizeBytes: 100_000 })
  seeder.seed(sample)
  await using peer = await connectRawPeer(seeder.peerPort, sample.infoHash, OURS)
  peer.send('sower_manifest', { msg_type: 0 })
  peer.send('sower_manifest', { msg_type: 9, piece: 0 })
  peer.send('sower_manifest', { msg_type: 1, piece: 0, total_size: 5 }, Buffer.from('hello'))
  peer.send('sower_manifest', {}, randomBytes(20_000))
  for (let asked = 0; asked < 400; asked += 1) peer.send('sower_manifest', { msg_type: 0, piece: 0 })
  await peer.until(() => peer.heard.length === 400)
  const given = peer.heard.filter(({ dict }) => dict.get('msg_type') === 1)
  expect(given.length).toBeGreaterThanOrEqual(128)
  expect(given.length).toBeLessThan(180)
  expect(peer.isClosed()).toBe(false)
})

test('a peer that does not know the extension never hears of manifests', async () => {
  await using dir = await tempDir()
  const asked = vi.fn(() => Promise.resolve(randomBytes(100)))
  await using seeder = await startSwarm({}, asked)
  const sample = await makeSample({ dir: dir.path, sizeBytes: 100_000 })
  seeder.seed(sample)
  await using peer = await connectRawPeer(seeder.peerPort, sample.infoHash, { ut_metadata: 1 })
  peer.send('ut_metadata', { msg_type: 0, piece: 0 })
  await peer.until(() => peer.heard.length > 0)
  expect(peer.heard.map(({ id }) => id)).toEqual([1])
  expect(asked).not.toHaveBeenCalled()
})

test('ciphertext is not spoken of in peer exchange, other items are', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm()
  const open = await makeSample({ dir: dir.path, sizeBytes: 100_000, name: 'open.bin' })
  const sealed = await makeSample({ dir: dir.path, sizeBytes: 100_000, name: 'sealed.bin' })
  seeder.seed(open)
  seeder.seed(sealed, 'trackers')
  await using one = await connectRawPeer(seeder.peerPort, open.infoHash, OURS)
  await using two = await connectRawPeer(seeder.peerPort, sealed.infoHash, OURS)
  expect([...one.extensions.keys()].toSorted()).toEqual(['sower_manifest', 'ut_metadata', 'ut_pex'])
  expect([...two.extensions.keys()].toSorted()).toEqual(['sower_manifest', 'ut_metadata'])
})
