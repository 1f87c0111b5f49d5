import { describe, expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import { startSwarm } from '../../support/swarms.ts'
import { startTracker } from '../../support/tracker.ts'
import { setUpFetching } from './set-up.ts'

describe('fetching from people', () => {
  it('gets an item from a link with nothing but an infoHash and a peer', async () => {
    const { stack, sample, openNode, expectStored } = await setUpFetching()
    const seeder = stack.use(await startSwarm())
    seeder.seed(sample)
    const node = await openNode()
    const link = formatLink({ mediaId: sample.mediaId, infoHash: sample.infoHash, peers: [seeder.address] })
    expect(await node.get({ link })).toMatchObject({
      state: 'done',
      mediaId: sample.mediaId,
      bytesDone: sample.sizeBytes,
    })
    await expectStored(node)
  })

  it('gets a magnet through the tracker it names, keeps its torrent and lets others get it from here', async () => {
    const { stack, sample, openNode, expectStored } = await setUpFetching()
    const tracker = stack.use(await startTracker())
    const seeder = stack.use(await startSwarm({ trackers: [tracker.http] }))
    seeder.seed(sample)
    const node = await openNode()
    const magnet = `magnet:?xt=urn:btih:${sample.infoHash}&tr=${encodeURIComponent(tracker.http)}`
    expect(await node.get({ link: magnet })).toMatchObject({ state: 'done', name: 'a film.bin' })
    await expectStored(node)
    expect(node.library.get(sample.mediaId)).toMatchObject({
      infoHash: sample.infoHash,
      isOwn: false,
      isSeedingWanted: true,
    })
    await seeder.swarm.stop()

    const third = await openNode({ owner: 'third' })
    const again = await third.get({ link: sample.infoHash, from: [`127.0.0.1:${String(node.peerPort)}`] })
    expect(again).toMatchObject({ state: 'done' })
    await expectStored(third)
  })

  it('waits for people instead of failing, and goes on when somebody comes', async () => {
    const { stack, sample, openNode, expectStored } = await setUpFetching()
    const seeder = stack.use(await startSwarm())
    const node = await openNode()
    const id = await node.fetcher.begin({ link: sample.infoHash, from: [seeder.address] })
    const waiting = await node.until(id, ({ sources }) =>
      sources.some(({ note }) => note?.includes('Looking') === true),
    )
    expect(waiting.state).toBe('active')
    seeder.seed(sample)
    await node.until(id, ({ state }) => state === 'done', 50_000)
    await expectStored(node)
  })

  it('says at once that a link without any source leads nowhere', async () => {
    const { sample, openNode } = await setUpFetching()
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES', hint: expect.stringContaining('source') as string },
    })
    expect(await node.get({ link: sample.infoHash })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES' },
    })
  })
})
