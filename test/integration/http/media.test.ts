import { randomBytes, createHash } from 'node:crypto'
import { appendFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { parseMetainfo } from '../../../app/seeding/index.ts'
import { ask, askRaw, json, startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

const CONTENT = randomBytes(1_500_007)
const GIF = Buffer.from(
  '47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b',
  'hex',
)
let node: TestNode
let mediaUrl: string
let mediaId: string
let privateId: string
const ABSENT = 'ab'.repeat(32)

beforeAll(async () => {
  node = await startTestNode()
  ;({ mediaId } = await node.add(CONTENT, { name: 'päivä.bin' }))
  privateId = (await node.add(randomBytes(5000), { name: 'diary.txt', accessLevel: 'private' })).mediaId
  mediaUrl = `${node.url}/media/${mediaId}`
})
afterAll(() => node.stop())

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
})

describe('GET /media/:mediaId', () => {
  it('gives all bytes with a strong ETag and for ever', async () => {
    const answer = await ask(mediaUrl)
    expect(answer.status).toBe(200)
    expect(createHash('sha256').update(answer.body).digest('hex')).toBe(mediaId)
    expect(answer.headers).toMatchObject({
      etag: `"${mediaId}"`,
      'accept-ranges': 'bytes',
      'content-length': String(CONTENT.length),
      'cache-control': 'public, max-age=31536000, immutable',
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="p_iv_.bin"; filename*=UTF-8''p%C3%A4iv%C3%A4.bin`,
    })
    expect(answer.headers).not.toHaveProperty('last-modified')
    expect(answer.headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/)
  })

  it('answers the same under the alias and to HEAD without a body', async () => {
    const { status, headers } = await ask(mediaUrl)
    const alias = await ask(`${node.url}/api/media/${mediaId}`)
    expect(alias.body.equals(CONTENT)).toBe(true)
    const head = await ask(mediaUrl, { method: 'HEAD' })
    expect(head.body).toHaveLength(0)
    expect({ status: head.status, ...head.headers, date: '' }).toEqual({ status, ...headers, date: '' })
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=-1', CONTENT.length - 1, CONTENT.length],
    ['bytes=100-199', 100, 200],
    ['bytes=65536-', 65_536, CONTENT.length],
    ['bytes=524287-1048576', 524_287, 1_048_577],
    ['bytes=1500000-9999999', 1_500_000, CONTENT.length],
  ])('gives %s alone', async (range, start, end) => {
    const answer = await ask(mediaUrl, { headers: { range } })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${CONTENT.length}`)
    expect(answer.headers['content-length']).toBe(String(end - start))
    expect(answer.body.equals(CONTENT.subarray(start, end))).toBe(true)
  })

  it.each([
    ['two ranges', 'bytes=0-0,5-6'],
    ['a thousand ranges', `bytes=${Array(1000).fill('0-0').join(',')}`],
    ['a broken range', 'bytes=x'],
    ['another unit', 'items=0-1'],
  ])('answers %s with everything', async (_what, range) => {
    const answer = await ask(mediaUrl, { headers: { range } })
    expect(answer.status).toBe(200)
    expect(answer.body.equals(CONTENT)).toBe(true)
  })

  it.each([`bytes=${CONTENT.length}-`, 'bytes=-0', 'bytes=99999999999999999999-'])(
    'refuses %s',
    async (range) => {
      const answer = await ask(mediaUrl, { headers: { range } })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${CONTENT.length}`)
      expect(json(answer)).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' })
    },
  )

  it('keeps the range only for the same bytes (If-Range)', async () => {
    const range = 'bytes=0-9'
    const same = await ask(mediaUrl, { headers: { range, 'if-range': `"${mediaId}"` } })
    expect(same.status).toBe(206)
    for (const other of [`W/"${mediaId}"`, '"other"', new Date().toUTCString()]) {
      expect((await ask(mediaUrl, { headers: { range, 'if-range': other } })).status).toBe(200)
    }
  })

  it('tells a client that has the bytes already (If-None-Match)', async () => {
    for (const tag of [`"${mediaId}"`, `W/"${mediaId}"`, '*', `"x", "${mediaId}"`]) {
      const answer = await ask(mediaUrl, { headers: { 'if-none-match': tag, range: 'bytes=0-1' } })
      expect(answer.status).toBe(304)
      expect(answer.body).toHaveLength(0)
      expect(answer.headers.etag).toBe(`"${mediaId}"`)
    }
    expect((await ask(mediaUrl, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
  })

  it('takes no other methods', async () => {
    const answer = await ask(mediaUrl, { method: 'DELETE' })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })

  it('counts what it sent as uploaded', async () => {
    const before = node.library.get(mediaId)?.uploadedBytes ?? 0
    await ask(mediaUrl, { headers: { range: 'bytes=0-99' } })
    expect((node.library.get(mediaId)?.uploadedBytes ?? 0) - before).toBe(100)
  })

  it('shows a picture in place and hands out a page as a download', async () => {
    const picture = await node.add(GIF, { name: 'dot.gif' })
    const shown = await ask(`${node.url}/media/${picture.mediaId}`)
    expect(shown.headers['content-type']).toBe('image/gif')
    expect(shown.headers['content-disposition']).toBe('inline; filename="dot.gif"')
    const page = await node.add(Buffer.from('<!doctype html><script>alert(1)</script>'), { name: 'film.mp4' })
    const handedOut = await ask(`${node.url}/media/${page.mediaId}`)
    expect(handedOut.headers['content-type']).toBe('application/octet-stream')
    expect(handedOut.headers['content-disposition']).toMatch(/^attachment;/)
  })
})

describe('private items', () => {
  it('are their owner’s alone, and kept by nobody', async () => {
    const answer = await ask(`${node.url}/media/${privateId}`, bearer(node.ownerToken))
    expect(answer.status).toBe(200)
    expect(answer.body).toHaveLength(5000)
    expect(answer.headers['cache-control']).toBe('private, no-store')
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin')
  })

  it.each([
    '/media/ID',
    '/api/media/ID',
    '/api/media/ID/info',
    '/api/media/ID/torrent',
    '/media/manifest?id=ID',
  ])('look to strangers like what is not there: %s', async (path) => {
    for (const method of ['GET', 'HEAD']) {
      for (const headers of [{}, { range: 'bytes=0-1' }, { 'if-none-match': `"${privateId}"` }]) {
        const hidden = await ask(node.url + path.replace('ID', privateId), { method, headers })
        const absent = await ask(node.url + path.replace('ID', ABSENT), { method, headers })
        expect(hidden.status).toBe(404)
        const comparable = ({ rawHeaders }: typeof hidden): string[] =>
          rawHeaders.filter((_, index) => rawHeaders[index - 1] !== 'Date')
        expect(comparable(hidden)).toEqual(comparable(absent))
        expect(hidden.body.equals(absent.body)).toBe(true)
      }
    }
  })

  it('take no longer to refuse than what is not there', async () => {
    const times: Record<string, number[]> = { [privateId]: [], [ABSENT]: [] }
    for (let round = 0; round < 150; round += 1) {
      for (const id of [privateId, ABSENT]) {
        const start = performance.now()
        await ask(`${node.url}/media/${id}`)
        times[id]?.push(performance.now() - start)
      }
    }
    const median = (id: string): number => times[id]?.toSorted((a, b) => a - b)[75] ?? NaN
    // Each round asks for both, so a busy machine slows both alike.
    expect(Math.abs(median(privateId) - median(ABSENT))).toBeLessThan(Math.max(1, median(ABSENT) / 2))
  })

  it('take no longer to refuse, however long it takes to look them up', async () => {
    const slow = await startTestNode({ limits: { notFoundAfterMs: 400 } })
    try {
      const hidden = await slow.add(randomBytes(500), { name: 'diary.txt', accessLevel: 'private' })
      const get = slow.library.get.bind(slow.library)
      slow.library.get = (...args) => {
        const row = get(...args)
        const until = performance.now() + (row === undefined ? 0 : 100)
        while (performance.now() < until);
        return row
      }
      const askFor = async (id: string): Promise<number> => {
        const start = performance.now()
        expect((await ask(`${slow.url}/media/${id}`)).status).toBe(404)
        return performance.now() - start
      }
      const absentMs = await askFor(ABSENT)
      expect(absentMs).toBeGreaterThan(390)
      // Looked up twice, it would be 200 ms later.
      expect(Math.abs((await askFor(hidden.mediaId)) - absentMs)).toBeLessThan(100)
    } finally {
      await slow.stop()
    }
  })

  it.each(['nonsense', 'a.b.c', ''])(
    'refuse the bad token %j with 401, whatever is asked for',
    async (token) => {
      for (const id of [privateId, ABSENT, mediaId]) {
        const answer = await ask(`${node.url}/media/${id}`, bearer(token))
        expect(answer.status).toBe(401)
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
        expect(json(answer)).toMatchObject({ code: 'UNAUTHORIZED', status: 401 })
      }
    },
  )

  it('have no torrent, not even for their owner', async () => {
    const answer = await ask(`${node.url}/api/media/${privateId}/torrent`, bearer(node.ownerToken))
    expect(answer.status).toBe(404)
  })
})

describe('ids', () => {
  it('that are none never reach the disk, and are answered like what is not there', async () => {
    const odd = fc.oneof(
      fc.string({
        unit: fc.constantFrom(
          '..',
          '/',
          '%2e',
          '%2f',
          '%5c',
          '%00',
          '\\',
          '.',
          'a',
          '0',
          '%c0%ae',
          ';',
          '?',
          '#',
        ),
      }),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 60, maxLength: 68 }),
      fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'.split('')), minLength: 64, maxLength: 64 }),
    )
    const ids = fc.sample(odd, { numRuns: 10_000, seed: 7 }).filter((id) => id !== mediaId)
    const lane = async (): Promise<void> => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        // On one line of the request as it is: fetch() and URL would tidy it up first.
        const path = `/media/${id}`.replace(/[^\x21-\x7e]/g, '')
        const answer = await askRaw(node.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        expect(answer.slice(0, 12), path).toBe('HTTP/1.1 404')
      }
    }
    await Promise.all(Array.from({ length: 8 }, lane))
  })
})

describe('names', () => {
  it('never become a second header line', async () => {
    const evil = [
      'a\r\nSet-Cookie: x=1',
      'a\nX: 1',
      'a\u2028b',
      '"; filename="x.exe',
      '\u202egpj.exe',
      'x'.repeat(300),
      '../../x',
      '\u0000',
    ]
    for (const [index, name] of [
      ...evil,
      ...fc.sample(fc.string({ unit: 'binary', maxLength: 60 }), { numRuns: 60, seed: 3 }),
    ].entries()) {
      const row = await node.add(Buffer.from(`name ${index}`), { name })
      const raw = await askRaw(
        node.url,
        `HEAD /media/${row.mediaId} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      const lines = raw.split('\r\n').filter((line) => line !== '')
      expect(lines[0]).toBe('HTTP/1.1 200 OK')
      expect(lines.filter((line) => /^content-disposition:/i.test(line))).toHaveLength(1)
      expect(
        lines.slice(1).every((line) => /^[A-Za-z-]+: [\x20-\x7e]*$/.test(line)),
        name,
      ).toBe(true)
      expect(raw).not.toMatch(/^(set-cookie|x):/im)
    }
  })
})

describe('files that are not what they were', () => {
  it('are not served any more', async () => {
    const changed = await node.add(randomBytes(2000))
    await appendFile(node.folder.paths(changed.mediaId).original, 'x')
    const answer = await ask(`${node.url}/media/${changed.mediaId}`)
    expect(answer.status).toBe(404)
    expect(json(answer)).toMatchObject({ code: 'NOT_FOUND' })

    const missing = await node.add(randomBytes(2000))
    await rm(node.folder.paths(missing.mediaId).original)
    expect((await ask(`${node.url}/media/${missing.mediaId}`)).status).toBe(404)
  })
})

describe('GET /api/media/:mediaId/info and /media/manifest', () => {
  it('tells what OIP’s clients read, and the signed manifest, without a path of this machine', async () => {
    const answer = await ask(`${node.url}/api/media/${mediaId}/info`)
    const info = json(answer) as Record<string, unknown>
    expect(info).toMatchObject({
      mediaId,
      originalName: 'päivä.bin',
      mimeType: 'application/octet-stream',
      fileSize: CONTENT.length,
      httpUrl: mediaUrl,
      userPublicKey: node.owner,
      accessLevel: 'public',
    })
    for (const key of ['magnetURI', 'infoHash', 'createdAt', 'seeding', 'manifest'])
      expect(info).toHaveProperty(key)
    expect(answer.body.toString()).not.toContain(node.dir)
    const manifest = await ask(`${node.url}/media/manifest?id=${mediaId}`)
    expect(json(manifest)).toEqual(info['manifest'])
    expect(manifest.headers['access-control-allow-origin']).toBe('*')
  })
})

describe('GET /api/media/:mediaId/torrent', () => {
  it('gives the metainfo of a public item', async () => {
    const answer = await ask(`${node.url}/api/media/${mediaId}/torrent`)
    expect(answer.headers['content-type']).toBe('application/x-bittorrent')
    expect(parseMetainfo(answer.body)).toMatchObject({
      infoHash: node.library.get(mediaId)?.infoHash,
      sizeBytes: CONTENT.length,
    })
  })
})

describe('GET /health and /openapi.json', () => {
  it('tells strangers nothing but that it is well, and the owner the counters', async () => {
    const stranger = json(await ask(`${node.url}/health`)) as object
    expect(Object.keys(stranger).toSorted()).toEqual(['status', 'timestamp'])
    const owner = json(await ask(`${node.url}/health`, bearer(node.ownerToken)))
    expect(owner).toMatchObject({ status: 'healthy', peers: 3, mediaFiles: node.library.list().counts.all })
    expect((await ask(`${node.url}/health`, bearer('x.y.z'))).status).toBe(401)
  })

  it('describes itself', async () => {
    const document = json(await ask(`${node.url}/openapi.json`))
    expect(document).toMatchObject({ openapi: '3.1.0' })
  })

  it('knows no control routes', async () => {
    for (const path of ['/rpc/node.status', '/events', '/', '/metrics']) {
      expect((await ask(node.url + path, bearer(node.controlToken))).status).toBe(404)
    }
  })
})
