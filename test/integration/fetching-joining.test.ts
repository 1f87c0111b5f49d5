import fs from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { formatLink } from '../../app/fetching/index.ts'
import { openFetchNode, testSigner, type FetchNode } from '../support/fetch-node.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir, type TempDir } from '../support/temp-dir.ts'
import { startWebNode } from '../support/web-node.ts'

const MIB = 1024 * 1024
const NOBODY = '127.0.0.1:9'
let stack: AsyncDisposableStack
let dir: TempDir
let sample: SampleTorrent
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  sample = await makeSample({ dir: dir.path, sizeBytes: 2 * MIB, name: 'a film.bin' })
})
afterEach(async () => {
  await stack.disposeAsync()
})

async function openNode(): Promise<FetchNode> {
  const root = await fs.mkdtemp(path.join(dir.path, 'node-'))
  return stack.use(await openFetchNode({ root }))
}
const magnet = () => `magnet:?xt=urn:btih:${sample.infoHash}`
const isOver = ({ state }: { state: string }): boolean => state === 'done' || state === 'failed'

it('a link with sources joins the magnet of the same torrent that waits for people', async () => {
  const seeder = stack.use(await startSwarm())
  seeder.seed(sample)
  const node = await openNode()
  const id = await node.fetcher.begin({ link: magnet(), from: [NOBODY] })
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
  const server = stack.use(await startWebNode(sample, { metainfo: sample.metainfo, bytesPerSec: MIB / 2 }))
  const node = await openNode()
  const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
  await node.until(id, ({ bytesDone }) => bytesDone > 0)
  const seeder = stack.use(await startSwarm())
  seeder.seed(sample)
  expect(await node.fetcher.begin({ link: magnet(), from: [seeder.address] })).toBe(id)
  expect(await node.until(id, isOver)).toMatchObject({ state: 'done' })
})

it('a bounded search ends although the one before it, which was paused, would have waited for ever', async () => {
  const node = await openNode()
  const id = await node.fetcher.begin({ link: magnet(), from: [NOBODY] })
  await node.until(id, ({ state }) => state === 'active')
  await node.fetcher.pause(id)
  expect(await node.fetcher.begin({ link: magnet(), giveUpAfterMs: 300 })).toBe(id)
  expect(await node.until(id, isOver)).toMatchObject({ state: 'failed', error: { code: 'NO_SOURCES' } })
})

it('somebody who waits for ever is not given up on because somebody else asks for less', async () => {
  const node = await openNode()
  const id = await node.fetcher.begin({ link: magnet(), from: [NOBODY] })
  await node.until(id, ({ state }) => state === 'active')
  await node.fetcher.begin({ link: magnet(), giveUpAfterMs: 300 })
  await sleep(2500)
  expect(node.transfers.get(id)).toMatchObject({ state: 'active' })
  // Whoever presses “resume” waits, too, whatever was asked for before.
  await node.fetcher.cancel(id)
  const bounded = await node.fetcher.begin({ link: magnet(), from: [NOBODY], giveUpAfterMs: 700 })
  await node.fetcher.pause(bounded)
  node.fetcher.resume(bounded)
  await sleep(4000)
  expect(node.transfers.get(bounded)).toMatchObject({ state: 'active' })
})

it.each(['nothing at all', 'a part each'])(
  'two who have %s of an item don’t keep each other waiting',
  async (what) => {
    const [one, other] = [await openNode(), await openNode()]
    if (what === 'a part each') {
      for (const node of [one, other]) {
        const seeder = await startSwarm({ uploadLimitBytesPerSec: MIB / 2 })
        seeder.seed(sample)
        const id = await node.fetcher.begin({ link: magnet(), from: [seeder.address] })
        await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
        await node.fetcher.pause(id)
        await seeder.swarm.stop()
      }
    }
    const address = ({ peerPort }: FetchNode): string => `127.0.0.1:${String(peerPort)}`
    const ids = [
      await one.fetcher.begin({ link: magnet(), from: [address(other)], giveUpAfterMs: 1000 }),
      await other.fetcher.begin({ link: magnet(), from: [address(one)], giveUpAfterMs: 1000 }),
    ] as const
    for (const [node, id] of [
      [one, ids[0]],
      [other, ids[1]],
    ] as const)
      expect(await node.until(id, isOver)).toMatchObject({ state: 'failed', error: { code: 'NO_SOURCES' } })
  },
)
