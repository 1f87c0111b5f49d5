import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode } from '../integration/http/test-node.ts'
import type { TestNode } from '../integration/http/test-node.ts'

const SCRIPT = "document.title='ran';fetch('/health?ran')"
const GIF = '47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b'

/** Files that are more than one thing, each with a script that gives itself away. */
const polyglots: readonly (readonly [what: string, name: string, bytes: Buffer])[] = [
  ['a page', 'page.html', Buffer.from(`<!doctype html><script>${SCRIPT}</script>`)],
  ['a page named as a video', 'film.mp4', Buffer.from(`<html><script>${SCRIPT}</script></html>`)],
  ['a page named as a picture', 'photo.png', Buffer.from(`\n\n  <body onload="${SCRIPT}">`)],
  [
    'a picture that is a page',
    'dot.gif',
    Buffer.concat([Buffer.from(GIF, 'hex'), Buffer.from(`<script>${SCRIPT}</script>`)]),
  ],
  ['a picture that is a script', 'dot.gif', Buffer.from(`GIF89a/*${'\0'.repeat(30)}*/=0;${SCRIPT}`)],
  [
    'a drawing with a script',
    'd.svg',
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" onload="${SCRIPT}"><script>${SCRIPT}</script></svg>`,
    ),
  ],
  [
    'a page as XML',
    'p.xml',
    Buffer.from(
      `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>${SCRIPT}</script></html>`,
    ),
  ],
  ['a script', 's.js', Buffer.from(SCRIPT)],
  ['text', 't.txt', Buffer.from(`<script>${SCRIPT}</script>`)],
]

let node: TestNode
let browser: Browser
let embedder: string
const bodies = new Map<string, string>()
const server = createServer((req, res) => {
  res.setHeader('content-type', 'text/html').end(bodies.get(req.url ?? '') ?? '')
})

beforeAll(async () => {
  node = await startTestNode()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A port is enough to be another origin; Chromium blocks nothing of it for us.
  embedder = `http://localhost:${(server.address() as AddressInfo).port}`
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
    ],
  })
})
afterAll(async () => {
  await browser.close()
  server.close()
  await node.stop()
})

describe('in Chromium', () => {
  it.each(polyglots)('%s never runs, opened or embedded', async (_what, name, bytes) => {
    const { mediaId } = await node.add(bytes, { name })
    const url = `${node.url}/media/${mediaId}`
    const page = await browser.newPage()
    const requested: string[] = []
    page.on('request', (request) => requested.push(request.url()))
    // A download ends the navigation with an error; that is the right end.
    await page.goto(url).catch(() => undefined)
    expect(await page.title()).not.toBe('ran')

    bodies.set(
      `/${mediaId}`,
      `<title>host</title><iframe src="${url}"></iframe><object data="${url}"></object><embed src="${url}">`,
    )
    await page.goto(`${embedder}/${mediaId}`, { waitUntil: 'load' })
    await expect.poll(() => requested.filter((asked) => asked === url).length).toBeGreaterThan(1)
    await page.waitForLoadState('networkidle')
    expect(requested.filter((asked) => asked.includes('ran'))).toEqual([])
    await page.close()
  })

  it('their script does run where nothing stops it', async () => {
    bodies.set('/unguarded', String(polyglots[0]?.[2]))
    const page = await browser.newPage()
    await page.goto(`${embedder}/unguarded`)
    expect(await page.title()).toBe('ran')
    await page.close()
  })

  it('none of them runs as another page’s script', async () => {
    for (const [, name, bytes] of polyglots) {
      const { mediaId } = await node.add(bytes, { name })
      bodies.set('/script', `<title>host</title><script src="${node.url}/media/${mediaId}"></script>`)
      const page = await browser.newPage()
      await page.goto(`${embedder}/script`, { waitUntil: 'load' })
      expect(await page.title(), name).toBe('host')
      await page.close()
    }
  })

  it('a picture is shown, and a page of another origin may read public bytes', async () => {
    const { mediaId } = await node.add(Buffer.from(GIF, 'hex'), { name: 'dot.gif' })
    const url = `${node.url}/media/${mediaId}`
    const page = await browser.newPage()
    await page.goto(embedder)
    const width = await page.evaluate(
      `new Promise((resolve) => { const image = new Image(); image.onload = () => resolve(image.naturalWidth); image.onerror = () => resolve(0); image.src = '${url}' })`,
    )
    expect(width).toBe(1)
    expect(
      await page.evaluate(
        `fetch('${url}').then((answer) => answer.arrayBuffer()).then((bytes) => bytes.byteLength)`,
      ),
    ).toBe(GIF.length / 2)
    await page.close()
  })
})
