import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import { testSigner, type FetchNode } from '../../support/fetch-node.ts'
import { sha256Of, type SampleTorrent } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { startWebNode } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

const NOBODY = '127.0.0.1:9'
const magnet = ({ infoHash }: SampleTorrent) => `magnet:?xt=urn:btih:${infoHash}`
const isOver = ({ state }: { state: string }): boolean => state === 'done' || state === 'failed'

it('a link with sources joins the magnet of the same torrent that waits for people', async () => {
  const { stack, sample, openNode } = await setUpFetching({ sizeBytes: 2 * MIB })
  const seeder = stack.use(await startSwarm())
  seeder.seed(sample)
  const node = await openNode()
  const id = await node.fetcher.begin({ link: magnet(sample), from: [NOBODY] })
  await node.until(id, ({ state }) => state === 'active')
  const { mediaId, infoHash } = sample
  const pub = testSigner('publisher').publicKey
  const link = formatLink({ mediaId, infoHash, pub, peers: [seeder.address] })
  expect(await node.fetcher.begin({ link })).toBe(id)
  expect(node.transfers.payload(id)).toMatchObject({ mediaId, pub })
  expect(await node.until(id, isOver)).toMatchObject({ state: 'done', mediaId })
  expect(await sha256Of(path.join(node.mediaDir, mediaId, 'original'))).toBe(mediaId)
})

it('a magnet joins the download of an item whose torrent somebody else has named', async () => {
  const { stack, sample, openNode } = await setUpFetching({ sizeBytes: 2 * MIB })
  const server = stack.use(await startWebNode(sample, { metainfo: sample.metainfo, bytesPerSec: MIB / 2 }))
  const node = await openNode()
  const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
  await node.until(id, ({ bytesDone }) => bytesDone > 0)
  const seeder = stack.use(await startSwarm())
  seeder.seed(sample)
  expect(await node.fetcher.begin({ link: magnet(sample), from: [seeder.address] })).toBe(id)
  expect(await node.until(id, isOver)).toMatchObject({ state: 'done' })
})

it('a bounded search ends although the one before it, which was paused, would have waited for ever', async () => {
  const { sample, openNode } = await setUpFetching({ sizeBytes: 2 * MIB })
  const node = await openNode()
  const id = await node.fetcher.begin({ link: magnet(sample), from: [NOBODY] })
  await node.until(id, ({ state }) => state === 'active')
  await node.fetcher.pause(id)
  expect(await node.fetcher.begin({ link: magnet(sample), giveUpAfterMs: 300 })).toBe(id)
  expect(await node.until(id, isOver)).toMatchObject({ state: 'failed', error: { code: 'NO_SOURCES' } })
})

it('somebody who waits for ever is not given up on because somebody else asks for less', async () => {
  const { sample, openNode } = await setUpFetching({ sizeBytes: 2 * MIB })
  const node = await openNode()
  const id = await node.fetcher.begin({ link: magnet(sample), from: [NOBODY] })
  await node.until(id, ({ state }) => state === 'active')
  await node.fetcher.begin({ link: magnet(sample), giveUpAfterMs: 300 })
  await sleep(2500)
  expect(node.transfers.get(id)).toMatchObject({ state: 'active' })
  // Whoever presses “resume” waits, too, whatever was asked for before.
  await node.fetcher.cancel(id)
  const bounded = await node.fetcher.begin({ link: magnet(sample), from: [NOBODY], giveUpAfterMs: 700 })
  await node.fetcher.pause(bounded)
  node.fetcher.resume(bounded)
  await sleep(4000)
  expect(node.transfers.get(bounded)).toMatchObject({ state: 'active' })
})

it.each(['nothing at all', 'a part each'])(
  'two who have %s of an item don’t keep each other waiting',
  async (what) => {
    const { sample, openNode } = await setUpFetching({ sizeBytes: 2 * MIB })
    const [one, other] = [await openNode(), await openNode()]
    if (what === 'a part each') {
      for (const node of [one, other]) {
        const seeder = await startSwarm({ uploadLimitBytesPerSec: MIB / 2 })
        seeder.seed(sample)
        const id = await node.fetcher.begin({ link: magnet(sample), from: [seeder.address] })
        await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
        await node.fetcher.pause(id)
        await seeder.swarm.stop()
      }
    }
    const address = ({ peerPort }: FetchNode): string => `127.0.0.1:${String(peerPort)}`
    const ids = [
      await one.fetcher.begin({ link: magnet(sample), from: [address(other)], giveUpAfterMs: 1000 }),
      await other.fetcher.begin({ link: magnet(sample), from: [address(one)], giveUpAfterMs: 1000 }),
    ] as const
    for (const [node, id] of [
      [one, ids[0]],
      [other, ids[1]],
    ] as const)
      expect(await node.until(id, isOver)).toMatchObject({ state: 'failed', error: { code: 'NO_SOURCES' } })
  },
)
