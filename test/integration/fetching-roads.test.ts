import { once } from 'node:events'
import fs from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatLink } from '../../app/fetching/index.ts'
import { chunksOf } from '../../app/manifest/index.ts'
import { fakeNetwork } from '../support/fake-network.ts'
import { openFetchNode, type FetchNode } from '../support/fetch-node.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir, type TempDir } from '../support/temp-dir.ts'
import { publisherManifest, startWebNode, type WebNodeOptions } from '../support/web-node.ts'

const MIB = 1024 * 1024
const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG'
const TX = 'a'.repeat(43)
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
/** Stand in for gateways that are slow or lie; real ones are in `test/interop/gateways.test.ts`. */
const ipfs = (options: WebNodeOptions = {}) => web({ path: `/ipfs/${CID}`, ...options })
const arweave = (options: WebNodeOptions = {}) => web({ path: `/${TX}`, ...options })
const spoilt = (): Buffer => Buffer.from(sample.bytes.map((byte) => byte ^ 1))

async function expectStored(node: FetchNode): Promise<void> {
  expect(await sha256Of(path.join(node.mediaDir, sample.mediaId, 'original'))).toBe(sample.mediaId)
  expect(await node.incoming()).toEqual([])
}

describe('gateways', () => {
  it('gets an item from IPFS and Arweave gateways alone, each shown with what it gave', async () => {
    const [one, two] = [await ipfs({ bytesPerSec: 2 * MIB }), await arweave({ bytesPerSec: 2 * MIB })]
    const manifest = publisherManifest(sample, {
      withTorrent: false,
      transport: { ipfs: { cid: CID }, arweave: { txId: TX } },
    })
    const network = fakeNetwork()
    network.knows(sample.mediaId, { manifest })
    const node = await openNode({ network, ipfsGateways: [one.url], arweaveGateways: [two.url] })
    const transfer = await node.get({ link: `did:gun:media:${sample.mediaId}` })
    expect(transfer).toMatchObject({ state: 'done', name: 'a film.bin' })
    const by = (label: string) => transfer.sources.find((source) => source.label === label)
    expect(by(one.label)).toMatchObject({ kind: 'ipfs' })
    expect(by(two.label)).toMatchObject({ kind: 'arweave' })
    expect(by(one.label)?.bytes).toBeGreaterThan(MIB / 2)
    expect(by(two.label)?.bytes).toBeGreaterThan(MIB / 2)
    await expectStored(node)
    expect(await node.library.manifest(sample.mediaId)).toEqual(manifest)
  })

  it('feeds the piece scheduler beside people and web servers, and drops the gateway that lies', async () => {
    const liar = await ipfs({ bytes: spoilt() })
    const honest = await arweave({ bytesPerSec: 2 * MIB })
    const manifest = publisherManifest(sample, {
      transport: { ipfs: { cid: CID }, arweave: { txId: TX } },
    })
    const server = await web({ manifest, metainfo: sample.metainfo, bytesPerSec: MIB })
    const node = await openNode({ ipfsGateways: [liar.url], arweaveGateways: [honest.url] })
    const transfer = await node.get({ link: sample.mediaId, from: [server.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)).toMatchObject({
      kind: 'ipfs',
      state: 'dropped',
    })
    expect(transfer.sources.find(({ label }) => label === honest.label)).toMatchObject({ kind: 'arweave' })
    expect(transfer.sources.find(({ label }) => label === honest.label)?.bytes).toBeGreaterThan(0)
    await expectStored(node)
  })

  it('finds out without a torrent which gateway gave wrong bytes', async () => {
    const liar = await ipfs({ bytes: spoilt(), bytesPerSec: 8 * MIB })
    const server = await web({
      manifest: publisherManifest(sample, { withTorrent: false, transport: { ipfs: { cid: CID } } }),
      bytesPerSec: 8 * MIB,
    })
    const node = await openNode({ ipfsGateways: [liar.url] })
    const transfer = await node.get({ link: sample.mediaId, from: [server.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)).toMatchObject({
      kind: 'ipfs',
      state: 'dropped',
    })
    expect(transfer.sources.find(({ label }) => label === server.label)?.state).not.toBe('dropped')
    await expectStored(node)
  })

  it('does not ask a gateway on this machine because a manifest names it', async () => {
    const gateway = await ipfs()
    const manifest = publisherManifest(sample, {
      withTorrent: false,
      transport: { ipfs: { cid: CID, gateways: [gateway.url] }, arweave: { txId: TX, url: gateway.url } },
    })
    const network = fakeNetwork()
    network.knows(sample.mediaId, { manifest, endpoints: [gateway.url] })
    const node = await openNode({ network })
    expect(await node.get({ link: sample.mediaId })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES', message: expect.stringContaining('public internet') as string },
    })
    expect(gateway.requests).toEqual([])
  })

  it('gets an item from an IPFS node that is set as http://localhost', async () => {
    const gateway = await ipfs()
    const { port } = new URL(gateway.url)
    // As Kubo does: by this name each item has a host of its own, by its address it has a path.
    const kubo = createServer((request, response) => {
      if (request.headers.host?.startsWith('localhost') === true) {
        const location = `http://${CID}.ipfs.localhost:${String(kuboPort)}/`
        response.writeHead(301, { location }).end()
        return
      }
      const { url = '/', headers, method } = request
      const forwarded = httpRequest({ host: '127.0.0.1', port, path: url, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      request.pipe(forwarded)
    })
    await once(kubo.listen(0, '127.0.0.1'), 'listening')
    stack.defer(() => void kubo.close())
    const { port: kuboPort } = kubo.address() as AddressInfo
    const network = fakeNetwork()
    network.knows(sample.mediaId, {
      manifest: publisherManifest(sample, { withTorrent: false, transport: { ipfs: { cid: CID } } }),
    })
    const node = await openNode({ network, ipfsGateways: [`http://localhost:${String(kuboPort)}`] })
    const transfer = await node.get({ link: `did:gun:media:${sample.mediaId}` })
    expect(transfer).toMatchObject({ state: 'done' })
    await expectStored(node)
  })

  it('asks an OIP node at its other address when the first has nothing', async () => {
    const oip = await web({ path: `/api/media/${sample.mediaId}` })
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [oip.url] })).toMatchObject({ state: 'done' })
    expect(oip.requests.map((request) => request.path)).toContain(`/media/${sample.mediaId}`)
    await expectStored(node)
  })
})

describe('several web servers without a torrent', () => {
  it('are raced: a slow one and a hanging one don’t hold up the fast one', async () => {
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

describe('the network', () => {
  it('is asked for an item that only has an id, with the publisher the link names', async () => {
    const seeder = stack.use(await startSwarm())
    seeder.seed(sample)
    const network = fakeNetwork()
    const manifest = publisherManifest(sample)
    const owner = manifest.oip.creatorPubKey
    network.knows(sample.mediaId, { manifest })
    const node = await openNode({ network })
    const link = formatLink({ mediaId: sample.mediaId, pub: owner, peers: [seeder.address] })
    expect(await node.get({ link })).toMatchObject({ state: 'done', name: 'a film.bin' })
    expect(network.asked[0]).toMatchObject({ mediaId: sample.mediaId, owner })
    expect(await node.library.manifest(sample.mediaId)).toEqual(manifest)
    await expectStored(node)
  })

  it('is asked again until it knows', async () => {
    const gateway = await ipfs()
    const network = fakeNetwork()
    const node = await openNode({ network, ipfsGateways: [gateway.url] })
    const id = await node.fetcher.begin({ link: sample.mediaId })
    await node.until(id, ({ sources }) =>
      sources.some(({ kind, note }) => kind === 'gun' && note !== undefined),
    )
    network.knows(sample.mediaId, {
      manifest: publisherManifest(sample, { withTorrent: false, transport: { ipfs: { cid: CID } } }),
    })
    expect(await node.until(id, ({ state }) => state === 'done' || state === 'failed')).toMatchObject({
      state: 'done',
    })
  })

  it('is told to the user while nobody offers the item; a search that is bounded ends', async () => {
    const network = fakeNetwork()
    const node = await openNode({ network })
    const waiting = await node.fetcher.begin({ link: sample.mediaId })
    await node.until(waiting, ({ isUnoffered, stage }) => isUnoffered && stage === 'find')
    await node.fetcher.cancel(waiting)
    expect(await node.get({ link: sample.mediaId, giveUpAfterMs: 700 })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES' },
    })
    // Known, but there is nobody in the swarm.
    network.knows(sample.mediaId, { manifest: publisherManifest(sample) })
    const swarm = await openNode({ network, trackers: ['http://127.0.0.1:9/announce'] })
    expect(await swarm.get({ link: sample.mediaId, giveUpAfterMs: 300 })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES' },
    })
  })

  it('is a hint where nobody signed: its roads are tried, the bytes have to be right', async () => {
    const gateway = await ipfs()
    const network = fakeNetwork()
    network.knows(sample.mediaId, { foreign: { http: [], ipfsCid: CID, infoHash: 'ab'.repeat(20) } })
    const node = await openNode({ network, ipfsGateways: [gateway.url] })
    expect(await node.get({ link: sample.mediaId })).toMatchObject({ state: 'done' })
    await expectStored(node)
  })

  it('is not believed any more by one who described another file', async () => {
    const other = await makeSample({ dir: dir.path, sizeBytes: 2 * MIB, name: 'other.bin' })
    const forged = publisherManifest(
      { ...other, mediaId: sample.mediaId },
      { owner: 'mallory', withTorrent: false },
    )
    const honest = await web()
    const network = fakeNetwork()
    network.knows(sample.mediaId, { manifest: forged })
    const node = await openNode({ network })
    const transfer = await node.get({ link: sample.mediaId, from: [honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ kind, state }) => kind === 'gun' && state === 'dropped')).toBeDefined()
    await expectStored(node)
  })
})

describe('the beginning from the network', () => {
  it('can be played before anybody was found; the rest comes when somebody is', async () => {
    const chunks = await chunksOf(sample.path, MIB)
    const manifest = publisherManifest(sample, { chunks, mime: 'video/mp4' })
    const network = fakeNetwork()
    network.knows(sample.mediaId, { manifest, bytes: sample.bytes })
    const seeder = stack.use(await startSwarm())
    const node = await openNode({ network })
    const id = await node.fetcher.begin({ link: sample.mediaId, from: [seeder.address] })
    await node.until(id, ({ isPlayable }) => isPlayable)
    const file = await node.fetcher.openPlain(id)
    const read = async (start: number, end: number): Promise<Buffer> => {
      const parts: Uint8Array[] = []
      for await (const part of file.read(start, end)) parts.push(Uint8Array.from(part))
      return Buffer.concat(parts)
    }
    expect(Buffer.compare(await read(0, MIB), sample.bytes.subarray(0, MIB))).toBe(0)
    await node.until(id, ({ sources }) => sources.some(({ kind, bytes }) => kind === 'gun' && bytes === MIB))
    seeder.seed(sample)
    const all = await read(0, sample.sizeBytes)
    expect(Buffer.compare(all, sample.bytes)).toBe(0)
    await file.close()
    const { sources } = await node.until(id, ({ state }) => state === 'done')
    // What the network brought is not downloaded once more.
    const fromPeers = sources.filter(({ kind }) => kind === 'torrent')
    expect(fromPeers.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(sample.sizeBytes - MIB)
    await expectStored(node)
  })

  it('is enough for an item that is no longer than that', async () => {
    const small = await makeSample({ dir: dir.path, sizeBytes: 150_000, name: 'small.bin' })
    const manifest = publisherManifest(small, { chunks: await chunksOf(small.path, MIB) })
    const network = fakeNetwork()
    network.knows(small.mediaId, { manifest, bytes: small.bytes })
    const node = await openNode({ network })
    expect(await node.get({ link: small.mediaId })).toMatchObject({ state: 'done', name: 'small.bin' })
    expect(await sha256Of(path.join(node.mediaDir, small.mediaId, 'original'))).toBe(small.mediaId)
    expect(await node.incoming()).toEqual([])
  })

  it('costs whoever signed for other bytes their word, and nothing is kept', async () => {
    const other = await makeSample({ dir: dir.path, sizeBytes: 150_000, name: 'other.bin' })
    const forged = publisherManifest(
      { ...other, mediaId: sample.mediaId },
      { withTorrent: false, owner: 'mallory', chunks: await chunksOf(other.path, MIB) },
    )
    const network = fakeNetwork()
    network.knows(sample.mediaId, { manifest: forged, bytes: other.bytes })
    const node = await openNode({ network })
    expect(await node.get({ link: sample.mediaId })).toMatchObject({
      state: 'failed',
      error: { code: 'HASH_MISMATCH' },
    })
    expect(await node.incoming()).toEqual([])
  })
})

describe('priorities', () => {
  it('are kept, and let the low one yield to others until these are done', async () => {
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
