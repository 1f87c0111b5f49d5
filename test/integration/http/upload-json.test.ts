import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendJson, startUploadNode, uploadUrl } from '../../support/uploading.ts'
import { ask, json, startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

const MiB = 1024 * 1024
let node: TestNode

beforeAll(async () => {
  node = await startUploadNode()
})
afterAll(() => node.stop())

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('base64', () => {
  it('becomes an item', async () => {
    const bytes = randomBytes(100_001)
    const answer = await sendJson(node, {
      source: 'base64',
      data: bytes.toString('base64'),
      name: 'b.bin',
      access_level: 'public',
    })
    expect(answer.status).toBe(201)
    expect(json(answer)).toMatchObject({
      mediaId: sha256(bytes),
      originalName: 'b.bin',
      access_level: 'public',
    })
  })

  it.each([
    [{ source: 'base64' }],
    [{ source: 'base64', data: '%%%' }],
    [{ source: 'base64', data: 'QUJD', access_level: 'shared' }],
    [{ source: 'base64', data: 'QUJD', encrypt: true, access_level: 'public' }],
    [{ source: 'file', path: '/etc/passwd' }],
    [{ source: 'url', url: 'file:///etc/passwd' }],
    [{ source: 'url', url: 'ftp://example.org/x' }],
    [{ source: 'base64', data: 'QUJD', recipients: ['x'] }],
    [{}],
    [[]],
    [null],
  ])('refuses %j', async (value) => {
    expect((await sendJson(node, value)).status).toBe(400)
    expect(await node.incoming()).toEqual([])
  })

  it('is encrypted when it says so', async () => {
    const answer = await sendJson(node, { source: 'base64', data: 'QUJD', encrypt: true, name: 'abc.txt' })
    expect(answer.status).toBe(201)
    expect(json(answer)).toMatchObject({
      encrypted: true,
      access_level: 'private',
      size: 19,
      originalName: 'abc.txt',
    })
  })

  it('of 33 MiB is too large', async () => {
    const answer = await sendJson(node, { source: 'base64', data: 'A'.repeat(33 * MiB) })
    expect(answer.status).toBe(413)
  })
})

describe('an address', () => {
  it('is fetched and becomes an item', async () => {
    const bytes = randomBytes(700_000)
    const source = createServer((req, res) => {
      if (req.url === '/files/some%20film.bin') res.end(bytes)
      else res.writeHead(404).end()
    })
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve))
    const { port } = source.address() as AddressInfo
    try {
      const answer = await sendJson(node, {
        source: 'url',
        url: `http://127.0.0.1:${port}/files/some%20film.bin`,
      })
      expect(answer.status).toBe(201)
      expect(json(answer)).toMatchObject({
        mediaId: sha256(bytes),
        originalName: 'some film.bin',
        size: bytes.length,
      })
      const absent = await sendJson(node, { source: 'url', url: `http://127.0.0.1:${port}/nothing` })
      expect(absent.status).toBe(502)
      expect(json(absent)).toMatchObject({ code: 'SOURCE_FAILED' })
    } finally {
      source.close()
    }
  })

  it.each([
    'http://localhost/x',
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/',
    'http://2130706433/',
    'http://127.0.0.1:1/',
  ])('of this or a private network is refused: %s', async (address) => {
    const guarded = await startTestNode()
    try {
      const answer = await ask(uploadUrl(guarded), {
        method: 'POST',
        body: JSON.stringify({ source: 'url', url: address }),
        headers: { authorization: `Bearer ${guarded.ownerToken}`, 'content-type': 'application/json' },
      })
      expect(answer.status).toBe(422)
      expect(json(answer)).toMatchObject({ code: 'UNSAFE_ADDRESS' })
    } finally {
      await guarded.stop()
    }
  })
})
