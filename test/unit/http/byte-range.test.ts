import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideRange, isNoneMatch, isRangeFresh } from '../../../app/http/byte-range.ts'

const SIZE = 1000
const part = (start: number, endExclusive: number) => ({ kind: 'part', range: { start, endExclusive } })
const whole = { kind: 'whole' }
const unsatisfiable = { kind: 'unsatisfiable' }

const syntaxes: readonly (readonly [string | undefined, object])[] = [
  [undefined, whole],
  ['', whole],
  ['bytes', whole],
  ['bytes=', whole],
  ['bytes=-', whole],
  ['bytes=0-0', part(0, 1)],
  ['bytes=0-', part(0, 1000)],
  ['bytes=0-999', part(0, 1000)],
  ['bytes=0-1000', part(0, 1000)],
  ['bytes=0-99999999999999999999999999', part(0, 1000)],
  ['bytes=999-', part(999, 1000)],
  ['bytes=999-999', part(999, 1000)],
  ['bytes=500-599', part(500, 600)],
  ['bytes=-1', part(999, 1000)],
  ['bytes=-999', part(1, 1000)],
  ['bytes=-1000', part(0, 1000)],
  ['bytes=-1001', part(0, 1000)],
  ['bytes=-99999999999999999999999999', part(0, 1000)],
  ['bytes=-0', unsatisfiable],
  ['bytes=-00', unsatisfiable],
  ['bytes=1000-', unsatisfiable],
  ['bytes=1000-1000', unsatisfiable],
  ['bytes=1001-2000', unsatisfiable],
  ['bytes=99999999999999999999999999-', unsatisfiable],
  ['bytes=9e99-', whole],
  ['bytes=0x10-', whole],
  ['bytes=1-0', whole],
  ['bytes=2000-1500', whole],
  ['bytes=--1', whole],
  ['bytes=-1-2', whole],
  ['bytes=1-2-3', whole],
  ['bytes=+1-2', whole],
  ['bytes=1.0-2', whole],
  ['bytes=1-2x', whole],
  ['bytes=a-b', whole],
  ['bytes=1', whole],
  ['bytes=1_000-', whole],
  ['bytes=１-２', whole],
  ['bytes=0-0,', part(0, 1)],
  ['bytes=,0-0', part(0, 1)],
  ['bytes=,,0-0,,', part(0, 1)],
  ['bytes= 0-0', part(0, 1)],
  ['bytes=0-0 ', part(0, 1)],
  ['bytes=\t0-0\t', part(0, 1)],
  ['bytes=0 -0', whole],
  ['bytes=0- 0', whole],
  ['bytes =0-0', whole],
  [' bytes=0-0', whole],
  ['Bytes=0-0', part(0, 1)],
  ['BYTES=-5', part(995, 1000)],
  ['bytes=0-0,-1', whole],
  ['bytes=0-0, 5-6', whole],
  ['bytes=0-,0-,0-', whole],
  ['bytes=5000-,0-0', whole],
  [`bytes=${Array(1000).fill('0-0').join(',')}`, whole],
  [`bytes=${Array(1000).fill('').join(',')}0-0`, whole],
  [`bytes=0-${'9'.repeat(500)}`, whole],
  ['items=0-0', whole],
  ['none', whole],
  ['bytes:0-0', whole],
  ['bytes=0-0\r\nx: y', whole],
  ['bytes=0\u0000-0', whole],
  ['bytes=0–0', whole],
  ['bytes=*', whole],
]

describe('decideRange', () => {
  it.each(syntaxes)('reads %j', (header, expected) => {
    expect(decideRange(header, SIZE)).toEqual(expected)
  })

  it('covers sixty syntaxes at least', () => {
    expect(syntaxes.length).toBeGreaterThanOrEqual(60)
  })

  it('never leaves the file, whatever the header says', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'0123456789-, bytes='.split('')) }),
    )
    fc.assert(
      fc.property(text, fc.nat(5000), (set, sizeBytes) => {
        const decision = decideRange(`bytes=${set}`, sizeBytes)
        if (decision.kind !== 'part') return
        const { start, endExclusive } = decision.range
        expect(start).toBeGreaterThanOrEqual(0)
        expect(endExclusive).toBeGreaterThan(start)
        expect(endExclusive).toBeLessThanOrEqual(sizeBytes)
      }),
      { numRuns: 2000 },
    )
  })

  it('finds no range in an empty file', () => {
    expect(decideRange('bytes=0-', 0)).toEqual(unsatisfiable)
    expect(decideRange('bytes=-5', 0)).toEqual(unsatisfiable)
  })
})

describe('isNoneMatch', () => {
  it.each([
    [undefined, false],
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['*', true],
    ['a', false],
    ['"b"', false],
  ])('compares %j with "a"', (header, expected) => {
    expect(isNoneMatch(header, '"a"')).toBe(expected)
  })
})

describe('isRangeFresh', () => {
  it.each([
    [undefined, true],
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    ['Sun, 22 Nov 2026 15:00:00 GMT', false],
  ])('compares %j with "a"', (header, expected) => {
    expect(isRangeFresh(header, '"a"')).toBe(expected)
  })
})
