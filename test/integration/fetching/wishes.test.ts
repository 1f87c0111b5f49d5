import fs from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openFetchNode, type FetchNode } from '../../support/fetch-node.ts'
import { makeSample } from '../../support/sample-torrent.ts'
import { startWebNode, type WebNode } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

/** A node in which a download of low priority has to give its turn up this very moment. */
async function yielding(): Promise<{ node: FetchNode; server: WebNode; id: string; first: string }> {
  const { stack, dir, sample: low, openNode, web } = await setUpFetching({ sizeBytes: 4 * MIB })
  const other = await makeSample({ dir: dir.path, sizeBytes: MIB, name: 'other.bin' })
  const node = await openNode()
  const server = await web({ bytesPerSec: MIB })
  const quick = stack.use(await startWebNode(other, { bytesPerSec: MIB }))
  const id = await node.fetcher.begin({ link: low.mediaId, from: [server.url] })
  node.fetcher.setPriority(id, 'low')
  await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
  const first = await node.fetcher.begin({ link: other.mediaId, from: [quick.url] })
  return { node, server, id, first }
}

describe('what the user wishes while a download gives its turn up', () => {
  it('pauses it: it does not begin again by itself', async () => {
    const { node, server, id, first } = await yielding()
    await node.fetcher.pause(id)
    const asked = server.requests.length
    await node.until(first, ({ state }) => state === 'done')
    await sleep(1500)
    expect(node.transfers.get(id)).toMatchObject({ state: 'paused' })
    expect(server.requests).toHaveLength(asked)
    node.fetcher.resume(id)
    await node.until(id, ({ state }) => state === 'done')
  })

  it('cancels it: nothing of it comes in any more', async () => {
    const { node, server, id, first } = await yielding()
    await node.fetcher.cancel(id)
    const asked = server.requests.length
    await node.until(first, ({ state }) => state === 'done')
    await sleep(1500)
    expect(node.transfers.get(id)).toMatchObject({ state: 'cancelled', bytesDone: 0 })
    expect(server.requests).toHaveLength(asked)
    expect(await node.incoming()).toEqual([])
  })

  it('does what was wished last', async () => {
    const { node, id, first } = await yielding()
    const pausing = node.fetcher.pause(id)
    node.fetcher.resume(id)
    await pausing
    await node.until(first, ({ state }) => state === 'done')
    await node.until(id, ({ state }) => state === 'done')
  })

  it('goes on when it yields and nothing else was wished', async () => {
    const { node, id, first } = await yielding()
    await node.until(id, ({ state }) => state === 'queued')
    await node.until(first, ({ state }) => state === 'done')
    await node.until(id, ({ state }) => state === 'done')
  })
})

it('a download that another link joins while it is being paused or cancelled goes on', async () => {
  const { sample, openNode, web } = await setUpFetching({ sizeBytes: 4 * MIB })
  const node = await openNode()
  const server = await web({ bytesPerSec: MIB })
  const second = await web()
  const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
  await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
  const cancelling = node.fetcher.cancel(id)
  expect(await node.fetcher.begin({ link: sample.mediaId, from: [second.url] })).toBe(id)
  await cancelling
  await node.until(id, ({ state }) => state === 'done')
  expect(await fs.readdir(path.join(node.mediaDir, sample.mediaId))).toContain('original')
})

it('a link that joins a download which is paused at that moment leaves it paused', async () => {
  const { sample, openNode, web } = await setUpFetching({ sizeBytes: 4 * MIB })
  const node = await openNode()
  const server = await web({ bytesPerSec: MIB })
  const second = await web()
  const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
  await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
  await node.fetcher.begin({ link: sample.mediaId, from: [second.url] })
  await node.fetcher.pause(id)
  await sleep(1000)
  expect(node.transfers.get(id)).toMatchObject({ state: 'paused' })
  expect(second.requests).toEqual([])
})

describe('priorities', () => {
  it('are kept, and let the low one yield to others until these are done', async () => {
    const { stack, dir, sample, web } = await setUpFetching()
    const second = await makeSample({ dir: dir.path, sizeBytes: 2 * MIB, name: 'second.bin' })
    const slow = await web({ bytesPerSec: MIB / 2 })
    const other = stack.use(await startWebNode(second, { bytesPerSec: MIB }))
    const root = dir.file('kept')
    const before = await openFetchNode({ root })
    const low = await before.fetcher.begin({ link: sample.mediaId, from: [slow.url] })
    await before.until(low, ({ bytesDone }) => bytesDone > 0)
    before.fetcher.setPriority(low, 'low')
    const normal = await before.fetcher.begin({ link: second.mediaId, from: [other.url] })
    await before.until(normal, ({ bytesDone }) => bytesDone > 0)
    await before.until(low, ({ state }) => state === 'queued')
    await before.close()

    const node = stack.use(await openFetchNode({ root }))
    expect(node.transfers.get(low)).toMatchObject({ priority: 'low' })
    await node.until(normal, ({ state }) => state === 'done')
    await node.until(low, ({ state }) => state === 'done')
    expect(() => node.fetcher.setPriority(low, 'high')).toThrow(/done/)
  })
})
