import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import { chunksOf } from '../../../app/manifest/index.ts'
import { fakeNetwork } from '../../support/fake-network.ts'
import { makeSample, sha256Of } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { publisherManifest } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG'

describe('the network', () => {
  it('is asked for an item that only has an id, with the publisher the link names', async () => {
    const { stack, sample, openNode, expectStored } = await setUpFetching()
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
    const { sample, openNode, web } = await setUpFetching()
    const gateway = await web({ path: `/ipfs/${CID}` })
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
    const { sample, openNode } = await setUpFetching()
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
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const gateway = await web({ path: `/ipfs/${CID}` })
    const network = fakeNetwork()
    network.knows(sample.mediaId, {
      foreign: { http: [], ipfsCid: CID, infoHash: 'ab'.repeat(20), accessLevel: 'public' },
    })
    const node = await openNode({ network, ipfsGateways: [gateway.url] })
    expect(await node.get({ link: sample.mediaId })).toMatchObject({ state: 'done' })
    await expectStored(node)
    expect((await node.library.manifest(sample.mediaId)).accessControl.access_level).toBe('public')
  })

  it('makes nothing public that is only known by an unsigned word that it is not', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const server = await web()
    const network = fakeNetwork()
    const foreign = { http: [server.url], accessLevel: 'private' }
    network.knows(sample.mediaId, { foreign })
    const node = await openNode({ network })
    expect(await node.get({ link: sample.mediaId, from: [server.url] })).toMatchObject({ state: 'done' })
    await expectStored(node)
    const kept = await node.library.manifest(sample.mediaId)
    expect([kept.accessControl.access_level, kept.transport?.bittorrent]).toEqual(['private', undefined])
  })

  it('is not believed any more by one who described another file', async () => {
    const { dir, sample, openNode, web, expectStored } = await setUpFetching()
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
    const { stack, sample, openNode, expectStored } = await setUpFetching()
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
    const { dir, openNode } = await setUpFetching()
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
    const { dir, sample, openNode } = await setUpFetching()
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
