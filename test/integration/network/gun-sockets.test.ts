import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ToGun } from '../../../app/network/gun-protocol.ts'
import { GunSockets, type SocketLimits } from '../../../app/network/gun-sockets.ts'
import { poll } from '../../support/network-world.ts'

const KIB = 1024
const frame = 'x'.repeat(10 * KIB)
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** The sockets of a node whose GUN takes what it is given and says so only when the test does. */
async function setUp(limits: Partial<SocketLimits>): Promise<{
  readonly sockets: GunSockets
  readonly ids: readonly string[]
  readonly connect: () => Promise<WebSocket>
  /** Bytes GUN was given. */
  readonly given: () => number
  /** GUN is done with all of it. */
  readonly done: () => void
}> {
  let given = 0
  let open: { peer: string; bytes: number }[] = []
  let connections = 0
  const ids: string[] = []
  const sockets = new GunSockets({
    isRunning: () => true,
    post: (message: ToGun) => {
      if (message.type === 'peer-open') ids.push(message.peer)
      if (message.type !== 'peer-frames') return
      const bytes = message.frames.reduce((sum, text) => sum + text.length, 0)
      given += bytes
      open.push({ peer: message.peer, bytes })
    },
    identify: () => ({ clientKey: `stranger ${(connections += 1)}`, isLoopback: false }),
    ownOrigins: () => [],
    limits,
  })
  const server = createServer()
  server.on('upgrade', (request, socket, head) => sockets.attach(request, socket, head))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is never a string.
  const { port } = server.address() as AddressInfo
  closers.push(() => {
    sockets.stop()
    server.close()
  })
  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/gun`, { perMessageDeflate: false })
    socket.on('error', () => undefined)
    closers.push(() => socket.terminate())
    await new Promise((resolve) => socket.once('open', resolve))
    return socket
  }
  return {
    sockets,
    ids,
    connect,
    given: () => given,
    done: () => {
      for (const { peer, bytes } of open) sockets.credit(peer, bytes, 0)
      open = []
    },
  }
}

function flood(socket: WebSocket, bytes: number): void {
  for (let sent = 0; sent < bytes; sent += frame.length) socket.send(frame)
}

test('while GUN has enough before it nobody is read, however often their own pause ends, nor whoever comes then', async () => {
  const bytesPerSec = { stranger: 100 * KIB, loopback: 100 * KIB }
  const { sockets, connect, given, done } = await setUp({ bytesPerSec, bytesInFlight: 500 * KIB })
  const first = await Promise.all([connect(), connect(), connect()])
  for (const socket of first) flood(socket, 2048 * KIB)
  await poll(
    () => Promise.resolve(given()),
    (bytes) => bytes > 500 * KIB,
  )
  // What had come before the pause is still handed on.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const before = given()
  const later = await connect()
  flood(later, 300 * KIB)
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  expect({ given: given(), sockets: sockets.count }).toEqual({ given: before, sockets: 4 })
  done()
  await poll(
    () => Promise.resolve(given()),
    (bytes) => bytes > before + 300 * KIB,
  )
})

test('counts what one peer says once for each of those it is passed on to', async () => {
  const { connect, given } = await setUp({ bytesInFlight: 4096 * KIB, bytesPassedOn: 2048 * KIB })
  const [speaker] = await Promise.all(Array.from({ length: 10 }, () => connect()))
  flood(speaker as WebSocket, 1500 * KIB)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(given()).toBeGreaterThan(150 * KIB)
  expect(given()).toBeLessThan(600 * KIB)
})

test('lets go of whoever leaves most unread when all together leave too much', async () => {
  const limits = { bytesUnread: 64 * 1024 * KIB, bytesUnreadInAll: 16 * 1024 * KIB }
  const { sockets, ids, connect } = await setUp(limits)
  const reader = await connect()
  let heard = 0
  reader.on('message', (data: Buffer) => (heard += data.length))
  const lazy = await Promise.all(Array.from({ length: 4 }, () => connect()))
  for (const socket of lazy) socket.pause()
  const text = 'y'.repeat(1024 * KIB)
  for (let round = 1; round <= 15; round += 1) {
    for (const id of ids) sockets.send(id, text)
    await poll(
      () => Promise.resolve(heard),
      (bytes) => bytes === round * text.length,
    )
  }
  expect(reader.readyState).toBe(WebSocket.OPEN)
  expect(sockets.count).toBeLessThan(5)
})
