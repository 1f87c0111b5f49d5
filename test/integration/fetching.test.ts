import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatLink } from '../../app/fetching/index.ts'
import { openFetchNode, testSigner, type FetchNode } from '../support/fetch-node.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir, type TempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'
import { publisherManifest, startWebNode, type WebNodeOptions } from '../support/web-node.ts'

const MIB = 1024 * 1024
let stack: AsyncDisposableStack
let dir: TempDir
let sample: SampleTorrent
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  sample = await makeSample({ dir: dir.path, sizeBytes: 3 * MIB + 12_345, name: 'a film.bin' })
})
afterEach(async () => {
  await stack.disposeAsync()
})

async function openNode(options: Partial<Parameters<typeof openFetchNode>[0]> = {}): Promise<FetchNode> {
  const root = await fs.mkdtemp(path.join(dir.path, 'node-'))
  return stack.use(await openFetchNode({ root, ...options }))
}
const web = async (options?: WebNodeOptions) => stack.use(await startWebNode(sample, options))

async function expectStored(node: FetchNode): Promise<void> {
  const stored = path.join(node.mediaDir, sample.mediaId, 'original')
  expect(await sha256Of(stored)).toBe(sample.mediaId)
  expect(node.library.get(sample.mediaId)).toMatchObject({ fileState: 'ok', sizeBytes: sample.sizeBytes })
  expect(await node.incoming()).toEqual([])
  expect((await fs.readdir(path.join(node.mediaDir, sample.mediaId))).toSorted()).not.toContain('plain')
}

describe('fetching from people', () => {
  it('gets an item from a link with nothing but an infoHash and a peer', async () => {
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

describe('fetching from web servers', () => {
  it('gets an item from a node with manifest and torrent, and keeps what its publisher signed', async () => {
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
    const server = await web({ manifest: publisherManifest(sample), metainfo: sample.metainfo })
    const node = await openNode({ owner: 'publisher' })
    expect(await node.get({ link: `${server.url}/media/${sample.mediaId}` })).toMatchObject({ state: 'done' })
    expect(node.library.get(sample.mediaId)).toMatchObject({ isOwn: true })
  })

  it('makes the publisher’s torrent again from the bytes when only the manifest can be had', async () => {
    const server = await web({ manifest: publisherManifest(sample), metainfo: null })
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [server.url] })).toMatchObject({ state: 'done' })
    expect(node.library.get(sample.mediaId)).toMatchObject({ infoHash: sample.infoHash })
    await expectStored(node)
  })

  it('gets a file from a server that knows nothing of nodes and signs for it as its holder', async () => {
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

describe('sources that lie', () => {
  const spoilt = (from: number, length = 50_000): Buffer => {
    const bytes = Buffer.from(sample.bytes)
    bytes.fill(0x55, from, from + length)
    return bytes
  }

  it('drops and names the one of two servers that sends wrong pieces', async () => {
    const manifest = publisherManifest(sample)
    const liar = await web({ bytes: spoilt(0, sample.sizeBytes), manifest, metainfo: sample.metainfo })
    const honest = await web({ manifest, metainfo: sample.metainfo, bytesPerSec: 4 * MIB })
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url, honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)).toMatchObject({
      state: 'dropped',
      note: expect.any(String) as string,
    })
    expect(transfer.sources.find(({ label }) => label === honest.label)?.state).not.toBe('dropped')
    await expectStored(node)
  })

  it('drops a server whose whole file is another one and takes the next', async () => {
    const liar = await web({ bytes: spoilt(MIB) })
    const honest = await web()
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url, honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)?.state).toBe('dropped')
    await expectStored(node)
  })

  it('finds out which of two servers spoilt a file they gave together', async () => {
    const liar = await web({ bytes: spoilt(1000), cutAfterBytes: MIB })
    const honest = await web()
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url, honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)?.state).toBe('dropped')
    expect(transfer.sources.find(({ label }) => label === honest.label)?.state).not.toBe('dropped')
    await expectStored(node)
  })

  it('keeps nothing and names the source when nobody has the right bytes', async () => {
    const liar = await web({ bytes: spoilt(MIB) })
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url] })
    expect(transfer).toMatchObject({
      state: 'failed',
      error: { code: 'HASH_MISMATCH', message: expect.stringContaining(liar.label) as string },
    })
    expect(node.library.get(sample.mediaId)).toBeUndefined()
    expect(await node.incoming()).toEqual([])
  })

  it('is not led astray by a manifest and torrent of another file under the same id', async () => {
    const otherDir = stack.use(await tempDir())
    const other = await makeSample({ dir: otherDir.path, sizeBytes: 2 * MIB, name: 'other.bin' })
    const forged = { ...publisherManifest({ ...other, mediaId: sample.mediaId }) }
    const liar = await web({ bytes: other.bytes, manifest: forged, metainfo: other.metainfo })
    const honest = await web()
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url, honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)?.state).toBe('dropped')
    await expectStored(node)
  })

  it('says of a manifest with a broken signature that it was refused, and does without', async () => {
    const manifest = { ...publisherManifest(sample), name: 'changed.bin' }
    const server = await web({ manifest })
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [server.url] })
    expect(transfer).toMatchObject({
      state: 'done',
      sources: [expect.objectContaining({ note: expect.stringContaining('signature') as string })],
    })
    expect(await node.library.manifest(sample.mediaId)).toMatchObject({
      oip: { creatorPubKey: testSigner('holder').publicKey },
    })
  })

  it('fails when link and torrent do not belong together', async () => {
    const seeder = stack.use(await startSwarm())
    seeder.seed(sample)
    const node = await openNode()
    const link = formatLink({ mediaId: 'ab'.repeat(32), infoHash: sample.infoHash, peers: [seeder.address] })
    expect(await node.get({ link })).toMatchObject({ state: 'failed', error: { code: 'HASH_MISMATCH' } })
    expect(node.library.list().total).toBe(0)
    expect(await node.incoming()).toEqual([])
  })
})

describe('the life of a download', () => {
  it('is done at once for what is already there, and joins one that is under way', async () => {
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
    const node = await openNode()
    await expect(node.fetcher.begin({ link: 'hello' })).rejects.toMatchObject({ code: 'LINK_INVALID' })
    await expect(
      node.fetcher.begin({ link: sample.mediaId, from: ['file:///etc/passwd'] }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(node.transfers.list()).toEqual([])
  })
})
