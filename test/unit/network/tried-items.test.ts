import { beforeEach, expect, it } from 'vitest'
import { TriedItems } from '../../../app/network/tried-items.ts'

let nowMs: number
let tried: TriedItems
beforeEach(() => {
  nowMs = 1_000
  tried = new TriedItems({ nowMs: () => nowMs })
})

it('looks nothing up twice at once, nor again what was found', () => {
  expect(tried.has('a')).toBe(false)
  tried.begin('a')
  expect(tried.has('a')).toBe(true)
  nowMs += 24 * 60 * 60_000
  expect(tried.has('a')).toBe(true)
  expect(tried.nextInMs()).toBe(Infinity)
})

it('waits longer each time nobody knew an item, up to an hour', () => {
  const waitsMs: number[] = []
  for (let round = 0; round < 7; round += 1) {
    tried.begin('a')
    tried.missed('a', 5_000)
    const waitMs = tried.nextInMs()
    waitsMs.push(waitMs)
    expect(tried.has('a')).toBe(true)
    nowMs += waitMs
    expect(tried.has('a')).toBe(false)
    // Whoever did not look it up then is not called every moment for it.
    expect(tried.nextInMs()).toBe(Infinity)
  }
  expect(waitsMs).toEqual([5_000, 20_000, 80_000, 320_000, 1_280_000, 3_600_000, 3_600_000])
})

it('does not count a time when nobody answered', () => {
  tried.begin('a')
  tried.unanswered('a')
  expect(tried.has('a')).toBe(false)
  expect(tried.nextInMs()).toBe(Infinity)
  tried.begin('a')
  tried.missed('a', 5_000)
  tried.begin('b')
  tried.missed('b', 60_000)
  expect(tried.nextInMs()).toBe(5_000)
})
