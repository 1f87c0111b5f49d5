import fs from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import type { FetchNode } from '../../support/fetch-node.ts'
import { startSwarm } from '../../support/swarms.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024
const NOBODY = '127.0.0.1:9'
const OTHER = 'b'.repeat(64)
const isOver = ({ state }: { state: string }): boolean => state === 'done' || state === 'failed'

async function setUp({ sizeBytes = 6 * MIB } = {}) {
  const fetching = await setUpFetching({ sizeBytes })
  const { stack, sample, openNode } = fetching
  const seeder = stack.use(await startSwarm({ uploadLimitBytesPerSec: 3 * MIB }))
  seeder.seed(sample)
  const node = await openNode()
  const link = (mediaId: string, peer = seeder.address): string =>
    formatLink({ mediaId, infoHash: sample.infoHash, peers: [peer] })
  const begin = (mediaId: string, peer?: string): Promise<string> =>
    node.fetcher.begin({ link: link(mediaId, peer) })
  return { ...fetching, seeder, node, begin }
}

const until = (node: FetchNode, id: string) => node.until(id, isOver)

it('a link that names another item for a torrent under way waits, and is told as wrong when the bytes are there', async () => {
  const { sample, node, begin, expectStored } = await setUp()
  const good = await begin(sample.mediaId)
  await node.until(good, ({ bytesDone }) => bytesDone > 0)
  const wrong = await begin(OTHER)
  expect(await until(node, wrong)).toMatchObject({
    state: 'failed',
    error: { code: 'HASH_MISMATCH', message: expect.stringContaining('a film.bin') as string },
  })
  expect(await until(node, good)).toMatchObject({ state: 'done', mediaId: sample.mediaId })
  // What a failed download has left goes with it.
  expect(node.library.list().rows).toHaveLength(1)
  await fs.rm(path.join(node.mediaDir, '.incoming', wrong), { recursive: true, force: true })
  await expectStored(node)
})

it('what came for the wrong link goes to the right one, byte for byte, and is not fetched twice', async () => {
  const { sample, node, begin, seeder } = await setUp()
  const wrong = await begin(OTHER)
  await node.until(wrong, ({ bytesDone }) => bytesDone > 0)
  const good = await begin(sample.mediaId)
  expect(await until(node, wrong)).toMatchObject({
    state: 'failed',
    error: { code: 'HASH_MISMATCH', message: expect.stringContaining('another download') as string },
  })
  expect(await until(node, good)).toMatchObject({ state: 'done', mediaId: sample.mediaId })
  expect(node.library.get(sample.mediaId)).toMatchObject({ fileState: 'ok', sizeBytes: sample.sizeBytes })
  expect(seeder.swarm.totals().uploadedBytes).toBeLessThan(1.5 * sample.sizeBytes)
})

it('a torrent that the library has under another id is not fetched for it, and what is there stays', async () => {
  const { sample, node, begin } = await setUp({ sizeBytes: MIB })
  expect(await until(node, await begin(sample.mediaId))).toMatchObject({ state: 'done' })
  expect(await until(node, await begin(OTHER))).toMatchObject({
    state: 'failed',
    error: { code: 'HASH_MISMATCH', message: expect.stringContaining('in your library') as string },
  })
  expect(node.library.get(sample.mediaId)).toMatchObject({ fileState: 'ok', isSeedingWanted: true })
})

it('people whom only the second link names are asked by the first', async () => {
  const { sample, node, begin } = await setUp({ sizeBytes: MIB })
  const good = await begin(sample.mediaId, NOBODY)
  await node.until(good, ({ state }) => state === 'active')
  await begin(OTHER)
  expect(await until(node, good)).toMatchObject({ state: 'done' })
})

it('the second goes on by itself while the first is paused', async () => {
  const { sample, node, begin } = await setUp()
  const wrong = await begin(OTHER)
  await node.until(wrong, ({ bytesDone }) => bytesDone > 0)
  const good = await begin(sample.mediaId)
  await node.fetcher.pause(wrong)
  expect(await until(node, good)).toMatchObject({ state: 'done' })
})
