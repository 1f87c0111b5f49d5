import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testPerson } from '../../support/sharing-node.ts'
import {
  authorized,
  BOUNDARY,
  formBody,
  sendForm,
  sendJson,
  startUploadNode,
  uploadUrl,
} from '../../support/uploading.ts'
import type { Part } from '../../support/uploading.ts'
import { ask, json, startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

const MiB = 1024 * 1024
let node: TestNode
let url: string

beforeAll(async () => {
  node = await startUploadNode()
  url = uploadUrl(node)
})
afterAll(() => node.stop())

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** So many small fields. */
const repeated = (count: number): Part[] => Array.from({ length: count }, () => ['f', 'v'])

describe('an uploaded form', () => {
  it('becomes an item, with the fields before the file or after it', async () => {
    for (const isFileFirst of [true, false]) {
      const bytes = randomBytes(300_000)
      const fields: readonly Part[] = [
        ['name', isFileFirst ? 'sommarlov å.bin' : 'b.bin'],
        ['access_level', 'public'],
      ]
      const file: Part = ['file', bytes, 'original.bin']
      const answer = await sendForm(node, isFileFirst ? [file, ...fields] : [...fields, file])
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
      const answer = await sendForm(node, isFileFirst ? [file, ...fields] : [...fields, file])
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
      const stored = await ask(`${node.url}/media/${body.mediaId}`, { headers: authorized(node) })
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
      const answer = await sendForm(node, parts)
      expect(answer.status, answer.body.toString()).toBe(201)
      expect(json(answer)).toMatchObject({ encrypted: true, access_level: 'shared' })
    }
    // With nobody to share with it is refused, and nothing is kept.
    const before = node.library.list().total
    for (const parts of [
      [shared, file],
      [file, shared],
    ]) {
      const answer = await sendForm(node, parts)
      expect(answer.status).toBe(400)
      expect(answer.body.toString()).toContain('needs somebody to share with')
    }
    expect(node.library.list().total).toBe(before)
    expect(await node.incoming()).toEqual([])
  })

  it('is private and has no torrent when it does not say', async () => {
    const bytes = randomBytes(1000)
    const body = json(await sendForm(node, [['file', bytes, 'dagbok.txt']]))
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
    await sendForm(node, [['file', bytes, 'a']])
    const again = await sendForm(node, [['file', bytes, 'b']])
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
    const answer = await sendForm(node, parts)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(json(answer)).toMatchObject({ status })
    expect(answer.body.toString()).toMatch(/"code":"[A-Z_]+","error":"\S/)
    expect(await node.incoming()).toEqual([])
    expect(node.library.list().total).toBe(before)
  })

  it('without a boundary, or that ends too early, is refused', async () => {
    const headers = { ...authorized(node), 'content-type': 'multipart/form-data' }
    expect((await ask(url, { method: 'POST', body: 'x', headers })).status).toBe(400)
    const cut = formBody([['file', randomBytes(5000), 'a']]).subarray(0, 3000)
    const cutHeaders = { ...authorized(node), 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    expect((await ask(url, { method: 'POST', body: cut, headers: cutHeaders })).status).toBe(400)
    expect(await node.incoming()).toEqual([])
  })

  it('that is too large is refused before it is read, or while it is when it does not say', async () => {
    const headers = { ...authorized(node), 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
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
    expect((await sendForm(node, parts, {})).status).toBe(401)
    expect((await sendForm(node, parts, { authorization: 'Bearer nonsense' })).status).toBe(401)
    expect((await sendForm(node, parts, { authorization: `Bearer ${node.controlToken}` })).status).toBe(401)
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
    const headers = { ...authorized(node), 'content-encoding': 'gzip' }
    expect((await sendForm(node, [['file', 'x', 'a']], headers)).status).toBe(415)
    expect((await sendJson(node, { source: 'base64', data: '' }, headers)).status).toBe(415)
    for (const type of ['text/plain', 'application/octet-stream', '']) {
      expect(
        (
          await ask(url, {
            method: 'POST',
            body: 'x',
            headers: { ...authorized(node), 'content-type': type },
          })
        ).status,
      ).toBe(415)
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
