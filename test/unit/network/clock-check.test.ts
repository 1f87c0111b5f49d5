import { expect, test } from 'vitest'
import { ClockCheck } from '../../../app/network/clock-check.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000

test('the clock is wrong when most relays say so, and by what they say', () => {
  const check = new ClockCheck()
  const relays = ['a', 'b', 'c']
  expect(check.aheadMs(relays)).toBeUndefined()
  check.heard('a', NOW + 2 * HOUR, NOW)
  expect(check.aheadMs(relays)).toBe(-2 * HOUR)
  // It may be the relay's that is wrong.
  check.heard('b', NOW - 20_000, NOW)
  expect(check.aheadMs(relays)).toBeUndefined()
  check.heard('c', NOW + 2 * HOUR + 1_000, NOW)
  expect(check.aheadMs(relays)).toBe(-2 * HOUR)
  expect(check.aheadMs(['b'])).toBeUndefined()
  check.heard('a', NOW, NOW)
  expect(check.aheadMs(relays)).toBeUndefined()
  check.heard('c', NOW - HOUR, NOW)
  expect(check.aheadMs(['c'])).toBe(HOUR)
})
