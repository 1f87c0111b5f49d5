import fs from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFetchNode } from '../../support/fetch-node.ts'
import { publisherManifest } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

describe('the life of a download', () => {
  it('is done at once for what is already there, and joins one that is under way', async () => {
    const { sample, openNode, web } = await setUpFetching()
    const slow = await web({ bytesPerSec: 2 * MIB })
    const node = await openNode()
    const first = await node.fetcher.begin({ link: sample.mediaId, from: [slow.url] })
    expect(await node.fetcher.begin({ link: `sower://media/${sample.mediaId}` })).toBe(first)
    expect(node.fetcher.inspect(sample.mediaId).isHeld).toBe(false)
    await node.until(first, ({ state }) => state === 'done')
    const second = await node.fetcher.begin({ link: sample.mediaId })
    expect(second).not.toBe(first)
    expect(node.transfers.get(second)).toMatchObject({ state: 'done', isDuplicate: true })
    expect(node.fetcher.inspect(sample.mediaId).isHeld).toBe(true)
  })

  it.each(['plain', 'pieces'] as const)(
    'pauses and goes on without fetching again what it has (%s)',
    async (how) => {
      const { sample, openNode, web, expectStored } = await setUpFetching()
      const described =
        how === 'plain' ? {} : { manifest: publisherManifest(sample), metainfo: sample.metainfo }
      const server = await web({ bytesPerSec: 2 * MIB, ...described })
      const node = await openNode()
      const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
      await node.until(id, ({ bytesDone }) => bytesDone > MIB)
      await node.fetcher.pause(id)
      expect(node.transfers.get(id)).toMatchObject({ state: 'paused', rateBytesPerSec: 0 })
      const asked = server.requests.length
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(server.requests.length).toBe(asked)
      node.fetcher.resume(id)
      await node.until(id, ({ state }) => state === 'done')
      if (how === 'plain') expect(server.requests.at(-1)?.range).toMatch(/^bytes=\d{6,}-$/)
      await expectStored(node)
    },
  )

  it('goes on after the node was stopped and started', async () => {
    const { stack, dir, sample, web, expectStored } = await setUpFetching()
    const server = await web({
      bytesPerSec: 2 * MIB,
      manifest: publisherManifest(sample),
      metainfo: sample.metainfo,
    })
    const root = dir.file('restarted')
    const before = await openFetchNode({ root })
    const id = await before.fetcher.begin({ link: sample.mediaId, from: [server.url] })
    await before.until(id, ({ bytesDone }) => bytesDone > MIB)
    await before.close()
    const node = stack.use(await openFetchNode({ root }))
    await node.until(id, ({ state }) => state === 'done')
    await expectStored(node)
  })

  it('leaves nothing behind when it is cancelled or taken off the list', async () => {
    const { sample, openNode, web } = await setUpFetching()
    const server = await web({ bytesPerSec: MIB })
    const node = await openNode()
    const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
    await node.until(id, ({ bytesDone }) => bytesDone > 0)
    await node.fetcher.cancel(id)
    expect(node.transfers.get(id)).toMatchObject({ state: 'cancelled' })
    expect(await node.incoming()).toEqual([])
    expect(node.library.get(sample.mediaId)).toBeUndefined()
    await expect(node.fetcher.pause(id)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('tries a failed one again when its source has come back', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const mood: { status?: number } = { status: 500 }
    const server = await web(mood)
    const node = await openNode({ patience: { sourcesMs: 1 } })
    const failed = await node.get({ link: sample.mediaId, from: [server.url] })
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'NO_SOURCES' } })
    delete mood.status
    node.fetcher.retry(failed.id)
    expect(await node.until(failed.id, ({ state }) => state === 'done' || state === 'failed')).toMatchObject({
      state: 'done',
    })
    await expectStored(node)
  })

  it.each([
    ['pieces', {}],
    ['a whole file', { metainfo: null }],
  ] as const)('keeps what came as %s when it can’t be stored, and stores it later', async (_as, options) => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const server = await web({
      manifest: publisherManifest(sample, { withTorrent: !('metainfo' in options) }),
      ...options,
    })
    const node = await openNode()
    // Something lies where the item goes, and can’t be moved out of the way.
    const place = path.join(node.mediaDir, sample.mediaId)
    await fs.mkdir(path.join(place, 'left'), { recursive: true })
    await fs.writeFile(path.join(node.mediaDir, '.damaged'), 'no folder')
    const failed = await node.get({ link: sample.mediaId, from: [server.url] })
    expect(failed).toMatchObject({ state: 'failed', stage: 'store' })
    const reads = (): number =>
      server.requests.filter(({ path: asked }) => asked.startsWith('/media/')).length
    const before = reads()
    await server.stop()
    await fs.rm(path.join(node.mediaDir, '.damaged'))
    node.fetcher.retry(failed.id)
    await node.until(failed.id, ({ state }) => state === 'done' || state === 'failed')
    await expectStored(node)
    expect(reads()).toEqual(before)
  })

  it('refuses a link that is none and a source that is none', async () => {
    const { sample, openNode } = await setUpFetching()
    const node = await openNode()
    await expect(node.fetcher.begin({ link: 'hello' })).rejects.toMatchObject({ code: 'LINK_INVALID' })
    await expect(
      node.fetcher.begin({ link: sample.mediaId, from: ['file:///etc/passwd'] }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(node.transfers.list()).toEqual([])
  })
})
