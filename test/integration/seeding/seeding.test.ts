import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { systemClock } from '../../../app/ports/clock.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { Swarm } from '../../../app/seeding/index.ts'
import { makeSample, sha256Of } from '../../support/sample-torrent.ts'
import { finished, quietOptions, startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'

test('a seed sleeps until somebody asks, and is announced without offers', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using seeder = await startSwarm({ trackers: [tracker.ws, tracker.http, tracker.udp] })
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  seeder.seed(sample)
  await tracker.seen(({ infoHash, numwant }) => infoHash === sample.infoHash && numwant === 0)
  expect(seeder.swarm.totals()).toMatchObject({ seeds: 1, awake: 0 })

  await using other = await startSwarm()
  const filePath = dir.file('got')
  const leech = other.swarm.leech({
    infoHash: sample.infoHash,
    filePath,
    trackers: [tracker.http],
    peers: [],
  })
  await finished(leech)
  expect(seeder.swarm.totals().awake).toBe(1)
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
  expect(leech.sources()).toMatchObject([{ label: 'swarm', bytes: sample.sizeBytes }])
  await tracker.seen(({ kind }) => kind === 'complete')
  await leech.stop()
  expect(seeder.swarm.trackers().map(({ state }) => state)).toEqual(['working', 'working', 'working'])
})

test('two nodes find each other over a WebSocket tracker and talk WebRTC', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using seeder = await startSwarm({ trackers: [tracker.ws] })
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  seeder.seed(sample)
  await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
  await using other = await startSwarm()
  const filePath = dir.file('got')
  const leech = other.swarm.leech({ infoHash: sample.infoHash, filePath, trackers: [tracker.ws], peers: [] })
  await finished(leech)
  expect(seeder.swarm.totals()).toMatchObject({ peersTcp: 0, peersWebrtc: 1 })
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
})

test('pausing ends all traffic and resuming brings it back', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using seeder = await startSwarm({
    trackers: [tracker.ws, tracker.udp],
    uploadLimitBytesPerSec: 400_000,
  })
  const sample = await makeSample({ dir: dir.path, sizeBytes: 1_000_000 })
  seeder.seed(sample)
  await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
  await using other = await startSwarm()
  const filePath = dir.file('got')
  const peers = [seeder.address]
  const leech = other.swarm.leech({ infoHash: sample.infoHash, filePath, trackers: [], peers })
  const done = finished(leech)
  await new Promise<void>((resolve) => leech.on('piece', () => resolve()))

  await seeder.swarm.pause()
  expect(seeder.swarm.isPaused).toBe(true)
  await tracker.seen(({ kind, infoHash }) => kind === 'stop' && infoHash === sample.infoHash)
  expect(seeder.swarm.totals()).toMatchObject({ awake: 0, peersTcp: 0 })
  expect(seeder.swarm.trackers().map(({ state }) => state)).toEqual(['off', 'off'])
  await expect(once(connect(seeder.peerPort, '127.0.0.1'), 'connect')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })

  await seeder.swarm.resume()
  await done
  expect(await sha256Of(filePath)).toBe(sample.mediaId)
})

test('what is not seeded any more is refused and the tracker is told', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using seeder = await startSwarm({ trackers: [tracker.http] })
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  seeder.seed(sample)
  await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
  await seeder.swarm.unseed(sample.infoHash)
  await tracker.seen(({ kind }) => kind === 'stop')
  await using other = await startSwarm()
  const leech = other.swarm.leech({
    infoHash: sample.infoHash,
    filePath: dir.file('got'),
    trackers: [],
    peers: [seeder.address],
  })
  await new Promise<void>((resolve) => setTimeout(resolve, 500)) // nothing happens, which has no event
  expect(leech.bytesDone).toBe(0)
  expect(seeder.swarm.totals()).toMatchObject({ seeds: 0, awake: 0, peersTcp: 0 })
})

test('a file the library no longer vouches for is not served, not a byte', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 300_000 })
  const swarm = new Swarm({
    options: quietOptions,
    open: () => Promise.reject(new AppError('SOURCE_CHANGED', 'The file changed.')),
    clock: systemClock,
    log: silentLog,
  })
  const { peerPort } = await swarm.start()
  await using other = await startSwarm()
  swarm.seed({ ...sample, reach: 'everywhere' })
  const leech = other.swarm.leech({
    infoHash: sample.infoHash,
    filePath: dir.file('got'),
    trackers: [],
    peers: [`127.0.0.1:${String(peerPort)}`],
  })
  await new Promise<void>((resolve) => setTimeout(resolve, 500)) // nothing happens, which has no event
  expect(leech.bytesDone).toBe(0)
  await leech.stop()
  await swarm.stop()
})

test('limits hold for the whole node, up and down', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 600_000 })
  for (const [up, down] of [
    [300_000, null],
    [null, 300_000],
  ] as const) {
    await using seeder = await startSwarm({ uploadLimitBytesPerSec: up })
    await using other = await startSwarm({ downloadLimitBytesPerSec: down })
    seeder.seed(sample)
    const peers = [seeder.address]
    const startedMs = performance.now()
    const filePath = dir.file(`got-${String(up)}`)
    const leech = other.swarm.leech({ infoHash: sample.infoHash, filePath, trackers: [], peers })
    await finished(leech)
    const seconds = (performance.now() - startedMs) / 1000
    expect(seconds).toBeGreaterThan(1.2)
    expect(seconds).toBeLessThan(8)
  }
})

test('a port somebody else listens on is said so', async () => {
  await using first = await startSwarm()
  const second = new Swarm({
    options: { ...quietOptions, peerPort: first.peerPort },
    open: () => Promise.reject(new Error('not asked')),
    clock: systemClock,
    log: silentLog,
  })
  await expect(second.start()).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    details: { setting: 'peerPort', port: first.peerPort },
  })
  await second.stop()
})

test('a tracker that is away is named, the others go on', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  const dead = 'http://127.0.0.1:9/announce'
  await using seeder = await startSwarm({ trackers: [dead, tracker.udp] })
  const sample = await makeSample({ dir: dir.path, sizeBytes: 100_000 })
  seeder.seed(sample)
  await tracker.seen(({ infoHash }) => infoHash === sample.infoHash)
  await expect
    .poll(() => seeder.swarm.trackers())
    .toMatchObject([
      { url: dead, state: 'failing', message: 'It could not be reached.' },
      { state: 'working' },
    ])
  await seeder.swarm.setOptions({ trackers: [tracker.udp] })
  expect(seeder.swarm.trackers()).toMatchObject([{ url: tracker.udp }])
})

test('strangers who talk nonsense are hung up on', async () => {
  await using seeder = await startSwarm()
  const socket = connect(seeder.peerPort, '127.0.0.1')
  socket.write(`${String.fromCharCode(19)}BitTorrent protocol${'\0'.repeat(8)}${'x'.repeat(40)}`)
  socket.resume()
  await once(socket, 'close')
  expect(seeder.swarm.totals().peersTcp).toBe(0)
})
