import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { randomBytes } from 'node:crypto'
import { readdir, readlink } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import type { EngineHandlers } from '../../../app/contract/index.ts'
import { ask, askRaw, json, startTestNode } from './test-node.ts'
import type { TestNode, TestNodeOptions } from './test-node.ts'

const running: TestNode[] = []
async function start(options: TestNodeOptions = {}): Promise<TestNode> {
  const node = await startTestNode(options)
  running.push(node)
  return node
}
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop()
})

function open(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect(Number(port), hostname).on('error', () => undefined)
}

const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))

describe('connections that say nothing or too little', () => {
  it('are closed, and honest clients are answered meanwhile', async () => {
    const node = await start({ limits: { headersTimeoutMs: 1500 } })
    const { mediaId } = await node.add(randomBytes(200_000))
    const sockets = Array.from({ length: 500 }, () => open(node.url))
    const drips = sockets.map((socket, index) => {
      socket.resume()
      // A third says nothing at all, the others send a header a letter at a time.
      if (index % 3 === 0) return undefined
      socket.write('GET / HTTP/1.1\r\nX-Slow: ')
      return setInterval(() => socket.write('x'), 100)
    })
    const allClosed = Promise.all(sockets.map(closed))
    const times: number[] = []
    for (let round = 0; round < 50; round += 1) {
      const begin = performance.now()
      expect((await ask(`${node.url}/media/${mediaId}`)).status).toBe(200)
      times.push(performance.now() - begin)
    }
    expect(Math.max(...times)).toBeLessThan(2000)
    await allClosed
    for (const drip of drips) clearInterval(drip)
  })

  it('with a body that nobody asked for are closed after the answer', async () => {
    const node = await start({ limits: { lingerMs: 200 } })
    const socket = open(node.url)
    socket.write('POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx')
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    await closed(socket)
    expect(answer).toMatch(/^HTTP\/1.1 404/)
  })

  it('with a small body that does not come are refused', async () => {
    const node = await start({ limits: { bodyTimeoutMs: 200, lingerMs: 100 } })
    const socket = open(node.controlUrl)
    socket.write(
      `POST /rpc/node.status HTTP/1.1\r\nHost: ${new URL(node.controlUrl).host}\r\nAuthorization: Bearer ${node.controlToken}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{',
    )
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    await closed(socket)
    expect(answer).toMatch(/^HTTP\/1.1 408/)
  })

  it('on which nothing moves any more are closed, with the file', async () => {
    const node = await start({ limits: { idleTimeoutMs: 400 } })
    const { mediaId } = await node.add(Buffer.alloc(30_000_000, 1))
    const socket = open(node.url)
    socket.write(`GET /media/${mediaId} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await new Promise((resolve) => socket.once('readable', resolve))
    expect(await openFiles(mediaId)).toBe(1)
    await expect.poll(() => openFiles(mediaId), { timeout: 5000 }).toBe(0)
    socket.destroy()
  })
})

describe('a call that takes longer than a connection may be idle', () => {
  it('is answered, and the connection may be idle no longer than any other then', async () => {
    const rebuild = async () => {
      await setTimeout(1500)
      return { items: 3, movedAside: [] }
    }
    const node = await start({
      limits: { idleTimeoutMs: 300 },
      // The one call this test makes.
      handlers: { 'library.rebuild': rebuild } as unknown as EngineHandlers,
    })
    const { host } = new URL(node.controlUrl)
    const head = `Host: ${host}\r\nAuthorization: Bearer ${node.controlToken}\r\nContent-Type: application/json`
    const answer = await askRaw(
      node.controlUrl,
      `POST /rpc/library.rebuild HTTP/1.1\r\n${head}\r\nContent-Length: 2\r\n\r\n{}`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 200/)
    expect(answer).toContain('{"ok":true,"value":{"items":3,"movedAside":[]}}')
  })
})

describe('files', () => {
  it('are closed when clients go away in the middle', async () => {
    const node = await start()
    const { mediaId } = await node.add(Buffer.alloc(30_000_000, 2))
    const sockets = Array.from({ length: 40 }, () => {
      const socket = open(node.url)
      socket.write(`GET /media/${mediaId} HTTP/1.1\r\nHost: x\r\n\r\n`)
      return socket
    })
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('readable', resolve))))
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => openFiles(mediaId)).toBe(0)
    expect((await ask(`${node.url}/media/${mediaId}`)).body).toHaveLength(30_000_000)
  })
})

/** How often this process has the item's file open. */
async function openFiles(mediaId: string): Promise<number> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
  return (await Promise.all(links)).filter((path) => path.includes(mediaId)).length
}

describe('too much of anything', () => {
  it('headers', async () => {
    const node = await start()
    const socket = open(node.url)
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(10_000)}\r\n\r\n`)
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    await closed(socket)
    expect(answer).toMatch(/^HTTP\/1.1 431/)
  })

  it('requests from one address are answered 429 with when to come back', async () => {
    const slow = { ratePerSec: 0.5, burst: 5 }
    const rates = {
      any: { stranger: slow, loopback: slow },
      upload: { stranger: slow, loopback: slow },
      search: { stranger: slow, loopback: slow },
      badToken: { stranger: slow, loopback: slow },
      login: { stranger: slow, loopback: slow },
      relay: { stranger: slow, loopback: slow },
    }
    const node = await start({ limits: { rates } })
    const answers = []
    for (let round = 0; round < 7; round += 1) answers.push(await ask(`${node.url}/health`))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429])
    expect(answers[6]?.headers['retry-after']).toBe('2')
    expect(json(answers[6] ?? (await ask(node.url)))).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('guessed tokens shut out the guesser for a while, the right token too', async () => {
    const many = { ratePerSec: 1000, burst: 1000 }
    const few = { ratePerSec: 0.1, burst: 3 }
    const rates = {
      any: { stranger: many, loopback: many },
      upload: { stranger: many, loopback: many },
      search: { stranger: many, loopback: many },
      badToken: { stranger: few, loopback: few },
      login: { stranger: few, loopback: few },
      relay: { stranger: few, loopback: few },
    }
    const node = await start({ limits: { rates } })
    const ask401 = (token: string): Promise<number> =>
      ask(`${node.url}/health`, { headers: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status,
      )
    expect(await ask401('a.b.c')).toBe(401)
    expect(await ask401('a.b.d')).toBe(401)
    expect(await ask401('a.b.e')).toBe(401)
    expect(await ask401('a.b.f')).toBe(429)
    expect(await ask401(node.ownerToken)).toBe(429)
    expect((await ask(`${node.url}/health`)).status).toBe(200)
  })
})

describe('start', () => {
  it('names the port that is in use and one that is free', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    try {
      const failure = await startTestNode({ settings: { port } }).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(AppError)
      expect(failure).toMatchObject({ code: 'PORT_IN_USE', details: { setting: 'port', port } })
      const { free } = (failure as AppError).details as { free: number }
      expect(free).toBeGreaterThan(port)
      const node = await start({ settings: { port: free } })
      expect(node.url).toBe(`http://127.0.0.1:${free}`)
    } finally {
      other.close()
    }
  })

  it('listens on nothing when the control port is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port: controlPort } = other.address() as AddressInfo
    const probe = createServer()
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => probe.close(resolve))
    try {
      const failure = await startTestNode({ settings: { port, controlPort } }).catch(
        (error: unknown) => error,
      )
      expect(failure).toMatchObject({
        code: 'PORT_IN_USE',
        details: { setting: 'controlPort', port: controlPort },
      })
      await expect(ask(`http://127.0.0.1:${port}/health`)).rejects.toThrow('ECONNREFUSED')
    } finally {
      other.close()
    }
  })

  it('says that a host is not this computer’s', async () => {
    const failure = await startTestNode({ settings: { host: '192.0.2.1' } }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('stop', () => {
  it('ends soon even while a client is being answered', async () => {
    const node = await startTestNode({ limits: { stopGraceMs: 100 } })
    const { mediaId } = await node.add(Buffer.alloc(30_000_000, 3))
    const socket = open(node.url)
    socket.write(`GET /media/${mediaId} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await new Promise((resolve) => socket.once('readable', resolve))
    const begin = performance.now()
    await node.stop()
    expect(performance.now() - begin).toBeLessThan(2000)
    socket.destroy()
  })
})
