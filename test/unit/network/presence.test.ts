import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { digestHas, makeDigest } from '../../../app/network/digest.ts'
import {
  makeHeartbeat,
  makeItemPresence,
  readHeartbeat,
  readItemPresence,
  type NodeSigner,
} from '../../../app/network/presence-record.ts'
import { openDatabase } from '../../../app/library/index.ts'
import { Presence } from '../../../app/network/presence.ts'
import { PresenceStore } from '../../../app/network/presence-store.ts'
import { PresenceSchedule, SCHEDULE } from '../../../app/network/presence-schedule.ts'

import { silentLog } from '../../../app/ports/log.ts'
import { tempDir } from '../../support/temp-dir.ts'

const NOW = 1_800_000_000_000
const idOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex')
const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => idOf(n))

function nodeSigner(): NodeSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const nodeId = createHash('sha256').update(raw).digest('hex').slice(0, 40)
  return { nodeId, publicKeyHex: raw.toString('hex'), sign: (bytes) => sign(null, bytes, privateKey) }
}
const claim = { protocols: ['bittorrent', 'http'], lastSeen: NOW / 1000, ttl: 900 }

test('a record holds for its item and its node, and for nothing else', () => {
  const signer = nodeSigner()
  const fields = makeItemPresence(
    idOf(1),
    { ...claim, endpoints: ['https://a.example'], region: 'eu' },
    signer,
  )
  expect(readItemPresence(fields, idOf(1), NOW)).toMatchObject({
    mediaId: idOf(1),
    peerId: signer.nodeId,
    endpoints: ['https://a.example'],
    region: 'eu',
  })
  expect(readItemPresence(fields, idOf(2), NOW)).toBeUndefined()
  for (const change of [
    { ttl: 901 },
    { lastSeen: NOW / 1000 + 1 },
    { endpoints: '["https://evil.example"]' },
    { region: 'us' },
    { peerId: nodeSigner().nodeId },
    { pub: nodeSigner().publicKeyHex },
    { sig: 'A'.repeat(86) },
  ]) {
    expect(readItemPresence({ ...fields, ...change }, idOf(1), NOW), JSON.stringify(change)).toBeUndefined()
  }
  expect(readItemPresence(fields, idOf(1), NOW - 3_600_000)).toBeUndefined()
})

test('what is no longer said is gone, though GUN takes nothing away', () => {
  const signer = nodeSigner()
  const before = makeItemPresence(
    idOf(1),
    { ...claim, endpoints: ['https://home.example'], region: 'eu' },
    signer,
  )
  const after = { ...before, ...makeItemPresence(idOf(1), claim, signer) }
  const read = readItemPresence(after, idOf(1), NOW)
  expect(read).toBeDefined()
  expect(read?.endpoints).toBeUndefined()
  expect(JSON.stringify(after)).not.toContain('home.example')
  const many = makeHeartbeat({ ...claim, items: 9_000, digest: makeDigest(ids(9_000)) }, signer)
  const few = { ...many, ...makeHeartbeat({ ...claim, items: 3, digest: makeDigest(ids(3)) }, signer) }
  expect(readHeartbeat(few, signer.nodeId, NOW)?.items).toBe(3)
  expect(readHeartbeat({ ...few, d: many['d0'] }, signer.nodeId, NOW)).toBeUndefined()
})

test('OIP’s records, which nobody signed, are not believed', () => {
  const oip = { peerId: 'x', protocols: '["http"]', endpoints: '[]', lastSeen: NOW, timestamp: 'now' }
  expect(readItemPresence(oip, idOf(1), NOW)).toBeUndefined()
})

test.each([1, 100, 8_000, 20_000])(
  'a digest of %i items has all of them, few others, and values GUN may hold',
  (count) => {
    const all = ids(count)
    const digest = makeDigest(all)
    expect(all.every((id) => digestHas(digest, id))).toBe(true)
    const others = Array.from({ length: 2_000 }, (_, n) => idOf(n + 1_000_000))
    expect(others.filter((id) => digestHas(digest, id)).length).toBeLessThan(100)
    for (const value of Object.values(digest)) expect(value.length).toBeLessThanOrEqual(16 * 1024)
  },
)

test('10,000 items are said at a bounded rate, each again before its record runs out', () => {
  const schedule = new PresenceSchedule()
  schedule.setItems(ids(10_000))
  const saidAt = new Map<string, number>()
  let longestMs = 0
  let written = 0
  let heartbeats = 0
  const hours = 6
  for (let atMs = NOW; atMs < NOW + hours * 3_600_000; atMs += 1_000) {
    const { items, isHeartbeatDue } = schedule.take(atMs)
    written += items.length
    if (isHeartbeatDue) heartbeats += 1
    for (const id of items) {
      longestMs = Math.max(longestMs, atMs - (saidAt.get(id) ?? atMs))
      saidAt.set(id, atMs)
    }
  }
  expect(saidAt.size).toBe(10_000)
  expect(written / (hours * 3600)).toBeLessThanOrEqual(SCHEDULE.itemsPerSec)
  expect(longestMs).toBeLessThan(schedule.itemTtlSec * 1000)
  expect(heartbeats).toBeGreaterThanOrEqual(hours * 12)
  expect(heartbeats).toBeLessThanOrEqual(hours * 12 + 2)
})

test('who is asked for comes first, but not more often than once a minute', () => {
  const schedule = new PresenceSchedule()
  schedule.setItems(ids(1_000))
  schedule.ask(idOf(900), NOW)
  expect(schedule.take(NOW).items[0]).toBe(idOf(900))
  schedule.ask(idOf(900), NOW + 30_000)
  const next: string[] = []
  for (let s = 1; s < 50; s += 1) next.push(...schedule.take(NOW + s * 1_000).items)
  expect(next).not.toContain(idOf(900))
  schedule.ask(idOf(900), NOW + 61_000)
  expect(schedule.take(NOW + 61_000).items[0]).toBe(idOf(900))
})

test('after a sleep or with a wrong clock there is no burst and no silence', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e10, max: 1e10 }), { maxLength: 30 }), (jumps) => {
      const schedule = new PresenceSchedule()
      schedule.setItems(ids(50))
      let atMs = NOW
      for (const jump of jumps) {
        atMs = Math.max(1, atMs + jump)
        expect(schedule.take(atMs).items.length).toBeLessThanOrEqual(SCHEDULE.itemsPerSec * 5)
      }
      let heartbeats = 0
      const said = new Set<string>()
      for (let s = 0; s < 1_200; s += 1) {
        const { items, isHeartbeatDue } = schedule.take(atMs + s * 1_000)
        if (isHeartbeatDue) heartbeats += 1
        for (const id of items) said.add(id)
      }
      expect(heartbeats).toBeGreaterThanOrEqual(3)
      expect(said.size).toBe(50)
    }),
    { numRuns: 30 },
  )
})

test('an item that is gone is named once, and the digest no longer has it', () => {
  const schedule = new PresenceSchedule()
  expect(schedule.setItems(ids(3))).toEqual([])
  schedule.take(NOW)
  expect(schedule.setItems(ids(2))).toEqual([idOf(2)])
  expect(schedule.setItems(ids(2))).toEqual([])
  expect(schedule.take(NOW + 31_000)).toMatchObject({ isHeartbeatDue: true, isDigestChanged: true })
  expect(schedule.mediaIds()).not.toContain(idOf(2))
})

test('goes on saying what it has after the library could not be read for a moment', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const clock = { nowMs: () => Date.now() }
  const db = openDatabase(dir.file('sower.db'), { log: silentLog, clock })
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  onTestFinished(() => db.close())
  const said: string[] = []
  let isReadable = false
  const presence = new Presence({
    client: {
      isRunning: true,
      get: () => Promise.resolve([]),
      put: (graph) => {
        said.push(...Object.keys(graph))
        return Promise.resolve({ isStored: true, relays: [] })
      },
    },
    store: new PresenceStore(db),
    signer: nodeSigner(),
    items: () => {
      if (!isReadable) throw new Error('disk I/O error')
      return [idOf(1)]
    },
    about: () => claim,
    clock,
    log: silentLog,
  })
  presence.start()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(said).toEqual([])
  isReadable = true
  await vi.advanceTimersByTimeAsync(60_000)
  expect(said).toContain(`media:${idOf(1)}:peers`)
  await presence.stop()
})
