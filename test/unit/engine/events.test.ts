import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { EngineEvents } from '../../../app/engine-events.ts'
import { silentLog } from '../../../app/ports/log.ts'
import type { EngineEventPayload } from '../../../app/contract/index.ts'

const id = (n: number): string => n.toString(16).padStart(64, '0')
let events: EngineEvents
let told: EngineEventPayload<'discovery.changed'>[]

beforeEach(() => {
  vi.useFakeTimers()
  told = []
  events = new EngineEvents({
    item: () => undefined,
    transfer: () => undefined,
    node: () => ({}) as never,
    log: silentLog,
  })
  events.on('discovery.changed', (payload) => told.push(payload))
})
afterEach(() => {
  events.stop()
  vi.useRealTimers()
})

it('tells of what can be found four times a second at most, each item once', () => {
  for (let n = 0; n < 1000; n += 1) {
    events.discoveryChanged([id(n % 3)])
    vi.advanceTimersByTime(1)
  }
  vi.advanceTimersByTime(1000)
  expect(told.length).toBeLessThanOrEqual(4)
  for (const { mediaIds, isReset } of told) {
    expect(isReset).toBe(false)
    expect(new Set(mediaIds)).toEqual(new Set([id(0), id(1), id(2)]))
    expect(mediaIds).toHaveLength(3)
  }
})

it('says to search again when too much came at once, instead of naming all of it', () => {
  events.discoveryChanged(Array.from({ length: 10_000 }, (_, n) => id(n)))
  vi.advanceTimersByTime(1000)
  expect(told).toEqual([{ mediaIds: [], isReset: true }])
})

it('tells whom one follows as it is', () => {
  const lists: unknown[] = []
  events.on('following.changed', ({ publishers }) => lists.push(publishers))
  events.followingChanged([])
  expect(lists).toEqual([[]])
})
