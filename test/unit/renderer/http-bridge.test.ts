import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { EngineState, Item } from '../../../app/contract/index.ts'
import { readEvents } from '../../../renderer/bridge/event-stream.ts'
import { createHttpBridge, takeToken } from '../../../renderer/bridge/http-bridge.ts'

const saved: [string, string][] = []
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

const memoryStorage = () => {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  }
}

async function setUp(
  answer: (req: IncomingMessage, res: ServerResponse) => void,
  token: string | null = 'secret',
) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const { port } = server.address() as AddressInfo
  // Ends the bridge's endless retrying with the test: the next wait never does.
  let waits = 0
  return createHttpBridge({
    baseUrl: `http://127.0.0.1:${port}`,
    token,
    fetch,
    storage: memoryStorage(),
    clipboard: undefined,
    open: () => undefined,
    pickText: () => Promise.resolve('{"card":1}'),
    saveText: (name, text) => void saved.push([name, text]),
    delay: () => (waits++ < 1 ? Promise.resolve() : new Promise(() => undefined)),
  })
}

const json = (res: ServerResponse, status: number, body: unknown) =>
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

describe('the token of a web page', () => {
  it('moves from the address to the session and stays out of the address', () => {
    const session = memoryStorage()
    let address = ''
    const history = {
      replaceState: (_: unknown, __: string, url?: string | URL | null) => void (address = String(url)),
    }
    expect(takeToken({ hash: '#token=abc', pathname: '/', search: '' }, history, session)).toBe('abc')
    expect(address).toBe('/')
    expect(takeToken({ hash: '', pathname: '/', search: '' }, history, session)).toBe('abc')
  })
})

describe('the bridge over HTTP', () => {
  it('posts the arguments with the token and gives the reply back', async () => {
    const bridge = await setUp((req, res) => {
      let body = ''
      req.on('data', (chunk: Buffer) => (body += chunk.toString()))
      req.on('end', () =>
        json(res, 200, { ok: true, value: { seen: [req.method, req.url, req.headers.authorization, body] } }),
      )
    })
    expect(await bridge.call('library.list', { offset: 5 })).toEqual({
      ok: true,
      value: { seen: ['POST', '/rpc/library.list', 'Bearer secret', '{"offset":5}'] },
    })
  })

  it('gives errors back as they were sent, and a node that is away as one too', async () => {
    const error = { code: 'DISK_FULL', message: 'Full.', hint: 'Free some.', details: { needed: 4 } }
    const bridge = await setUp((_, res) => json(res, 507, { ok: false, error }))
    expect(await bridge.call('node.status', {})).toEqual({ ok: false, error })
    await closing.pop()?.()
    expect(await bridge.call('node.status', {})).toMatchObject({
      ok: false,
      error: { code: 'NODE_NOT_RUNNING' },
    })
  })

  it('follows the event stream and says when it breaks', async () => {
    const item = { name: 'film.mp4' }
    const bridge = await setUp((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(': hello\n\nevent: library.changed\ndata: {"items":[{"name":"fi')
      res.end('lm.mp4"}],"removed":[],"isReset":false}\n\n')
    })
    const states: EngineState['state'][] = []
    const heard = new Promise<readonly Item[]>((resolve) => {
      bridge.on('library.changed', ({ items }) => resolve(items))
    })
    const broken = new Promise<void>((resolve) => {
      bridge.on('desktop.engineChanged', ({ state }) => {
        states.push(state)
        if (states.length === 4) resolve()
      })
    })
    await bridge.call('desktop.engineState', {})
    expect(await heard).toEqual([item])
    await broken
    expect(states).toEqual(['running', 'restarting', 'running', 'restarting'])
  })

  it('asks for the right address when the token is missing or refused', async () => {
    const none = await setUp((_, res) => json(res, 200, {}), null)
    expect(await none.call('desktop.engineState', {})).toMatchObject({
      ok: true,
      value: { state: 'failed', error: { code: 'UNAUTHORIZED' } },
    })
    const refused = await setUp((_, res) => json(res, 401, {}))
    const failed = new Promise<EngineState>((resolve) => {
      refused.on('desktop.engineChanged', resolve)
    })
    await refused.call('desktop.engineState', {})
    expect(await failed).toMatchObject({ state: 'failed', error: { code: 'UNAUTHORIZED' } })
  })

  it('signs an item’s address when the item is opened', async () => {
    const mediaId = 'ab'.repeat(32)
    const bridge = await setUp((req, res) =>
      req.url?.endsWith('/ticket') === true
        ? json(res, 200, { path: `/media/${mediaId}?signature=s`, expiresInMs: 60_000 })
        : json(res, 200, { ok: true, value: { mediaId } }),
    )
    expect(bridge.mediaUrl(mediaId)).toBe('')
    await bridge.call('library.get', { mediaId: mediaId as Item['mediaId'] })
    expect(bridge.mediaUrl(mediaId)).toMatch(/\/media\/(ab){32}\?signature=s$/)
  })

  it('knows a download’s address once it was asked for', async () => {
    const url = 'http://127.0.0.1:1/play/once'
    const bridge = await setUp((_, res) => json(res, 200, { ok: true, value: { url, expiresAtMs: 1 } }))
    expect(bridge.transferUrl('t1')).toBe('')
    await bridge.call('library.playUrl', { transferId: 't1' })
    expect(bridge.transferUrl('t1')).toBe(url)
  })

  it('keeps the theme of this browser and refuses what only a window can do', async () => {
    const bridge = await setUp((_, res) => json(res, 200, {}))
    await bridge.call('desktop.setPrefs', { theme: 'dark' })
    expect(await bridge.call('desktop.getPrefs', {})).toMatchObject({ ok: true, value: { theme: 'dark' } })
    expect(await bridge.call('desktop.openText', {})).toEqual({ ok: true, value: { text: '{"card":1}' } })
    await bridge.call('desktop.saveText', { suggestedName: 'me.sowercard', text: 'x' })
    expect(saved.splice(0)).toEqual([['me.sowercard', 'x']])
    expect(await bridge.call('desktop.pickFiles', {})).toMatchObject({
      ok: false,
      error: { code: 'UNAVAILABLE' },
    })
  })
})

describe('a stream of events', () => {
  it('is read the same however it was cut', async () => {
    const text = 'event: a\r\ndata: 1\r\n\r\n: note\n\ndata: x\ndata: y\n\nevent: lost\ndata: unfinished'
    const whole = [
      { event: 'a', data: '1' },
      { event: 'message', data: 'x\ny' },
    ]
    for (const size of [1, 2, 3, 7, 1000]) {
      const bytes = new TextEncoder().encode(text)
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size))
          controller.close()
        },
      })
      const read = []
      for await (const event of readEvents(stream)) read.push(event)
      expect(read, `pieces of ${size}`).toEqual(whole)
    }
  })
})
