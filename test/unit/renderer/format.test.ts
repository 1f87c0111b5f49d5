import { describe, expect, it } from 'vitest'
import { displayName, mediaKind, shortId } from '../../../renderer/format/names.ts'
import {
  formatAgo,
  formatDuration,
  formatPercent,
  formatRate,
  formatSize,
} from '../../../renderer/format/quantities.ts'

describe('sizes, rates and times', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [999_600, '1 MB'],
    [1_234_567, '1.2 MB'],
    [150_400_000, '150 MB'],
    [7_100_000_000, '7.1 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text))

  it('writes rates in kilobytes at least', () => {
    expect(formatRate(0)).toBe('0 kB/s')
    expect(formatRate(450)).toBe('0.5 kB/s')
    expect(formatRate(1_240_000)).toBe('1.2 MB/s')
  })

  it('says 100 % only when it is done', () => {
    expect(formatPercent(0.9999)).toBe('99%')
    expect(formatPercent(1)).toBe('100%')
  })

  it('rounds what is left up', () => {
    expect(formatDuration(200)).toBe('1 sec')
    expect(formatDuration(61_000)).toBe('2 min')
    expect(formatDuration(3 * 3_600_000 + 5 * 60_000)).toBe('3 hr 5 min')
  })

  it('says how long ago in the largest unit that fits', () => {
    expect(formatAgo(0, 240_000)).toBe('4 minutes ago')
    expect(formatAgo(0, 400)).toBe('now')
    expect(formatAgo(29_000, 0)).toBe('now')
    expect(formatAgo(240_000, 0)).toBe('in 4 minutes')
  })
})

describe('names', () => {
  it('makes control characters visible and drops direction overrides', () => {
    expect(displayName('a\nb\u007f')).toBe('a␊b␡')
    expect(displayName('invoice\u202efdp.exe')).toBe('invoicefdp.exe')
  })

  it('sorts MIME types into kinds', () => {
    expect(
      ['video/mp4', 'application/zip', 'application/pdf', 'application/x-thing', ''].map(mediaKind),
    ).toEqual(['video', 'archive', 'text', 'file', 'file'])
  })

  it('shortens long identifiers only', () => {
    expect(shortId('abcd')).toBe('abcd')
    expect(shortId('0123456789abcdef0123')).toBe('01234567…0123')
  })
})
