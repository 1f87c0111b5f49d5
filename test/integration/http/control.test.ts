import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, askRaw, json, startTestNode } from './test-node.ts'
import type { Answer, TestNode } from './test-node.ts'

const CONTENT = randomBytes(3000)
let node: TestNode
let pageDir: string
let mediaId: string
let host: string

beforeAll(async () => {
  pageDir = await mkdtemp(join(tmpdir(), 'sower-page-'))
  await mkdir(join(pageDir, 'assets'))
  await writeFile(join(pageDir, 'index.html'), '<!doctype html><title>Sower</title>')
  await writeFile(join(pageDir, 'assets', 'app.js'), 'export {}')
  node = await startTestNode({
    rendererDir: pageDir,
    limits: { eventHeartbeatMs: 50, eventBacklogBytes: 200_000, eventClients: 3 },
  })
  ;({ mediaId } = await node.add(CONTENT, { accessLevel: 'private' }))
  host = new URL(node.controlUrl).host
})
afterAll(async () => {
  await node.stop()
  await rm(pageDir, { recursive: true, force: true })
})

const authorized = (): Record<string, string> => ({ authorization: `Bearer ${node.controlToken}` })

function call(name: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(`${node.controlUrl}/rpc/${name}`, {
    method: 'POST',
    body,
    headers: { ...authorized(), 'content-type': 'application/json', ...headers },
  })
}

describe('POST /rpc/<name>', () => {
  it('answers with a reply of the contract', async () => {
    const answer = await call('node.status', '{}')
    expect(answer.status).toBe(200)
    expect(json(answer)).toMatchObject({ ok: true, value: { nodeId: '0'.repeat(40) } })
  })

  it('fills in defaults', async () => {
    expect(json(await call('library.list', '{}'))).toMatchObject({ ok: true, value: { total: 1 } })
  })

  it.each([
    ['node.status', 'nonsense', 400],
    ['node.status', '[]', 400],
    ['library.get', '{}', 400],
    ['library.get', '{"mediaId":"x"}', 400],
    ['library.list', '{"limit":100000}', 400],
    ['library.list', '{"surprise":1}', 400],
    ['no.such', '{}', 404],
    ['__proto__', '{}', 404],
    ['constructor', '{}', 404],
    ['toString', '{}', 404],
  ])('refuses %s of %s with %i', async (name, body, status) => {
    const answer = await call(name, body)
    expect(answer.status).toBe(status)
    expect(answer.body.toString()).toMatch(/"code":"(BAD_REQUEST|NOT_FOUND)"/)
  })

  it('refuses a body nested too deeply before anybody looks at it', async () => {
    const answer = await call('library.list', `{"search":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)
    expect(answer.status).toBe(400)
    expect(answer.body.toString()).toContain('nested too deeply')
  })

  it('passes on what a handler refuses with, and nothing of its bugs', async () => {
    const refused = await call('library.get', JSON.stringify({ mediaId }))
    expect(refused.status).toBe(404)
    expect(json(refused)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND', details: { mediaId } } })
    const bug = await call('library.verify', JSON.stringify({ mediaIds: [mediaId] }))
    expect(bug.status).toBe(500)
    expect(json(bug)).toMatchObject({ ok: false, error: { code: 'INTERNAL' } })
    expect(bug.body.toString()).not.toContain('secret')
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    '',
  ])('takes no %j, which a page’s form could send', async (type) => {
    expect((await call('node.status', '{}', { 'content-type': type })).status).toBe(415)
  })

  it('takes no GET', async () => {
    expect((await ask(`${node.controlUrl}/rpc/node.status`, { headers: authorized() })).status).toBe(405)
  })
})

describe('the token', () => {
  it('is 256 bits in a file for this user alone, and stays the same', async () => {
    const path = join(node.dir, 'control.token')
    expect((await readFile(path, 'utf8')).trim()).toBe(node.controlToken)
    expect(node.controlToken).toMatch(/^[0-9a-f]{64}$/)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['', undefined],
    ['another', `Bearer ${'0'.repeat(64)}`],
    ['half of it', 'HALF'],
    ['another scheme', 'Basic eDp5'],
    ['the owner’s JWT', 'JWT'],
  ])('refuses everything with %s', async (_what, header) => {
    const authorization = header
      ?.replace('HALF', `Bearer ${node.controlToken.slice(0, 32)}`)
      .replace('JWT', `Bearer ${node.ownerToken}`)
    const headers = {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    }
    for (const [method, path] of [
      ['POST', '/rpc/node.status'],
      ['GET', '/events'],
      ['POST', '/events/ticket'],
      ['GET', `/media/${mediaId}`],
      ['POST', `/media/${mediaId}/ticket`],
    ] as const) {
      const answer = await ask(node.controlUrl + path, {
        method,
        headers,
        ...(method === 'POST' ? { body: '{}' } : {}),
      })
      expect(answer.status, path).toBe(401)
    }
  })
})

describe('the Host header', () => {
  const send = (lines: readonly string[], target = '/rpc/node.status'): Promise<string> =>
    askRaw(
      node.controlUrl,
      [
        `POST ${target} HTTP/1.1`,
        ...lines,
        `Authorization: Bearer ${node.controlToken}`,
        'Content-Type: application/json',
        'Content-Length: 2',
        'Connection: close',
        '',
        '{}',
      ].join('\r\n'),
    )

  it('may be this computer under any of its names', async () => {
    const { port } = new URL(node.controlUrl)
    for (const name of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
      expect(await send([`Host: ${name}:${port}`]), name).toMatch(/^HTTP\/1.1 200/)
    }
  })

  it('must be there once and name this listener', async () => {
    const { port } = new URL(node.controlUrl)
    const table: readonly (readonly string[])[] = [
      [],
      ['Host:'],
      ['Host: evil.test'],
      [`Host: evil.test:${port}`],
      [`Host: 127.0.0.1.nip.io:${port}`],
      ['Host: 127.0.0.1'],
      ['Host: 127.0.0.1:1'],
      [`Host: 127.0.0.1.:${port}`],
      [`Host: 127.1:${port}`],
      [`Host: user@127.0.0.1:${port}`],
      [`Host: 127.0.0.1:${port}, evil.test`],
      [`Host: 127.0.0.1:${port}`, `Host: 127.0.0.1:${port}`],
      [`Host: 127.0.0.1:${port}`, 'Host: evil.test'],
      [`X-Forwarded-Host: 127.0.0.1:${port}`, 'Host: evil.test'],
    ]
    for (const lines of table) expect(await send(lines), lines.join('|')).toMatch(/^HTTP\/1.1 421/)
  })

  it('is not replaced by an absolute address in the request line', async () => {
    expect(await send([`Host: ${host}`], `http://${host}/rpc/node.status`)).toMatch(/^HTTP\/1.1 421/)
    expect(await send([`Host: ${host}`], 'http://evil.test/rpc/node.status')).toMatch(/^HTTP\/1.1 421/)
  })
})

describe('web pages of other sites', () => {
  const foreign = [
    'https://evil.test',
    'null',
    'http://127.0.0.1',
    'http://127.0.0.1:1',
    'http://localhost:3000',
    'file://',
    '',
  ]

  it('are refused by their Origin', async () => {
    for (const origin of foreign) {
      expect((await call('node.status', '{}', { origin })).status, origin).toBe(403)
      expect((await ask(`${node.controlUrl}/`, { headers: { origin } })).status, origin).toBe(403)
      const preflight = await ask(`${node.controlUrl}/rpc/node.status`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      })
      expect(preflight.status).toBe(403)
      expect(preflight.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it('are refused by what the browser says of them', async () => {
    for (const site of ['cross-site', 'same-site', 'anything']) {
      expect((await call('node.status', '{}', { 'sec-fetch-site': site })).status, site).toBe(403)
    }
  })

  it('are not our own page', async () => {
    const headers = { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }
    expect((await call('node.status', '{}', headers)).status).toBe(200)
    expect((await call('node.status', '{}', { 'sec-fetch-site': 'none' })).status).toBe(200)
  })
})

describe('GET /media/:mediaId', () => {
  it('reads private items with the token or a signed address, for that item only', async () => {
    const url = `${node.controlUrl}/media/${mediaId}`
    const whole = await ask(url, { headers: authorized() })
    expect(whole.body.equals(CONTENT)).toBe(true)
    const ticket = await ask(`${url}/ticket`, {
      method: 'POST',
      body: '{}',
      headers: { ...authorized(), 'content-type': 'application/json' },
    })
    const { path } = json(ticket) as { path: string }
    const part = await ask(node.controlUrl + path, { headers: { range: 'bytes=10-19' } })
    expect(part.status).toBe(206)
    expect(part.body.equals(CONTENT.subarray(10, 20))).toBe(true)
    const other = await node.add(randomBytes(10), { accessLevel: 'private' })
    expect((await ask(node.controlUrl + path.replace(mediaId, other.mediaId))).status).toBe(401)
    expect((await ask(`${node.controlUrl}${path}0`)).status).toBe(401)
    expect(node.library.get(mediaId)?.uploadedBytes).toBe(0)
  })
})

describe('GET /', () => {
  it('serves the page under a strict policy, and no other file', async () => {
    const page = await ask(`${node.controlUrl}/`)
    expect(page.status).toBe(200)
    expect(page.body.toString()).toContain('<title>Sower</title>')
    expect(page.headers['content-security-policy']).toMatch(
      /default-src 'none'.*require-trusted-types-for 'script'/,
    )
    expect((await ask(`${node.controlUrl}/assets/app.js`)).headers['content-type']).toMatch(
      /^text\/javascript/,
    )
    for (const path of [
      '/../control.token',
      '/%2e%2e/control.token',
      '/assets/../../control.token',
      '/assets/',
      '/x',
    ]) {
      const raw = await askRaw(
        node.controlUrl,
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      expect(raw, path).toMatch(/^HTTP\/1.1 404/)
    }
  })
})

describe('GET /events', () => {
  interface Stream {
    text(): string
    until(pattern: RegExp): Promise<string>
    readonly closed: Promise<void>
    close(): void
  }

  function listen(path = '/events', headers = authorized()): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const outgoing = get(node.controlUrl + path, { agent: false, headers }, (res) => {
        let text = ''
        const waiting = new Set<() => void>()
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          for (const look of waiting) look()
        })
        res.on('error', () => undefined)
        resolve({
          text: () => text,
          until: (pattern) =>
            new Promise((found) => {
              const look = (): void => {
                if (!pattern.test(text)) return
                waiting.delete(look)
                found(text)
              }
              waiting.add(look)
              look()
            }),
          closed: new Promise((done) => res.once('close', done)),
          close: () => outgoing.destroy(),
        })
      })
      outgoing.on('error', reject)
    })
  }

  it('begins with the present state and goes on with what happens', async () => {
    const stream = await listen()
    await stream.until(/event: library.changed\n/)
    for (const name of ['node.changed', 'settings.changed', 'transfers.changed']) {
      expect(stream.text()).toContain(`event: ${name}\ndata: {`)
    }
    node.emit('library.changed', { items: [], removed: [mediaId], isReset: false })
    await stream.until(
      new RegExp(`event: library.changed\ndata: \\{"items":\\[\\],"removed":\\["${mediaId}"`),
    )
    await stream.until(/: still here\n\n/)
    stream.close()
  })

  it('opens to a ticket once', async () => {
    const answer = await ask(`${node.controlUrl}/events/ticket`, {
      method: 'POST',
      body: '{}',
      headers: { ...authorized(), 'content-type': 'application/json' },
    })
    const { ticket } = json(answer) as { ticket: string }
    const stream = await listen(`/events?ticket=${ticket}`, {} as never)
    await stream.until(/event: node.changed/)
    stream.close()
    expect((await ask(`${node.controlUrl}/events?ticket=${ticket}`)).status).toBe(401)
  })

  it('drops a listener that does not read, and goes on for the others', async () => {
    const { port } = new URL(node.controlUrl)
    const deaf = connect(Number(port), '127.0.0.1')
    deaf.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${node.controlToken}\r\n\r\n`)
    await new Promise((resolve) => deaf.once('readable', resolve))
    const stream = await listen()
    await stream.until(/event: library.changed/)
    const closed = new Promise((resolve) => deaf.on('error', () => undefined).once('close', resolve))
    const filler = 'x'.repeat(100_000)
    for (let round = 0; round < 400; round += 1) {
      node.emit('node.notice', { id: String(round), filler })
      await new Promise((resolve) => setImmediate(resolve))
    }
    deaf.resume()
    await closed
    await stream.until(/"id":"399"/)
    stream.close()
  })

  it('takes a bounded number of listeners', async () => {
    const streams = [await listen(), await listen(), await listen()]
    expect((await ask(`${node.controlUrl}/events`, { headers: authorized() })).status).toBe(503)
    for (const stream of streams) stream.close()
  })
})
