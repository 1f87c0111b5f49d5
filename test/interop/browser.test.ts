import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { expect, test } from 'vitest'
import { magnetURI } from '../../app/seeding/index.ts'
import { makeSample } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'

const bundle = fileURLToPath(new URL('../../node_modules/webtorrent/dist/webtorrent.min.js', import.meta.url))

test('a page in Chromium with the stock webtorrent bundle downloads a seed over WebRTC', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using sower = await startSwarm({ trackers: [tracker.ws] })
  const sample = await makeSample({ dir: dir.path, sizeBytes: 3_000_001 })
  sower.seed(sample)
  const { numwant } = await tracker.seen(
    ({ infoHash, kind }) => kind === 'start' && infoHash === sample.infoHash,
  )
  expect(numwant).toBe(0)

  await using page = await openPage()
  const magnet = magnetURI({ ...sample, trackers: [tracker.ws] })
  const got = await page.download(magnet)
  expect(createHash('sha256').update(Buffer.from(got, 'base64')).digest('hex')).toBe(sample.mediaId)
  expect(sower.swarm.totals()).toMatchObject({ peersWebrtc: 1, peersTcp: 0, uploadedBytes: sample.sizeBytes })
  expect(sower.swarm.peers(sample.infoHash)).toMatchObject([
    { kind: 'webrtc', uploadedBytes: sample.sizeBytes },
  ])
})

interface Page extends AsyncDisposable {
  /** @returns the file, base64 */
  download(magnet: string): Promise<string>
}

/** Debian's Chromium on an empty page beside the bundle. */
async function openPage(): Promise<Page> {
  const script = await readFile(bundle)
  const server = createServer((request, response) => {
    const isBundle = request.url === '/webtorrent.min.js'
    response.setHeader('content-type', isBundle ? 'text/javascript' : 'text/html')
    response.end(isBundle ? script : '<!doctype html><title>page</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ],
  })
  const page = await browser.newPage()
  const { port } = server.address() as AddressInfo // it listens on TCP
  await page.goto(`http://127.0.0.1:${String(port)}/`)
  return {
    download: (magnet) => page.evaluate(`(${downloadInPage})(${JSON.stringify(magnet)})`) as Promise<string>, // see there
    [Symbol.asyncDispose]: async () => {
      await browser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Runs in the page, so it is text: nothing of this file is there. */
const downloadInPage = `async (magnet) => {
  const { default: WebTorrent } = await import('/webtorrent.min.js')
  const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
  const torrent = client.add(magnet)
  await new Promise((resolve, reject) => { torrent.on('done', resolve); torrent.on('error', reject); client.on('error', reject) })
  const bytes = new Uint8Array(await (await torrent.files[0].blob()).arrayBuffer())
  let text = ''
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768))
  return btoa(text)
}`
