import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  TrackerRefusal,
  type AnnounceRequest,
  type Announced,
} from '../../../app/seeding/trackers/announce.ts'
import { Pacer, PolledChannel } from '../../../app/seeding/trackers/polled-channel.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1000 }))
afterEach(() => void vi.useRealTimers())

const minute = 60_000

function setUp(options: { fails?: (request: AnnounceRequest) => Error | null } = {}) {
  const seen: (AnnounceRequest & { atMs: number })[] = []
  const peers = vi.fn()
  const channel = new PolledChannel(
    'http://tracker.example/announce',
    {
      announce: (request) => {
        seen.push({ ...request, atMs: performance.now() })
        const error = options.fails?.(request) ?? null
        if (error !== null) return Promise.reject(error)
        return Promise.resolve({ intervalMs: 30 * minute, peers: ['10.0.0.1:6881'], leechers: 1 })
      },
      close: () => undefined,
    },
    new Pacer(20),
    {
      peerId: 'ab'.repeat(20),
      peerPort: () => 6881,
      nowMs: () => Date.now(),
      onPeers: peers,
      onSeeds: () => undefined,
      onChange: () => undefined,
    },
  )
  return { channel, seen, peers }
}

function announced(number: number, left = 0): Announced {
  return { infoHash: String(number).padStart(40, '0'), left: () => left, wanted: () => (left > 0 ? 40 : 0) }
}

test('announces many seeds at twenty a second, and each again when its interval is over', async () => {
  const { channel, seen } = setUp()
  for (let number = 0; number < 100; number += 1) channel.add(announced(number))
  await vi.advanceTimersByTimeAsync(1000)
  expect(seen.length).toBeGreaterThan(10)
  expect(seen.length).toBeLessThanOrEqual(21)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(seen).toHaveLength(100)
  expect(seen.every(({ event, left, port }) => event === 'started' && left === 0 && port === 6881)).toBe(true)
  await vi.advanceTimersByTimeAsync(35 * minute)
  expect(seen).toHaveLength(200)
})

test('asks for a download again within minutes, however many seeds wait before it', async () => {
  const { channel, seen } = setUp()
  for (let number = 0; number < 10; number += 1) channel.add(announced(number))
  await vi.advanceTimersByTimeAsync(2000)
  channel.add(announced(99, 1000))
  await vi.advanceTimersByTimeAsync(3 * minute)
  const asked = seen.filter(({ left }) => left > 0)
  expect(asked.length).toBeGreaterThanOrEqual(3)
  expect(asked[0]).toMatchObject({ event: 'started', numwant: 40 })
})

test('rests longer and longer when the tracker is silent, then says started after all', async () => {
  let isAway = true
  const { channel, seen } = setUp({ fails: () => (isAway ? new Error('ECONNREFUSED') : null) })
  channel.add(announced(1))
  await vi.advanceTimersByTimeAsync(2 * minute)
  expect(seen.length).toBeGreaterThan(2)
  expect(seen.length).toBeLessThan(8)
  expect(channel.status()).toMatchObject({ state: 'failing', message: 'It could not be reached.' })
  isAway = false
  await vi.advanceTimersByTimeAsync(5 * minute)
  expect(seen.at(-1)).toMatchObject({ event: 'started' })
  expect(channel.status().state).toBe('working')
})

test("says a tracker's own words when it refuses one torrent, and goes on with the others", async () => {
  const refused = announced(1)
  const { channel, seen } = setUp({
    fails: ({ infoHash }) =>
      infoHash === refused.infoHash ? new TrackerRefusal('not registered here') : null,
  })
  channel.add(refused)
  await vi.advanceTimersByTimeAsync(100)
  expect(channel.status()).toMatchObject({ state: 'failing', message: 'not registered here' })
  channel.add(announced(2))
  await vi.advanceTimersByTimeAsync(1000)
  expect(seen.map(({ infoHash }) => infoHash)).toEqual([refused.infoHash, announced(2).infoHash])
})

test('takes back what is still on its way', async () => {
  const { channel, seen } = setUp()
  channel.add(announced(1))
  vi.advanceTimersByTime(1)
  channel.remove(announced(1).infoHash)
  await vi.advanceTimersByTimeAsync(1000)
  expect(seen.map(({ event }) => event)).toEqual(['started', 'stopped'])
})
