import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Outbound } from '../../../app/outbound/index.ts'
import { testPerson } from '../../support/sharing-node.ts'
import { ask, json, startTestNode } from './test-node.ts'
import type { Answer, TestNode } from './test-node.ts'

const MiB = 1024 * 1024
let node: TestNode
let url: string

beforeAll(async () => {
  const outbound = new Outbound()
  node = await startTestNode({
    settings: { maxUploadBytes: 40 * MiB },
    limits: {
      uploadMinRateBytesPerSec: 1_000_000,
      uploadRateWindowMs: 300,
      lingerMs: 300,
      headersTimeoutMs: 1000,
    },
    // The addresses of these tests are on this machine; that others are refused is tested with the guard switched on.
    outbound: {
      request: (address, options) => {
        const allowPrivateHosts = (host: string): boolean => host === '127.0.0.1'
        return outbound.request(address, { ...options, allowPrivateHosts })
      },
    },
  })
  url = `${node.url}/api/media/upload`
})
afterAll(() => node.stop())

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const authorized = (): Record<string, string> => ({ authorization: `Bearer ${node.ownerToken}` })

type Part = readonly [name: string, value: string | Uint8Array, fileName?: string]

/** So many small fields. */
const repeated = (count: number): Part[] => Array.from({ length: count }, () => ['f', 'v'])

const BOUNDARY = 'sower-test-boundary'
function formBody(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(([name, value, fileName]) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"`,
    fileName === undefined ? '' : `; filename="${fileName}"\r\nContent-Type: application/octet-stream`,
    '\r\n\r\n',
    value,
    '\r\n',
  ])
  return Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece as string)))
}

function sendForm(parts: readonly Part[], headers: Record<string, string> = authorized()): Promise<Answer> {
  const body = formBody(parts)
  return ask(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': body.length,
      ...headers,
    },
  })
}

function sendJson(value: unknown, headers: Record<string, string> = authorized()): Promise<Answer> {
  return ask(url, {
    method: 'POST',
    body: JSON.stringify(value),
    headers: { 'content-type': 'application/json', ...headers },
  })
}

describe('an uploaded form', () => {
  it('becomes an item, with the fields before the file or after it', async () => {
    for (const isFileFirst of [true, false]) {
      const bytes = randomBytes(300_000)
      const fields: readonly Part[] = [
        ['name', isFileFirst ? 'sommarlov å.bin' : 'b.bin'],
        ['access_level', 'public'],
      ]
      const file: Part = ['file', bytes, 'original.bin']
      const answer = await sendForm(isFileFirst ? [file, ...fields] : [...fields, file])
      expect(answer.status).toBe(201)
      const body = json(answer) as Record<string, unknown>
      expect(body).toMatchObject({
        success: true,
        mediaId: sha256(bytes),
        did: `did:gun:media:${sha256(bytes)}`,
        encrypted: false,
        access_level: 'public',
        owner: node.owner,
        size: bytes.length,
        mime: 'application/octet-stream',
        originalName: fields[0]?.[1],
        httpUrl: `${node.url}/media/${sha256(bytes)}`,
        torrentAvailable: true,
      })
      expect(body['magnetURI']).toMatch(/^magnet:\?xt=urn:btih:/)
      expect(body['infoHash']).toMatch(/^[0-9a-f]{40}$/)
      expect(body).toHaveProperty(['transport', 'bittorrent', 'infoHash'], body['infoHash'])
      expect(body).toHaveProperty(['manifest', 'id'], sha256(bytes))
      const back = await ask(`${node.url}/media/${sha256(bytes)}`)
      expect(back.body.equals(bytes)).toBe(true)
    }
  })

  it('is encrypted when it says so, for its owner and whoever it names, before the file or after it', async () => {
    const contact = testPerson('a contact')
    const guest = testPerson('a guest')
    node.contacts.add(contact.card)
    const bytes = Buffer.concat([Buffer.from('CANARY'.repeat(20_000)), randomBytes(2 * MiB)])
    for (const [isFileFirst, recipients] of [
      [true, []],
      [false, []],
      [true, [contact.pair.pub, guest.card]],
      [false, [contact.owner]],
    ] as [boolean, string[]][]) {
      const fields: Part[] = [
        ['encrypt', 'true'],
        ...recipients.map((recipient): Part => ['recipients[]', recipient]),
      ]
      const file: Part = ['file', bytes, 'CANARY.txt']
      const answer = await sendForm(isFileFirst ? [file, ...fields] : [...fields, file])
      expect(answer.status).toBe(201)
      const body = json(answer) as { mediaId: string; manifest: Record<string, unknown> }
      const people = [contact.owner, guest.owner].slice(0, recipients.length)
      expect(body).toMatchObject({
        encrypted: true,
        access_level: recipients.length === 0 ? 'private' : 'shared',
        originalName: 'CANARY.txt',
        mime: 'text/plain',
        torrentAvailable: true,
        manifest: {
          mime: 'application/octet-stream',
          encryption: { enabled: true, plainSize: bytes.length },
          accessControl: people.length === 0 ? {} : { shared_with: people },
        },
      })
      expect(JSON.stringify(body.manifest)).not.toContain('CANARY')
      expect((await ask(`${node.url}/media/${body.mediaId}`)).status).toBe(404)
      const stored = await ask(`${node.url}/media/${body.mediaId}`, { headers: authorized() })
      expect(sha256(stored.body)).toBe(body.mediaId)
      expect(stored.body.includes('CANARY')).toBe(false)
    }
    expect(node.contacts.list().map(({ owner }) => owner)).toEqual([contact.owner])
    expect(await node.incoming()).toEqual([])
  })

  it('is shared whether the file comes before who it is for, after it, or in between', async () => {
    const contact = testPerson('somebody')
    node.contacts.add(contact.card)
    const shared: Part = ['access_level', 'shared']
    const recipient: Part = ['recipients[]', contact.owner]
    const bytes = Buffer.concat([Buffer.from('CANARY'.repeat(20_000)), randomBytes(20 * MiB)])
    const file: Part = ['file', bytes, 'film.bin']
    for (const parts of [
      [shared, file, recipient],
      [recipient, file, shared],
      [file, shared, recipient],
      [shared, recipient, file],
    ]) {
      const answer = await sendForm(parts)
      expect(answer.status, answer.body.toString()).toBe(201)
      expect(json(answer)).toMatchObject({ encrypted: true, access_level: 'shared' })
    }
    // With nobody to share with it is refused, and nothing is kept.
    const before = node.library.list().total
    for (const parts of [
      [shared, file],
      [file, shared],
    ]) {
      const answer = await sendForm(parts)
      expect(answer.status).toBe(400)
      expect(answer.body.toString()).toContain('needs somebody to share with')
    }
    expect(node.library.list().total).toBe(before)
    expect(await node.incoming()).toEqual([])
  })

  it('is private and has no torrent when it does not say', async () => {
    const bytes = randomBytes(1000)
    const body = json(await sendForm([['file', bytes, 'dagbok.txt']]))
    expect(body).toMatchObject({
      access_level: 'private',
      torrentAvailable: false,
      infoHash: null,
      magnetURI: null,
    })
    expect((await ask(`${node.url}/media/${sha256(bytes)}`)).status).toBe(404)
  })

  it('is recognised when its bytes are here already', async () => {
    const bytes = randomBytes(1000)
    await sendForm([['file', bytes, 'a']])
    const again = await sendForm([['file', bytes, 'b']])
    expect(again.status).toBe(200)
    expect(json(again)).toMatchObject({ mediaId: sha256(bytes), originalName: 'a', isDuplicate: true })
  })

  it.each([
    ['no file', [['name', 'x']], 400],
    ['the file in another field', [['picture', 'x', 'x.png']], 400],
    [
      'two files',
      [
        ['file', 'x', 'a'],
        ['file', 'y', 'b'],
      ],
      400,
    ],
    ['a hundred and one fields', [['file', 'x', 'a'], ...repeated(101)], 400],
    ['ten thousand parts', [...repeated(10_000), ['file', 'x', 'a']], 400],
    [
      'a long field',
      [
        ['file', 'x', 'a'],
        ['name', 'n'.repeat(16_385)],
      ],
      400,
    ],
    [
      'an unknown access level',
      [
        ['file', 'x', 'a'],
        ['access_level', 'everyone'],
      ],
      400,
    ],
    ['an empty file', [['file', '', 'a']], 422],
    [
      'a wish to be public and encrypted',
      [
        ['file', 'x', 'a'],
        ['encrypt', 'true'],
        ['access_level', 'public'],
      ],
      400,
    ],
    [
      'a recipient nobody knows',
      [
        ['file', 'x', 'a'],
        ['recipients[]', `02${'ab'.repeat(32)}`],
      ],
      400,
    ],
    [
      'a damaged card',
      [
        ['recipients[]', 'sower://card/e30'],
        ['file', 'x', 'a'],
      ],
      422,
    ],
  ] as [string, Part[], number][])('with %s is refused and leaves nothing', async (_what, parts, status) => {
    const before = node.library.list().total
    const answer = await sendForm(parts)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(json(answer)).toMatchObject({ status })
    expect(answer.body.toString()).toMatch(/"code":"[A-Z_]+","error":"\S/)
    expect(await node.incoming()).toEqual([])
    expect(node.library.list().total).toBe(before)
  })

  it('without a boundary, or that ends too early, is refused', async () => {
    const headers = { ...authorized(), 'content-type': 'multipart/form-data' }
    expect((await ask(url, { method: 'POST', body: 'x', headers })).status).toBe(400)
    const cut = formBody([['file', randomBytes(5000), 'a']]).subarray(0, 3000)
    const cutHeaders = { ...authorized(), 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    expect((await ask(url, { method: 'POST', body: cut, headers: cutHeaders })).status).toBe(400)
    expect(await node.incoming()).toEqual([])
  })

  it('that is too large is refused before it is read, or while it is when it does not say', async () => {
    const headers = { ...authorized(), 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    const declared = await ask(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(500 * MiB), expect: '100-continue' },
    }).catch(() => undefined)
    expect(declared?.status ?? 413).toBe(413)
    const body = formBody([['file', Buffer.alloc(41 * MiB), 'zeros']])
    const chunked = await ask(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'transfer-encoding': 'chunked' },
    })
    expect(chunked.status).toBe(413)
    expect(json(chunked)).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    expect(await node.incoming()).toEqual([])
  })
})

describe('who may upload', () => {
  it('is the owner alone', async () => {
    const parts: Part[] = [['file', 'x', 'a']]
    expect((await sendForm(parts, {})).status).toBe(401)
    expect((await sendForm(parts, { authorization: 'Bearer nonsense' })).status).toBe(401)
    expect((await sendForm(parts, { authorization: `Bearer ${node.controlToken}` })).status).toBe(401)
  })

  it('is told before the body is sent (Expect: 100-continue)', async () => {
    const answer = await rawUpload(['Expect: 100-continue', 'Content-Length: 1000'])
    expect(answer).toMatch(/^HTTP\/1.1 401/)
    const invited = await rawUpload([
      'Expect: 100-continue',
      'Content-Length: 5',
      `Authorization: Bearer ${node.ownerToken}`,
    ])
    expect(invited).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\n/)
  })

  function rawUpload(lines: readonly string[]): Promise<string> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.write(
        [
          'POST /api/media/upload HTTP/1.1',
          'Host: x',
          `Content-Type: multipart/form-data; boundary=x`,
          ...lines,
          '',
          '',
        ].join('\r\n'),
      )
      socket.once('data', (data) => {
        socket.destroy()
        resolve(data.toString())
      })
      socket.on('error', reject)
    })
  }
})

describe('a full disk', () => {
  it('is answered 507, nothing half-written, and serving goes on', async () => {
    const full = await startTestNode({ reserveBytes: 2 ** 60 })
    try {
      const body = formBody([['file', randomBytes(300_000), 'a.bin']])
      const answer = await ask(`${full.url}/api/media/upload`, {
        method: 'POST',
        body,
        headers: {
          authorization: `Bearer ${full.ownerToken}`,
          'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        },
      })
      expect(answer.status).toBe(507)
      expect(json(answer)).toMatchObject({ code: 'DISK_FULL' })
      expect(await full.incoming()).toEqual([])
      expect((await ask(`${full.url}/health`)).status).toBe(200)
    } finally {
      await full.stop()
    }
  })
})

describe('bodies this node does not take', () => {
  it('are compressed or of another type', async () => {
    const headers = { ...authorized(), 'content-encoding': 'gzip' }
    expect((await sendForm([['file', 'x', 'a']], headers)).status).toBe(415)
    expect((await sendJson({ source: 'base64', data: '' }, headers)).status).toBe(415)
    for (const type of ['text/plain', 'application/octet-stream', '']) {
      expect(
        (await ask(url, { method: 'POST', body: 'x', headers: { ...authorized(), 'content-type': type } }))
          .status,
      ).toBe(415)
    }
  })
})

describe('base64', () => {
  it('becomes an item', async () => {
    const bytes = randomBytes(100_001)
    const answer = await sendJson({
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
    expect((await sendJson(value)).status).toBe(400)
    expect(await node.incoming()).toEqual([])
  })

  it('is encrypted when it says so', async () => {
    const answer = await sendJson({ source: 'base64', data: 'QUJD', encrypt: true, name: 'abc.txt' })
    expect(answer.status).toBe(201)
    expect(json(answer)).toMatchObject({
      encrypted: true,
      access_level: 'private',
      size: 19,
      originalName: 'abc.txt',
    })
  })

  it('of 33 MiB is too large', async () => {
    const answer = await sendJson({ source: 'base64', data: 'A'.repeat(33 * MiB) })
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
      const answer = await sendJson({ source: 'url', url: `http://127.0.0.1:${port}/files/some%20film.bin` })
      expect(answer.status).toBe(201)
      expect(json(answer)).toMatchObject({
        mediaId: sha256(bytes),
        originalName: 'some film.bin',
        size: bytes.length,
      })
      const absent = await sendJson({ source: 'url', url: `http://127.0.0.1:${port}/nothing` })
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
      const answer = await ask(`${guarded.url}/api/media/upload`, {
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

describe('an upload that drips', () => {
  it('is cut and leaves nothing', async () => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const body = formBody([['file', Buffer.alloc(1_000_000), 'slow']])
    socket.write(
      `POST /api/media/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.ownerToken}\r\n` +
        `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    let sent = 0
    const drip = setInterval(() => socket.write(body.subarray(sent, (sent += 100))), 10)
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString())).on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(drip)
    expect(answer).toMatch(/^HTTP\/1.1 408/)
    expect(await node.incoming()).toEqual([])
  })
})
