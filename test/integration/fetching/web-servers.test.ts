import { describe, expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import { openFetchNode, testSigner } from '../../support/fetch-node.ts'
import { publisherManifest } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

describe('fetching from web servers', () => {
  it('gets an item from a node with manifest and torrent, and keeps what its publisher signed', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const manifest = publisherManifest(sample)
    const server = await web({ manifest, metainfo: sample.metainfo })
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [server.url] })).toMatchObject({
      state: 'done',
      name: 'a film.bin',
    })
    await expectStored(node)
    expect(await node.library.manifest(sample.mediaId)).toEqual(manifest)
    expect(await node.library.metainfo(sample.mediaId)).toEqual(Buffer.from(sample.metainfo))
    expect(node.library.get(sample.mediaId)).toMatchObject({
      isOwn: false,
      owner: testSigner('publisher').publicKey,
    })
  })

  it('takes the address of an item alone, and a node’s own item as its own', async () => {
    const { sample, openNode, web } = await setUpFetching()
    const server = await web({ manifest: publisherManifest(sample), metainfo: sample.metainfo })
    const node = await openNode({ owner: 'publisher' })
    expect(await node.get({ link: `${server.url}/media/${sample.mediaId}` })).toMatchObject({ state: 'done' })
    expect(node.library.get(sample.mediaId)).toMatchObject({ isOwn: true })
  })

  it('makes the publisher’s torrent again from the bytes when only the manifest can be had', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const server = await web({ manifest: publisherManifest(sample), metainfo: null })
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [server.url] })).toMatchObject({ state: 'done' })
    expect(node.library.get(sample.mediaId)).toMatchObject({ infoHash: sample.infoHash })
    await expectStored(node)
  })

  it('gets a file from a server that knows nothing of nodes and signs for it as its holder', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const server = await web({ path: '/files/a%20film.bin' })
    const node = await openNode()
    const link = `sower://media/${sample.mediaId}`
    expect(await node.get({ link, from: [`${server.url}/files/a%20film.bin`] })).toMatchObject({
      state: 'done',
      name: 'a film.bin',
    })
    const manifest = await node.library.manifest(sample.mediaId)
    expect(manifest).toMatchObject({
      id: sample.mediaId,
      oip: { creatorPubKey: testSigner('holder').publicKey },
    })
    expect(node.library.get(sample.mediaId)).toMatchObject({
      isOwn: false,
      accessLevel: 'public',
      infoHash: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    })
    await expectStored(node)
  })

  it('gets a file from a server that gives no ranges although it has a torrent', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const server = await web({
      manifest: publisherManifest(sample),
      metainfo: sample.metainfo,
      hasRanges: false,
    })
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [server.url] })).toMatchObject({ state: 'done' })
    await expectStored(node)
  })

  it('goes on with the next server where the last one stopped', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const first = await web({ cutAfterBytes: MIB })
    const second = await web()
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [first.url, second.url] })).toMatchObject({
      state: 'done',
    })
    const ranges = second.requests.map(({ range }) => range).filter((range) => range !== undefined)
    expect(ranges.length).toBeGreaterThan(0)
    for (const range of ranges) expect(Number(/^bytes=(\d+)-/.exec(range)?.[1])).toBeGreaterThan(MIB / 2)
    await expectStored(node)
  })

  it.each([
    [401, 'UNAUTHORIZED', /private/],
    [404, 'NOT_FOUND', /does not have this item/],
    [500, 'NO_SOURCES', /error \(500\)/],
  ])('says in words what an answer of %i means', async (status, code, message) => {
    const { sample, openNode, web } = await setUpFetching()
    const server = await web({ status })
    const node = await openNode({ patience: { sourcesMs: 300 } })
    const transfer = await node.get({ link: sample.mediaId, from: [server.url] })
    expect(transfer).toMatchObject({
      state: 'failed',
      error: { code, message: expect.stringMatching(message) as string },
    })
    expect(await node.incoming()).not.toContain('original')
  })

  it('contacts private addresses in a link only for exactly the item', async () => {
    const { sample, openNode, web } = await setUpFetching()
    const server = await web({ path: '/admin/reboot' })
    const node = await openNode({ patience: { sourcesMs: 300 } })
    const link = formatLink({
      mediaId: sample.mediaId,
      webSources: [`${server.url}/admin/reboot`, `${server.url}/media/${sample.mediaId}?x=1`],
    })
    expect(await node.get({ link })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES', message: expect.stringContaining('not on the public internet') as string },
    })
    expect(server.requests).toEqual([])

    const honest = await web()
    const good = formatLink({
      mediaId: sample.mediaId,
      webSources: [`${honest.url}/media/${sample.mediaId}`],
    })
    expect(await node.get({ link: good })).toMatchObject({ state: 'done' })
  })
})

describe('several web servers without a torrent', () => {
  it('are raced: a slow one and a hanging one don’t hold up the fast one', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const slow = await web({ bytesPerSec: 20_000 })
    const hanging = await web({ bytesPerSec: 1 })
    const fast = await web({ bytesPerSec: 2 * MIB })
    const node = await openNode()
    const startedMs = performance.now()
    const transfer = await node.get({ link: sample.mediaId, from: [slow.url, hanging.url, fast.url] })
    expect(transfer.state).toBe('done')
    // Alone the fast one takes 1.5 s, each of the others minutes; they may cost what it takes to see through them.
    expect(performance.now() - startedMs).toBeLessThan(15_000)
    expect(transfer.sources.find(({ label }) => label === fast.label)?.bytes).toBeGreaterThan(2 * MIB)
    await expectStored(node)
  })

  it('give together what none of them gives alone, and no byte twice without need', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const servers = await Promise.all([1, 2, 3].map(() => web({ bytesPerSec: MIB })))
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: servers.map(({ url }) => url) })
    expect(transfer.state).toBe('done')
    for (const { label } of servers)
      expect(transfer.sources.find((source) => source.label === label)?.bytes).toBeGreaterThan(MIB / 2)
    const sum = transfer.sources.reduce((total, { bytes }) => total + bytes, 0)
    expect(sum).toBe(sample.sizeBytes)
    await expectStored(node)
  })

  it('go on after a restart with the parts that are missing', async () => {
    const { stack, dir, sample, web, expectStored } = await setUpFetching()
    const servers = await Promise.all([1, 2].map(() => web({ bytesPerSec: MIB / 2 })))
    const root = dir.file('restarted')
    const before = await openFetchNode({ root })
    const id = await before.fetcher.begin({ link: sample.mediaId, from: servers.map(({ url }) => url) })
    await before.until(id, ({ bytesDone }) => bytesDone > 2 * MIB)
    await before.close()
    const asked = servers.map(({ requests }) => requests.length)
    const node = stack.use(await openFetchNode({ root }))
    await node.until(id, ({ state }) => state === 'done')
    const after = servers.flatMap(({ requests }, at) =>
      requests.slice(asked[at]).filter((request) => request.path.startsWith('/media/')),
    )
    // No whole file again, and of what is asked for in parts less than what was there before.
    expect(after.every(({ range }) => range !== undefined)).toBe(true)
    await expectStored(node)
  })
})
