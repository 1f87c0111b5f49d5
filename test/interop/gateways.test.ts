import fs from 'node:fs/promises'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { isCi } from '../../scripts/lib/project.mjs'
import { fakeNetwork } from '../support/fake-network.ts'
import { openFetchNode } from '../support/fetch-node.ts'
import { installGateway, startGateway, type Gateway } from '../support/gateways.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../support/sample-torrent.ts'
import { tempDir } from '../support/temp-dir.ts'
import { publisherManifest, startWebNode, type WebNode } from '../support/web-node.ts'

// Once on a machine: a minute or two.
const folders = await Promise.all([installGateway('arweave'), installGateway('ipfs')]).catch(
  (error: unknown) => {
    if (isCi) throw error
    return null // no registry to get them from
  },
)
const isMissing = folders === null

const all = new AsyncDisposableStack()
let stack: AsyncDisposableStack
let sample: SampleTorrent
let arlocal: Gateway
let helia: Gateway
beforeAll(async () => {
  if (folders === null) return
  const dir = all.use(await tempDir())
  sample = await makeSample({ dir: dir.path, sizeBytes: 700_000, name: 'a film.bin' })
  const [first, second] = await Promise.all(
    folders.map(async (folder) =>
      all.use(await startGateway(folder, sample.path, await fs.mkdtemp(path.join(dir.path, 'gateway-')))),
    ),
  )
  if (first === undefined || second === undefined) throw new Error('two gateways')
  ;[arlocal, helia] = [first, second]
})
afterAll(() => all.disposeAsync())
beforeEach(() => void (stack = new AsyncDisposableStack()))
afterEach(() => stack.disposeAsync())

/** Fetches the item by its id, of which nothing is known but these. */
async function fetchBy(
  transport: Record<string, unknown>,
  gateways: { readonly ipfsGateways?: string[]; readonly arweaveGateways?: string[] },
) {
  const dir = stack.use(await tempDir())
  const network = fakeNetwork()
  network.knows(sample.mediaId, { manifest: publisherManifest(sample, { transport, withTorrent: false }) })
  const node = stack.use(await openFetchNode({ root: dir.path, network, ...gateways }))
  const transfer = await node.get({ link: `did:gun:media:${sample.mediaId}` })
  expect(transfer.state).toBe('done')
  expect(await sha256Of(path.join(node.mediaDir, sample.mediaId, 'original'))).toBe(sample.mediaId)
  return transfer.sources
}

test.skipIf(isMissing)('an item in an Arweave transaction comes through arlocal', async () => {
  const sources = await fetchBy({ arweave: { txId: arlocal.id } }, { arweaveGateways: [arlocal.url] })
  expect(sources).toMatchObject([{ kind: 'gun' }, { kind: 'arweave', bytes: sample.sizeBytes }])
})

test.skipIf(isMissing)('an item in IPFS, several blocks long, comes through Helia', async () => {
  const sources = await fetchBy({ ipfs: { cid: helia.id } }, { ipfsGateways: [helia.url] })
  expect(sources).toMatchObject([{ kind: 'gun' }, { kind: 'ipfs', bytes: sample.sizeBytes }])
})

test.skipIf(isMissing)('a gateway that lies is dropped, and those that don’t give the item', async () => {
  const spoilt = Buffer.from(sample.bytes.map((byte) => byte ^ 1))
  const liar = stack.use(await startWebNode(sample, { path: `/ipfs/${helia.id}`, bytes: spoilt }))
  // The honest ones answer after it, or it might never be asked.
  const [later, latest] = [
    stack.use(await answerAfter(liar, helia)),
    stack.use(await answerAfter(liar, arlocal)),
  ]
  const sources = await fetchBy(
    { ipfs: { cid: helia.id }, arweave: { txId: arlocal.id } },
    { ipfsGateways: [liar.url, later.url], arweaveGateways: [latest.url] },
  )
  const by = (kind: string, url: string) =>
    sources.find((source) => source.kind === kind && source.label === new URL(url).host)
  expect(by('ipfs', liar.url)).toMatchObject({ state: 'dropped' })
  const honest = [by('ipfs', later.url), by('arweave', latest.url)]
  for (const { state } of honest.filter((source) => source !== undefined)) expect(state).not.toBe('dropped')
  expect(honest.reduce((sum, source) => sum + (source?.bytes ?? 0), 0)).toBeGreaterThanOrEqual(
    sample.sizeBytes,
  )
})

/** A gateway that holds its answers back until the other server has been asked for bytes. */
async function answerAfter(first: WebNode, gateway: Gateway): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    const timer = setInterval(() => {
      if (first.requests.length === 0) return
      clearInterval(timer)
      const { headers } = request
      forward(`${gateway.url}${request.url ?? ''}`, { headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
        .on('error', () => response.destroy())
        .end()
    }, 20)
    response.on('close', () => clearInterval(timer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    url: `http://127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
