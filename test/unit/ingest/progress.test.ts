import { expect, test } from 'vitest'
import { pieceLengthFor } from '../../../app/ingest/index.ts'
import { type Progress, ProgressMeter } from '../../../app/ingest/progress.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

test.each([
  [1, 64 * KIB],
  [64 * MIB, 64 * KIB],
  [64 * MIB + 1, 128 * KIB],
  [128 * MIB, 128 * KIB],
  [1 * GIB, 1 * MIB],
  [16 * GIB, 16 * MIB],
  [500 * GIB, 16 * MIB],
])('a file of %d bytes has pieces of %d', (sizeBytes, pieceLength) => {
  expect(pieceLengthFor(sizeBytes)).toBe(pieceLength)
})

test('progress is told at most ten times a second, with rate and time left', () => {
  let nowMs = 0
  const told: Progress[] = []
  const meter = new ProgressMeter(
    1000,
    (progress) => told.push(progress),
    () => nowMs,
  )
  for (; nowMs < 1000; nowMs += 10) meter.add(5)
  expect(told.length).toBeLessThanOrEqual(10)
  expect(told.at(-1)?.rateBytesPerSec).toBeGreaterThan(450)
  expect(told.at(-1)?.rateBytesPerSec).toBeLessThan(550)
  meter.end()
  expect(told.at(-1)).toMatchObject({ bytesDone: 500, bytesTotal: 1000 })
  expect(told.at(-1)?.etaMs).toBeGreaterThan(900)
  expect(told.at(-1)?.etaMs).toBeLessThan(1100)
})

test('a pause does not count as slow', () => {
  let nowMs = 0
  const told: Progress[] = []
  const meter = new ProgressMeter(
    undefined,
    (progress) => told.push(progress),
    () => nowMs,
  )
  nowMs = 1000
  meter.add(1000)
  nowMs = 60_000
  meter.restart()
  nowMs = 61_000
  meter.add(1000)
  expect(told.at(-1)).toEqual({ bytesDone: 2000, rateBytesPerSec: 1000 })
})
