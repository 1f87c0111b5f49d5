import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { magnetURI } from '../../app/seeding/index.ts'
import { startLibtorrent } from '../support/libtorrent.ts'
import { makeSample, sha256Of } from '../support/sample-torrent.ts'
import { finished, startSwarm } from '../support/swarms.ts'
import { found, leaks } from '../support/canary.ts'
import { serveNode, sowerJson } from '../support/sower.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'

const sizeBytes = 5_000_001

for (const kind of ['http', 'udp'] as const) {
  test(`libtorrent downloads a seed by its torrent file and a ${kind} tracker`, async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    await using sower = await startSwarm({ trackers: [tracker[kind]] })
    const sample = await makeSample({ dir: dir.path, sizeBytes, trackers: [tracker[kind]] })
    sower.seed(sample)
    await tracker.seen(({ infoHash, kind: what }) => what === 'start' && infoHash === sample.infoHash)
    await mkdir(dir.file('got'))
    await using peer = await startLibtorrent({
      mode: 'download',
      torrent: sample.metainfoPath,
      dir: dir.file('got'),
      useTrackers: true,
    })
    await peer.complete()
    expect(await sha256Of(join(dir.file('got'), sample.name))).toBe(sample.mediaId)
    expect(sower.swarm.stats(sample.infoHash).uploadedBytes).toBeGreaterThanOrEqual(sizeBytes)
  })
}

test('libtorrent downloads a seed by its magnet link, learning everything else from the seed', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using sower = await startSwarm({ trackers: [tracker.http, tracker.ws] })
  const sample = await makeSample({ dir: dir.path, sizeBytes, name: 'Übung größe.bin' })
  sower.seed(sample)
  await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
  await mkdir(dir.file('got'))
  const magnet = magnetURI({ ...sample, trackers: [tracker.http] })
  await using peer = await startLibtorrent({ mode: 'download', magnet, dir: dir.file('got') })
  await peer.complete()
  expect(await sha256Of(join(dir.file('got'), sample.name))).toBe(sample.mediaId)
})

test('Sower downloads from libtorrent by infoHash and tracker, and then seeds what it got', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  const sample = await makeSample({ dir: dir.path, sizeBytes, trackers: [tracker.udp] })
  await using peer = await startLibtorrent({
    mode: 'seed',
    torrent: sample.metainfoPath,
    dir: dir.path,
    useTrackers: true,
  })
  await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
  await using sower = await startSwarm()
  const filePath = dir.file('fetched')
  const leech = sower.swarm.leech({ infoHash: sample.infoHash, filePath, trackers: [tracker.udp], peers: [] })
  await finished(leech)
  await leech.stop()
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  await peer.stop()

  sower.seed({ ...sample, path: filePath })
  await mkdir(dir.file('again'))
  await using second = await startLibtorrent({
    mode: 'download',
    torrent: sample.metainfoPath,
    dir: dir.file('again'),
    peers: [sower.address],
  })
  await second.complete()
  expect(await sha256Of(join(dir.file('again'), sample.name))).toBe(sample.mediaId)
})

test('libtorrent downloads an encrypted item by its torrent file, and holds nothing but ciphertext', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  const canaries = ['CANARY-NAME-8812', 'CANARY-CONTENT-5197']
  const source = dir.file(`${canaries[0]}.txt`)
  await writeFile(source, `${canaries[1]}\n`.repeat(200_000))
  await using node = await serveNode(dir.file('node'), [tracker.udp])
  const added = await sowerJson<{ mediaId: string; infoHash: string; path: string; magnetURI: string }>(
    node.dataDir,
    ['add', source, '--encrypt'],
  )
  await tracker.seen(({ infoHash }) => infoHash === added.infoHash)
  const got = dir.file('got')
  await mkdir(got)
  await using peer = await startLibtorrent({
    mode: 'download',
    torrent: join(dirname(added.path), 'media.torrent'),
    dir: got,
    useTrackers: true,
  })
  await peer.complete()
  expect(await sha256Of(join(got, 'media'))).toBe(added.mediaId)
  expect(await leaks(got, canaries)).toEqual([])
  expect(await leaks(dirname(added.path), canaries)).toEqual([])
  expect(found(Buffer.from(decodeURIComponent(added.magnetURI)), canaries)).toEqual([])
})
