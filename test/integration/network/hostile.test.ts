import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Manifest } from '../../../app/manifest/index.ts'
import { encodeManifest } from '../../../app/network/codec.ts'
import { makeNode, type GunNode } from '../../../app/network/graph.ts'
import { makeManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

const owner = testSigner(1)
const stranger = testSigner(2)
const CAP_MIB = 300
let world: NetworkWorld
afterEach(() => world.close())

let nextId = 1
const put = (soul: string, values: object, state = Date.now()): string =>
  JSON.stringify({
    '#': `evil${nextId++}`,
    put: { [soul]: makeNode(soul, values as Record<string, string>, state) },
  })

/** A peer that says what it likes. */
async function connect(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers, perMessageDeflate: false })
  socket.on('error', () => undefined)
  await new Promise((resolve, reject) =>
    socket.once('open', resolve).once('close', () => reject(new Error('refused'))),
  )
  world.onClose(() => Promise.resolve(socket.terminate()))
  return socket
}

/** Something that notes whether anybody ever connects to it. */
async function startTrap(): Promise<{ url: string; hits: () => number }> {
  let hits = 0
  const server: Server = createServer((_, response) => response.end())
  server.on('connection', () => (hits += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world.onClose(() => new Promise((resolve) => void server.close(() => resolve())))
  // A TCP server's address is never a string.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/gun`, hits: () => hits }
}

const rssMib = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

function tampered(manifest: Manifest): Manifest {
  return { ...manifest, name: 'something else' }
}

test('believes nothing that a peer writes over hints, dates into the future, replays or forges', async () => {
  world = await openNetworkWorld()
  const pair = seaTestPair()
  const [a, b] = await Promise.all([world.node('a', { pair }), world.node('b')])
  const first = makeManifest(owner, 'mine')
  const manifest = makeManifest(owner, 'mine', { name: 'mine, renamed', previous: first })
  await a.publish(manifest)
  const evil = await connect(world.relay.url)
  const soul = `media:${manifest.id}`
  const { fields } = encodeManifest(manifest)
  const lies = [
    { ...fields, manifest: '{"id":"nothing"}' },
    { ...fields, manifest: JSON.stringify(tampered(manifest)) },
    encodeManifest(makeManifest(stranger, 'mine', { name: 'taken over' })).fields,
    encodeManifest(first).fields,
    { manifest: '', parts: 1 },
  ]
  for (const [index, lie] of lies.entries()) {
    evil.send(put(soul, lie, Date.now() + index))
    evil.send(put(`~${pair.pub}/media/${manifest.id}`, lie))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { known } = await b.lookup(manifest.id, { pub: pair.pub, owner: owner.publicKey })
    expect(known?.manifest).toEqual(manifest)
  }
  // Whoever knows the item only by its id gets what its owner signed, or, once, nothing; and the owner says it again.
  const c = await world.node('c')
  const found = await poll(
    () => c.lookup(manifest.id, { owner: owner.publicKey }),
    ({ known }) => known?.manifest.version === 2,
    40_000,
  )
  expect(found.known?.manifest).toEqual(manifest)
})

test('a manifest nested too deeply is refused, and costs nobody anything', async () => {
  world = await openNetworkWorld()
  const [a, b] = await Promise.all([world.node('a', { relays: [] }), world.node('b')])
  const manifest = makeManifest(owner, 'honest')
  // As text: to write it, too, one would have to go through it.
  const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`
  const { id } = makeManifest(stranger, 'hard to read')
  const hostile = JSON.stringify(makeManifest(stranger, 'hard to read')).replace(
    '"encryption":{"enabled":false}',
    `"encryption":{"enabled":true,"keyEnvelope":{"scheme":"lit","conditions":${deep},"ciphertext":"x","dataToEncryptHash":"${id}"}}`,
  )
  expect(hostile).toContain(deep)
  for (const url of [a.url, world.relay.url]) {
    const evil = await connect(url)
    evil.send(put(`media:${id}`, { id, manifest: hostile }))
    evil.send(put(`oip:deleted:records:did:gun:media:${id}`, { revocation: hostile }))
    evil.send(put(`media:${manifest.id}`, encodeManifest(manifest).fields))
  }
  for (const node of [a, b]) {
    const { known, foreign } = await node.lookup(id)
    expect({ known, name: foreign?.name }).toEqual({ known: undefined, name: undefined })
    const found = await poll(
      () => node.lookup(manifest.id),
      ({ known: found }) => found !== undefined,
    )
    expect(found.known?.manifest).toEqual(manifest)
    expect(node.log).toEqual([])
  }
})

/** What a node holds under a name and key. */
async function read(socket: WebSocket, soul: string, key = 'manifest'): Promise<GunNode | undefined> {
  const id = `ask${nextId++}`
  return new Promise((resolve) => {
    const listen = (data: Buffer): void => {
      const parsed = JSON.parse(data.toString()) as Message | Message[]
      const answer = [parsed].flat().find((message) => message['@'] === id)
      if (answer === undefined) return
      socket.off('message', listen)
      resolve(answer.put?.[soul])
    }
    socket.on('message', listen)
    socket.send(JSON.stringify({ '#': id, get: { '#': soul, '.': key } }))
  })
}
interface Message {
  readonly '@'?: string
  readonly put?: Readonly<Record<string, GunNode>>
}

test('says again what is written over its hints, whichever key it is, and later than what is dated ahead', async () => {
  world = await openNetworkWorld()
  const a = await world.node('a', { relays: [] })
  const evil = await connect(a.url)
  const [one, other, ahead] = ['one', 'other', 'ahead'].map((name) => makeManifest(owner, name)) as [
    Manifest,
    Manifest,
    Manifest,
  ]
  for (const manifest of [one, other, ahead]) await a.publish(manifest)
  const hints = [one, other, ahead].map(({ id }) => `media:${id}`) as [string, string, string]
  const [ours] = await Promise.all(hints.map((soul) => read(evil, soul)))
  const aheadMs = Date.now() + 8_000
  evil.send(put(hints[0], { manifest: '{"id":"nothing"}' }))
  evil.send(put(hints[1], { parts: 2 }))
  evil.send(put(hints[2], { manifest: 'x' }, aheadMs))
  await poll(
    () => read(evil, hints[0]),
    (node) =>
      node?.['manifest'] === encodeManifest(one).text && node._['>']['manifest'] !== ours?._['>']['manifest'],
    10_000,
  )
  await poll(
    () => read(evil, hints[1], 'parts'),
    (node) => node?.['parts'] === 1 && node._['>']['parts'] !== ours?._['>']['manifest'],
    10_000,
  )
  const again = await poll(
    () => read(evil, hints[2]),
    (node) => (node?._['>']['manifest'] ?? 0) > aheadMs,
    20_000,
  )
  expect(again?.['manifest']).toBe(encodeManifest(ahead).text)
}, 60_000)

test('finds by its id alone what is written over: its publisher’s space and its frozen version are still there', async () => {
  world = await openNetworkWorld()
  const a = await world.node('a')
  const [inSpace, frozen] = [makeManifest(owner, 'in its space'), makeManifest(owner, 'frozen')]
  await a.publish(inSpace)
  await a.publish(frozen)
  await a.vanish()
  const evil = await connect(world.relay.url)
  evil.send(put(`media:${inSpace.id}`, { manifest: 'x', hash: 'x' }))
  evil.send(put(`media:${frozen.id}`, { manifest: 'x', pub: 'x' }))
  await new Promise((resolve) => setTimeout(resolve, 500))
  const b = await world.node('b')
  for (const manifest of [inSpace, frozen]) {
    const found = await b.lookup(manifest.id)
    expect([found.known?.manifest, found.heard]).toEqual([manifest, 'said'])
  }
})

test('dials no address but those its user listed, whatever a relay or a peer names', async () => {
  world = await openNetworkWorld()
  const trap = await startTrap()
  const named = JSON.stringify({
    '#': 'x1',
    dam: 'anything',
    addresses: { [trap.url]: {}, [trap.url.replace('http', 'ws')]: {} },
  })
  const relay = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  world.onClose(
    () =>
      new Promise((resolve) => {
        relay.close(() => resolve())
      }),
  )
  relay.on('connection', (socket) => {
    socket.send(named)
    socket.send(`[${named}]`)
    socket.on('message', () =>
      socket.send(JSON.stringify({ '#': `r${nextId++}`, dam: 'anything', addresses: { [trap.url]: {} } })),
    )
  })
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  const node = await world.node('a', { relays: [`ws://127.0.0.1:${port}/gun`] })
  const peer = await connect(node.url)
  peer.send(named)
  await node.publish(makeManifest(owner, 'anything'))
  await node.until(({ gun }) => (gun.dropped['command'] ?? 0) >= 3)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(trap.hits()).toBe(0)
  expect((await node.status()).gun.relays.map(({ url }) => url)).toEqual([`ws://127.0.0.1:${port}/gun`])
})

test('ten thousand messages a second, huge nodes and nulls cost neither memory nor honest traffic', async () => {
  world = await openNetworkWorld()
  const a = await world.node('a', { relays: [] })
  const c = await world.node('c', { relays: [a.url] })
  const huge = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i]))
  const text = 'x'.repeat(8_000)
  let sent = 0
  let isFlooding = true
  const sockets = await Promise.all(Array.from({ length: 4 }, () => connect(a.url)))
  const flood = setInterval(() => {
    if (!isFlooding) return
    for (const socket of sockets) {
      // A real flood does not wait, but this process has to live too.
      if (socket.bufferedAmount > 32 * 1024 * 1024) continue
      for (let i = 0; i < 50; i += 1) {
        const id = (nextId * 2_654_435_761).toString(16).padStart(64, '0').slice(0, 64)
        socket.send(put(`media:${id}`, i % 10 === 0 ? { id: null } : { id, name: i % 5 === 0 ? text : 'x' }))
        sent += 1
      }
    }
    sockets[0]?.send(put(`media:${'ab'.repeat(32)}`, huge))
  }, 20)
  world.onClose(() => Promise.resolve(clearInterval(flood)))
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const manifest = makeManifest(owner, 'in the midst of it')
  await a.publish(manifest)
  const found = await poll(
    () => c.lookup(manifest.id),
    ({ known }) => known !== undefined,
  )
  expect(found.known?.manifest).toEqual(manifest)
  await new Promise((resolve) => setTimeout(resolve, 9_000))
  isFlooding = false
  const status = await a.until(({ gun }) => (gun.dropped['keys'] ?? 0) > 0 && (gun.dropped['null'] ?? 0) > 0)
  expect(sent).toBeGreaterThan(20_000)
  expect(status.gun.restarts).toBe(0)
  expect(rssMib(status.gun.pid ?? 0)).toBeLessThan(CAP_MIB)
  // The engine's side only passes frames on.
  expect(rssMib(a.pid)).toBeLessThan(CAP_MIB)
}, 90_000)

test('when its memory is full GUN ends and comes back, and what is kept is still there', async () => {
  world = await openNetworkWorld()
  const node = await world.node('a', { host: { heapMiB: 24 } })
  const manifest = makeManifest(owner, 'kept')
  const other = await world.node('b')
  await other.publish(manifest)
  await node.lookup(manifest.id)
  const sockets = await Promise.all(Array.from({ length: 8 }, () => connect(node.url)))
  const text = 'y'.repeat(15_000)
  const flood = setInterval(() => {
    for (const socket of sockets) {
      if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > 8 * 1024 * 1024) continue
      for (let i = 0; i < 20; i += 1) {
        const id = (nextId * 2_654_435_761).toString(16).padStart(64, '0').slice(0, 64)
        socket.send(
          put(`media:${id}`, Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`k${n}`, text]))),
        )
      }
    }
  }, 10)
  try {
    const status = await node.until(({ gun }) => gun.restarts >= 1, 60_000)
    expect(status.gun.lastExit).toMatch(/heap|SIGABRT|exit code/)
  } finally {
    clearInterval(flood)
  }
  const known = await node.lookup(manifest.id)
  expect(known.known?.manifest).toEqual(manifest)
  await node.until(({ gun }) => gun.state === 'running', 30_000)
}, 120_000)

test('lets in no page of another origin, no message of more than 256 KiB, and not more sockets than one may have', async () => {
  world = await openNetworkWorld()
  const node = await world.node('a', { relays: [] })
  await expect(connect(node.url, { origin: 'https://evil.example' })).rejects.toThrow('refused')
  const socket = await connect(node.url)
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.send('x'.repeat(256 * 1024 + 1))
  expect(await closed).toBe(1009)
  const opened = await Promise.allSettled(Array.from({ length: 140 }, () => connect(node.url)))
  const refused = opened.filter(({ status }) => status === 'rejected').length
  expect(refused).toBeGreaterThanOrEqual(12)
  expect((await node.status()).refusedSockets).toBe(refused + 1)
})
