import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type WebTorrent from 'webtorrent'
import { silentLog } from '../../../app/ports/log.ts'
import { decodeDict, encode, type BencodedDict, type Encodable } from '../../../app/seeding/bencode.ts'
import { listen } from '../../../app/seeding/listen.ts'
import { TokenBucket } from '../../../app/seeding/throttle.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { quietOptions } from '../../support/swarms.ts'

const ID = Buffer.alloc(20, 7)
const HASH = Buffer.alloc(20, 9)
let client: WebTorrent
let port: number
let uncaught: unknown[]
const note = (error: unknown): void => void uncaught.push(error)

beforeEach(async () => {
  uncaught = []
  process.on('uncaughtException', note)
  const limits = { up: new TokenBucket(null), down: new TokenBucket(null) }
  client = await listen({ ...quietOptions, isDhtEnabled: true }, 0, limits, silentLog)
  const { dht } = client
  if (dht === false) throw new Error('no DHT')
  if (!dht.listening) await new Promise((resolve) => dht.once('listening', resolve))
  port = dht.address().port
})
afterEach(async () => {
  await new Promise<void>((resolve) => client.destroy(() => resolve()))
  process.off('uncaughtException', note)
})

const query = (q: string, a: Encodable): Encodable => ({ t: 'aa', y: 'q', q, a })

/** A program that knows what it wants to send and hears what comes back. */
class Other implements AsyncDisposable {
  readonly #socket = createSocket('udp4')
  readonly #heard: BencodedDict[] = []
  #listener: () => void = () => undefined

  static async open(): Promise<Other> {
    const other = new Other()
    other.#socket.on('message', (bytes) => {
      other.#heard.push(decodeDict(bytes).dict)
      other.#listener()
    })
    await new Promise<void>((resolve) => other.#socket.bind(0, '127.0.0.1', resolve))
    return other
  }

  send(datagram: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.send(datagram, port, '127.0.0.1', () => resolve()))
  }

  /** What a query is answered with; fails after two seconds. */
  async ask(q: string, a: Encodable): Promise<BencodedDict> {
    await this.send(encode(query(q, a)))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${q}`)), 2000)
      this.#listener = () => {
        const answer = this.#heard.find((dict) => Buffer.from('aa').equals(dict.get('t') as Uint8Array)) // no other was asked
        const content = answer?.get('r')
        if (!(content instanceof Map)) return
        this.#heard.length = 0
        clearTimeout(timer)
        resolve(content)
      }
      this.#listener()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}

test('whole queries are answered as BEP 5 says', async () => {
  await using other = await Other.open()
  expect((await other.ask('ping', { id: ID })).get('id')).toHaveLength(20)
  expect((await other.ask('find_node', { id: ID, target: HASH })).get('nodes')).toBeInstanceOf(Uint8Array)
  const token = (await other.ask('get_peers', { id: ID, info_hash: HASH })).get('token') as Uint8Array // as it must be
  await other.ask('announce_peer', { id: ID, info_hash: HASH, token, port: 4001, implied_port: 0 })
  const { values } = Object.fromEntries(await other.ask('get_peers', { id: ID, info_hash: HASH }))
  expect(values).toEqual([Buffer.from([127, 0, 0, 1, 4001 >> 8, 4001 & 255])])
})

test.each<[string, Encodable]>([
  ['a target that is no id', query('find_node', { id: ID, target: 5 })],
  ['a target too short', query('find_node', { id: ID, target: 'abc' })],
  ['a list for an infoHash', query('get_peers', { id: ID, info_hash: ['a'] })],
  ['a number for a target', query('get', { id: ID, target: 99 })],
  ['a value to be kept', query('put', { id: ID, token: 'x', v: 1, k: 5, sig: 6 })],
  ['a list for a token', query('announce_peer', { id: ID, info_hash: HASH, token: [], port: 1 })],
  ['no arguments', query('ping', 3)],
  ['a dictionary for a method', { t: 'aa', y: 'q', q: { toString: 'x' }, a: { id: ID } }],
  ['a dictionary for a kind', { t: 'aa', y: { toString: 'x' } }],
  ['a number for a transaction', { t: 5, y: 'q', q: 'ping', a: { id: ID } }],
  ['an answer nobody asked for', { t: 'aa', y: 'r', r: { id: ID, nodes: 'abc', values: [1, { a: 2 }] } }],
  ['an error of dictionaries', { t: 'aa', y: 'e', e: [{ toString: 'x' }] }],
])('%s ends nothing', async (_what, message) => {
  await using other = await Other.open()
  await other.send(encode(message))
  expect((await other.ask('ping', { id: ID })).get('id')).toHaveLength(20)
  expect(uncaught).toEqual([])
})

test('nonsense ends nothing, also as an answer to what was asked', async () => {
  await using other = await Other.open()
  // It asks who pinged it, so that there are transactions to answer.
  await other.ask('ping', { id: ID })
  const random = seededRandom(5)
  const below = (limit: number): number => Math.floor(random() * limit)
  const value = (depth: number): Encodable => {
    const kind = random()
    if (kind < 0.3) return [0, 1, -1, 65_536, Number.MAX_SAFE_INTEGER][below(5)] ?? 0
    if (kind < 0.7 || depth > 3) return Buffer.alloc([0, 1, 6, 18, 19, 20, 26][below(7)] ?? 0, below(256))
    if (kind < 0.85) return Array.from({ length: below(3) }, () => value(depth + 1))
    return content(depth + 1)
  }
  const keys = [
    'id',
    'target',
    'info_hash',
    'token',
    'port',
    'v',
    'k',
    'sig',
    'seq',
    'nodes',
    'values',
    'toString',
  ]
  const content = (depth: number): Encodable =>
    Object.fromEntries(
      keys.filter(() => random() < 0.6).map((key) => [key, random() < 0.5 ? HASH : value(depth)]),
    )
  const methods = ['ping', 'find_node', 'get_peers', 'announce_peer', 'get', 'put']
  for (let at = 0; at < 3000; at += 1) {
    const transaction = Buffer.from([0, below(30)])
    const message = {
      ...(random() < 0.95 ? { t: random() < 0.9 ? transaction : value(0) } : {}),
      y: random() < 0.9 ? (['q', 'r', 'e'][below(3)] ?? 'q') : value(0),
      ...(random() < 0.8 ? { q: random() < 0.9 ? (methods[below(6)] ?? 'ping') : value(0) } : {}),
      ...(random() < 0.9 ? { a: random() < 0.9 ? content(0) : value(0) } : {}),
      ...(random() < 0.6 ? { r: random() < 0.9 ? content(0) : value(0) } : {}),
      ...(random() < 0.3 ? { e: value(0) } : {}),
    }
    await other.send(encode(message))
    // What comes faster than it is read is lost before anybody sees it.
    if (at % 50 === 0) await sleep(5)
  }
  await vi.waitFor(() => other.ask('ping', { id: ID }), { timeout: 20_000 })
  expect(uncaught).toEqual([])
})
