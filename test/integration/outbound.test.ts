import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createRawServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { guardedRequest } from '../../app/outbound/guarded-request.ts'
import { collectBody, Outbound, type GuardedRequestOptions, type Resolve } from '../../app/outbound/index.ts'

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(listener: RequestListener): Promise<{ port: number; url: string; server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, url: `http://127.0.0.1:${address.port}`, server }
}

/** A server that writes these bytes after any request, for answers that node:http would not send. */
async function serveRaw(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createRawServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  )
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

const allowAll = () => true
const limits = { maxBytes: 1_000_000, timeoutMs: 10_000 }

async function get(url: string, options: Partial<GuardedRequestOptions> = {}) {
  const response = await guardedRequest(url, { ...limits, allowPrivateHosts: allowAll, ...options })
  return { ...response, text: (await collectBody(response.body, 1_000_000)).toString() }
}

describe('guardedRequest and addresses', () => {
  it.each([
    'http://127.0.0.1:8080/',
    'http://127.1:8080/',
    'http://0x7f.1:8080/',
    'http://0177.0.0.1:8080/',
    'http://2130706433:8080/',
    'http://①②⑦.0.0.1:8080/',
    'http://[::1]:8080/',
    'http://[::ffff:127.0.0.1]:8080/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://LOCALHOST:8080/',
    'http://0.0.0.0:8080/',
    'ftp://example.org/x',
    'file:///etc/passwd',
    'http://user:secret@example.org/',
    'http://1.1.1.1:25/',
  ])('refuses %s without contacting it', async (url) => {
    await expect(guardedRequest(url, limits)).rejects.toMatchObject({ code: 'UNSAFE_ADDRESS' })
  })

  it('says that something is not an address at all', async () => {
    await expect(guardedRequest('not an address', limits)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('refuses a name when any one of its addresses is private', async () => {
    const resolve: Resolve = () =>
      Promise.resolve([
        { address: '93.184.216.34', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ])
    await expect(guardedRequest('http://mixed.example/', { ...limits, resolve })).rejects.toMatchObject({
      code: 'UNSAFE_ADDRESS',
      message: expect.stringContaining('mixed.example') as string,
    })
  })

  it('judges a dotted host by the loopback address that a fake resolver gives for it', async () => {
    const resolve: Resolve = () => Promise.resolve([{ address: '::ffff:127.0.0.1', family: 6 }])
    await expect(guardedRequest('http://LocalHost.:8080/', { ...limits, resolve })).rejects.toMatchObject({
      code: 'UNSAFE_ADDRESS',
    })
  })

  it('is not fooled by a fake resolver that flips its answer between judging and connecting', async () => {
    const { port } = await serve((_request, response) => response.end('secret'))
    let asked = 0
    const resolve: Resolve = () => {
      asked += 1
      return Promise.resolve([{ address: asked === 1 ? '192.0.2.1' : '127.0.0.1', family: 4 }])
    }
    const flipping = { ...limits, resolve, idleTimeoutMs: 500 }
    await expect(guardedRequest(`http://flip.example:${port}/`, flipping)).rejects.toMatchObject({
      code: 'UNSAFE_ADDRESS',
    })
    await expect(guardedRequest(`http://flip.example:${port}/`, flipping)).rejects.toMatchObject({
      code: 'UNSAFE_ADDRESS',
    })
    expect(asked).toBe(2)
  })

  it('connects to the judged address and resolves once per connection', async () => {
    const { port } = await serve((request, response) => response.end(request.headers.host))
    let asked = 0
    const resolve: Resolve = () => {
      asked += 1
      return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '192.0.2.1', family: 4 }])
    }
    const { text } = await get(`http://named.example:${port}/`, { resolve })
    expect(text).toBe(`named.example:${port}`)
    expect(asked).toBe(1)
  })

  it('does not lend a connection to an allowed host to a request without the allowance', async () => {
    const { url } = await serve((_request, response) => response.end('local'))
    const outbound = new Outbound()
    closers.push(() => outbound.close())
    const allowed = await outbound.request(url, { ...limits, allowPrivateHosts: allowAll })
    expect((await collectBody(allowed.body, 100)).toString()).toBe('local')
    await expect(outbound.request(url, limits)).rejects.toMatchObject({ code: 'UNSAFE_ADDRESS' })
    await expect(outbound.request(url.replace('127.0.0.1', 'localhost'), limits)).rejects.toMatchObject({
      code: 'UNSAFE_ADDRESS',
    })
  })
})

describe('guardedRequest and redirects', () => {
  it('follows three and refuses a fourth', async () => {
    const { url } = await serve((request, response) => {
      const step = Number(request.url?.slice(1))
      if (step === 0) response.end('there')
      else response.writeHead(302, { location: `/${step - 1}` }).end()
    })
    expect(await get(`${url}/3`)).toMatchObject({ status: 200, text: 'there', finalUrl: `${url}/0` })
    await expect(get(`${url}/4`)).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })

  it.each([
    'http://127.0.0.1:9/',
    'http://169.254.169.254/',
    'http://[::1]/',
    'http://10.0.0.1/',
    'file:///etc/passwd',
    'gopher://x/',
  ])('refuses to be sent on to %s', async (location) => {
    const { url } = await serve((_request, response) => response.writeHead(302, { location }).end())
    const onlyFirst = (_host: string, target: URL) => target.href.startsWith(url)
    await expect(get(url, { allowPrivateHosts: onlyFirst })).rejects.toMatchObject({ code: 'UNSAFE_ADDRESS' })
  })

  it('does not extend the allowance for a typed host to another origin', async () => {
    const target = await serve((_request, response) => response.end('inner'))
    const { url } = await serve((_request, response) =>
      response.writeHead(307, { location: target.url }).end(),
    )
    await expect(get(url)).rejects.toMatchObject({ code: 'UNSAFE_ADDRESS' })
  })

  it('asks for the bytes as they are and keeps credentials within the origin', async () => {
    const seen: (string | undefined)[] = []
    const { url } = await serve((request, response) => {
      seen.push(request.headers.authorization, request.headers['accept-encoding'] as string)
      if (request.url === '/a') response.writeHead(301, { location: '/b' }).end()
      else response.end('ok')
    })
    await get(`${url}/a`, { headers: { authorization: 'Bearer x' } })
    expect(seen).toEqual(['Bearer x', 'identity', 'Bearer x', 'identity'])
  })
})

describe('guardedRequest and bodies', () => {
  it('passes on any status with its body and headers', async () => {
    const { url } = await serve((_request, response) => response.writeHead(404, { 'x-a': 'b' }).end('no'))
    expect(await get(url)).toMatchObject({ status: 404, headers: { 'x-a': 'b' }, text: 'no' })
  })

  it('refuses a body announced longer than allowed before reading it', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': '2000000' }).write('x'),
    )
    await expect(get(url)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  it('stops a body without length at the limit', async () => {
    const { url } = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        response.once('drain', more)
      }
      more()
    })
    await expect(get(url)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  it('fails a body that ends before its Content-Length', async () => {
    const url = await serveRaw((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'))
    await expect(get(url)).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })

  it('takes no more than its Content-Length from a body that goes on', async () => {
    const url = await serveRaw((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort and more'),
    )
    expect((await get(url)).text).toBe('short')
  })

  it('refuses a compressed answer', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('xx'),
    )
    await expect(get(url)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('compressed') as string,
    })
  })

  it('refuses what is not HTTP', async () => {
    const url = await serveRaw((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    await expect(get(url)).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })

  it('says in words that nobody listens', async () => {
    const { url, server } = await serve(() => undefined)
    await new Promise((resolve) => server.close(resolve))
    await expect(get(url)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('does not accept') as string,
    })
  })

  it('gives up on silence before the answer and within it', async () => {
    const silentServer = await serve(() => undefined)
    await expect(get(silentServer.url, { idleTimeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    const stalling = await serve((_request, response) => response.writeHead(200).write('x'))
    await expect(get(stalling.url, { idleTimeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('gives up on a body that drips, by rate and by total time', async () => {
    const { url } = await serve((_request, response) => {
      const drip = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(drip))
    })
    await expect(get(url, { minRate: { bytesPerSec: 1000, overMs: 200 } })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    await expect(get(url, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('holds a reader that takes its time neither against silence nor against rate', async () => {
    const { url } = await serve((_request, response) => response.end(Buffer.alloc(900_000)))
    const { body } = await guardedRequest(url, {
      ...limits,
      allowPrivateHosts: allowAll,
      idleTimeoutMs: 150,
      minRate: { bytesPerSec: 100_000, overMs: 150 },
    })
    const iterator = body[Symbol.asyncIterator]()
    const first = (await iterator.next()) as { value: Buffer }
    await new Promise((resolve) => setTimeout(resolve, 500))
    let total = first.value.length
    for await (const chunk of body) total += (chunk as Buffer).length
    expect(total).toBe(900_000)
  })

  it('stops at once when it is aborted, before and within the body', async () => {
    const { url } = await serve((_request, response) => response.writeHead(200).write('x'))
    const early = AbortSignal.abort()
    await expect(get(url, { signal: early })).rejects.toMatchObject({ code: 'CANCELLED' })
    const controller = new AbortController()
    const { body } = await guardedRequest(url, {
      ...limits,
      allowPrivateHosts: allowAll,
      signal: controller.signal,
    })
    body.once('data', () => controller.abort())
    await expect(collectBody(body, 100)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('may be given up before anybody reads the body, which then says so, and nothing else happens', async () => {
    const uncaught: unknown[] = []
    const note = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', note)
    onTestFinished(() => void process.off('uncaughtException', note))
    const hanging = await serve((_request, response) => response.writeHead(200).write('some'))
    const abort = new AbortController()
    const { body } = await guardedRequest(hanging.url, {
      ...limits,
      allowPrivateHosts: allowAll,
      signal: abort.signal,
    })
    abort.abort()
    await sleep(50)
    expect(uncaught).toEqual([])
    await expect(collectBody(body, 1000)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('keeps connections open between requests and survives one that the server just closed', async () => {
    const ports = new Set<number | undefined>()
    const { url, server } = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('x')
    })
    const outbound = new Outbound()
    closers.push(() => outbound.close())
    const once = async (): Promise<Buffer> => {
      const { body } = await outbound.request(url, { ...limits, allowPrivateHosts: allowAll })
      return collectBody(body, 10)
    }
    await once()
    await once()
    expect(ports.size).toBe(1)
    server.closeIdleConnections()
    expect((await once()).toString()).toBe('x')
  })
})
