import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { fakeNetwork } from '../../support/fake-network.ts'
import { publisherManifest, type WebNodeOptions } from '../../support/web-node.ts'
import { setUpFetching } from './set-up.ts'

const MIB = 1024 * 1024

const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG'
const TX = 'a'.repeat(43)

/** With stand-ins for gateways that are slow or lie; real ones are in `test/interop/gateways.test.ts`. */
async function setUpGateways() {
  const fetching = await setUpFetching()
  const { sample, web } = fetching
  return {
    ...fetching,
    ipfs: (options: WebNodeOptions = {}) => web({ path: `/ipfs/${CID}`, ...options }),
    arweave: (options: WebNodeOptions = {}) => web({ path: `/${TX}`, ...options }),
    spoilt: Buffer.from(sample.bytes.map((byte) => byte ^ 1)),
  }
}

describe('gateways', () => {
  it('gets an item from IPFS and Arweave gateways alone, each shown with what it gave', async () => {
    const { sample, openNode, expectStored, ipfs, arweave } = await setUpGateways()
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
    const { sample, openNode, web, expectStored, ipfs, arweave, spoilt } = await setUpGateways()
    const liar = await ipfs({ bytes: spoilt })
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
    const { sample, openNode, web, expectStored, ipfs, spoilt } = await setUpGateways()
    const liar = await ipfs({ bytes: spoilt, bytesPerSec: 8 * MIB })
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
    const { sample, openNode, ipfs } = await setUpGateways()
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
    const { stack, sample, openNode, expectStored, ipfs } = await setUpGateways()
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
    const { sample, openNode, web, expectStored } = await setUpGateways()
    const oip = await web({ path: `/api/media/${sample.mediaId}` })
    const node = await openNode()
    expect(await node.get({ link: sample.mediaId, from: [oip.url] })).toMatchObject({ state: 'done' })
    expect(oip.requests.map((request) => request.path)).toContain(`/media/${sample.mediaId}`)
    await expectStored(node)
  })
})
