import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RateMeter, TokenBucket } from '../../../app/seeding/throttle.ts'

beforeEach(() => void vi.useFakeTimers({ now: 10_000 }))
afterEach(() => void vi.useRealTimers())

test('lets everything through without a limit', () => {
  const bucket = new TokenBucket(null)
  expect(bucket.take(1e12)).toBe(0)
  expect(bucket.take(1e12)).toBe(0)
})

test('keeps to its rate over time, whatever the size of the steps', () => {
  const bucket = new TokenBucket(100_000)
  let moved = 0
  for (let step = 0; step < 10_000; step += 1) {
    if (bucket.take(16_384) === 0) moved += 16_384
    vi.advanceTimersByTime(1)
  }
  expect(moved / 10).toBeGreaterThan(95_000)
  expect(moved / 10).toBeLessThan(105_000)
})

test('says how long to wait after more than its budget has moved', () => {
  const bucket = new TokenBucket(1000)
  expect(bucket.spend(500)).toBe(500)
})

test('measures a steady rate and forgets it when nothing moves any more', () => {
  const meter = new RateMeter()
  for (let step = 0; step < 100; step += 1) {
    meter.add(1000)
    vi.advanceTimersByTime(100)
  }
  expect(meter.rateBytesPerSec()).toBeGreaterThan(9000)
  expect(meter.rateBytesPerSec()).toBeLessThan(11_500)
  vi.advanceTimersByTime(6000)
  expect(meter.rateBytesPerSec()).toBe(0)
  expect(meter.totalBytes).toBe(100_000)
})
