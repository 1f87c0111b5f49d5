import { describe, expect, it } from 'vitest'
import {
  parseGigabytes,
  parsePort,
  parsePublicUrl,
  parseRate,
  parseTracker,
  rateText,
} from '../../../renderer/settings/parse-setting.ts'

describe('settings typed as text', () => {
  it.each([
    ['', { value: null }],
    ['0', { value: null }],
    ['2.5', { value: 2_500_000 }],
    ['0,5', { value: 500_000 }],
    ['-1', null],
    ['2 MB', null],
    ['1e9', null],
  ])('reads the rate “%s”', (text, expected) => expect(parseRate(text)).toEqual(expected))

  it('writes a rate so that it reads the same again', () => {
    for (const rate of [1, 999, 2_500_000, 12_345_678])
      expect(parseRate(rateText(rate))).toEqual({ value: rate })
  })

  it('reads ports from 0 to 65535', () => {
    expect(['0', '65535', '65536', '-1', '80a', ''].map(parsePort)).toEqual([
      { value: 0 },
      { value: 65_535 },
      null,
      null,
      null,
      null,
    ])
  })

  it('takes trackers by the schemes that exist, with a host', () => {
    expect(parseTracker(' wss://t.example/announce ')).toEqual({ value: 'wss://t.example/announce' })
    expect(parseTracker('udp://t.example:6969')).toEqual({ value: 'udp://t.example:6969' })
    for (const bad of ['t.example', 'ftp://t.example', 'javascript:alert(1)', 'wss://']) {
      expect(parseTracker(bad)).toBeNull()
    }
  })

  it('takes an empty public address as none and drops a final slash', () => {
    expect(parsePublicUrl('')).toEqual({ value: null })
    expect(parsePublicUrl('https://m.example/')).toEqual({ value: 'https://m.example' })
    expect(parsePublicUrl('wss://m.example')).toBeNull()
  })

  it('reads gigabytes', () => expect(parseGigabytes('0.5')).toEqual({ value: 500_000_000 }))
})
