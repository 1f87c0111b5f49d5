import fs from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFetchNode, type FetchNode } from '../support/fetch-node.ts'
import { makeSample, type SampleTorrent } from '../support/sample-torrent.ts'
import { tempDir, type TempDir } from '../support/temp-dir.ts'
import { startWebNode, type WebNode } from '../support/web-node.ts'

const MIB = 1024 * 1024
let stack: AsyncDisposableStack
let dir: TempDir
let low: SampleTorrent
let other: SampleTorrent
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  low = await makeSample({ dir: dir.path, sizeBytes: 4 * MIB, name: 'low.bin' })
  other = await makeSample({ dir: dir.path, sizeBytes: MIB, name: 'other.bin' })
})
afterEach(async () => {
  await stack.disposeAsync()
})

/** A node in which a download of low priority has to give its turn up this very moment. */
async function yielding(): Promise<{ node: FetchNode; server: WebNode; id: string; first: string }> {
  const node = stack.use(await openFetchNode({ root: path.join(dir.path, 'node') }))
  const server = stack.use(await startWebNode(low, { bytesPerSec: MIB }))
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
  const node = stack.use(await openFetchNode({ root: path.join(dir.path, 'node') }))
  const server = stack.use(await startWebNode(low, { bytesPerSec: MIB }))
  const second = stack.use(await startWebNode(low))
  const id = await node.fetcher.begin({ link: low.mediaId, from: [server.url] })
  await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
  const cancelling = node.fetcher.cancel(id)
  expect(await node.fetcher.begin({ link: low.mediaId, from: [second.url] })).toBe(id)
  await cancelling
  await node.until(id, ({ state }) => state === 'done')
  expect(await fs.readdir(path.join(node.mediaDir, low.mediaId))).toContain('original')
})

it('a link that joins a download which is paused at that moment leaves it paused', async () => {
  const node = stack.use(await openFetchNode({ root: path.join(dir.path, 'node') }))
  const server = stack.use(await startWebNode(low, { bytesPerSec: MIB }))
  const second = stack.use(await startWebNode(low))
  const id = await node.fetcher.begin({ link: low.mediaId, from: [server.url] })
  await node.until(id, ({ bytesDone }) => bytesDone > MIB / 4)
  await node.fetcher.begin({ link: low.mediaId, from: [second.url] })
  await node.fetcher.pause(id)
  await sleep(1000)
  expect(node.transfers.get(id)).toMatchObject({ state: 'paused' })
  expect(second.requests).toEqual([])
})
