import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watchdog, REPORT_EVERY_MS } from '../../../app/network/watchdog.ts'

let nowMs = 0
const onSilence = vi.fn()
let watchdog: Watchdog
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  nowMs = 0
  onSilence.mockClear()
  watchdog = new Watchdog(onSilence, () => nowMs)
  watchdog.start()
})
afterEach(() => {
  watchdog.stop()
  vi.useRealTimers()
})

/** Time in which this process has its turn when it is due. */
function pass(reports: number): void {
  for (let n = 0; n < reports; n += 1) {
    nowMs += REPORT_EVERY_MS
    vi.advanceTimersByTime(REPORT_EVERY_MS)
  }
}

test('one that misses ten reports in a row is noticed, once', () => {
  pass(9)
  expect(onSilence).not.toHaveBeenCalled()
  watchdog.heard()
  pass(9)
  expect(onSilence).not.toHaveBeenCalled()
  pass(20)
  expect(onSilence).toHaveBeenCalledTimes(1)
})

test('what was missed while this computer slept does not count', () => {
  pass(8)
  // Asleep for an hour: the next turn comes late, and what the other one said waits to be read.
  nowMs += 3_600_000
  vi.advanceTimersByTime(REPORT_EVERY_MS)
  pass(1)
  expect(onSilence).not.toHaveBeenCalled()
  watchdog.heard()
  pass(9)
  expect(onSilence).not.toHaveBeenCalled()
})

test('one that always has its turn late accuses nobody', () => {
  for (let n = 0; n < 100; n += 1) {
    nowMs += REPORT_EVERY_MS * 2
    vi.advanceTimersByTime(REPORT_EVERY_MS)
  }
  expect(onSilence).not.toHaveBeenCalled()
})
