import { describe, expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import { testSigner } from '../../support/fetch-node.ts'
import { makeSample, type SampleTorrent } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { publisherManifest } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

/** The sample's bytes with some that are wrong. */
function spoilt(sample: SampleTorrent, from: number, length = 50_000): Buffer {
  const bytes = Buffer.from(sample.bytes)
  bytes.fill(0x55, from, from + length)
  return bytes
}

describe('sources that lie', () => {
  it('drops and names the one of two servers that sends wrong pieces', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const manifest = publisherManifest(sample)
    const liar = await web({
      bytes: spoilt(sample, 0, sample.sizeBytes),
      manifest,
      metainfo: sample.metainfo,
    })
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
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const liar = await web({ bytes: spoilt(sample, MIB) })
    const honest = await web()
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url, honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)?.state).toBe('dropped')
    await expectStored(node)
  })

  it('finds out which of two servers spoilt a file they gave together', async () => {
    const { sample, openNode, web, expectStored } = await setUpFetching()
    const liar = await web({ bytes: spoilt(sample, 1000), cutAfterBytes: MIB })
    const honest = await web()
    const node = await openNode()
    const transfer = await node.get({ link: sample.mediaId, from: [liar.url, honest.url] })
    expect(transfer.state).toBe('done')
    expect(transfer.sources.find(({ label }) => label === liar.label)?.state).toBe('dropped')
    expect(transfer.sources.find(({ label }) => label === honest.label)?.state).not.toBe('dropped')
    await expectStored(node)
  })

  it('keeps nothing and names the source when nobody has the right bytes', async () => {
    const { sample, openNode, web } = await setUpFetching()
    const liar = await web({ bytes: spoilt(sample, MIB) })
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
    const { stack, sample, openNode, web, expectStored } = await setUpFetching()
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
    const { sample, openNode, web } = await setUpFetching()
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
    const { stack, sample, openNode } = await setUpFetching()
    const seeder = stack.use(await startSwarm())
    seeder.seed(sample)
    const node = await openNode()
    const link = formatLink({ mediaId: 'ab'.repeat(32), infoHash: sample.infoHash, peers: [seeder.address] })
    expect(await node.get({ link })).toMatchObject({ state: 'failed', error: { code: 'HASH_MISMATCH' } })
    expect(node.library.list().total).toBe(0)
    expect(await node.incoming()).toEqual([])
  })
})
