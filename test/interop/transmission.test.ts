import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { magnetURI } from '../../app/seeding/index.ts'
import { makeSample, sha256Of } from '../support/sample-torrent.ts'
import { finished, startSwarm } from '../support/swarms.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'
import { startTransmission } from '../support/transmission.ts'

const sizeBytes = 1_000_001

for (const by of ['torrent file', 'magnet link'] as const) {
  // Transmission takes no loopback addresses from a tracker; so here the seed learns of it, and goes to it.
  test(`Transmission downloads by its ${by} from a seed that finds it through the tracker`, async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    const sample = await makeSample({ dir: dir.path, sizeBytes, trackers: [tracker.http] })
    await mkdir(dir.file('got'))
    await using transmission = await startTransmission(dir.file('home'))
    const magnet = magnetURI({ ...sample, trackers: [tracker.http] })
    await transmission.add({
      ...(by === 'torrent file' ? { metainfo: sample.metainfo } : { magnet }),
      dir: dir.file('got'),
    })
    await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
    await using sower = await startSwarm({ trackers: [tracker.http] })
    sower.seed(sample)
    await transmission.complete()
    expect(await sha256Of(join(dir.file('got'), sample.name))).toBe(sample.mediaId)
  })
}

test('Sower downloads from Transmission, given its address alone', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes })
  await mkdir(dir.file('held'))
  await copyFile(sample.path, join(dir.file('held'), sample.name))
  await using transmission = await startTransmission(dir.file('home'))
  await transmission.add({ metainfo: sample.metainfo, dir: dir.file('held') })
  await transmission.complete()
  await using sower = await startSwarm()
  const peer = `127.0.0.1:${String(transmission.peerPort)}`
  const filePath = dir.file('fetched')
  const leech = sower.swarm.leech({ infoHash: sample.infoHash, filePath, trackers: [], peers: [peer] })
  await finished(leech)
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  expect(leech.sources()).toMatchObject([{ kind: 'torrent', label: peer, bytes: sizeBytes }])
  await leech.stop()
})
