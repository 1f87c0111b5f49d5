import { describe, expect, it } from 'vitest'
import {
  addressProblem,
  bootstrapText,
  parseBootstrap,
  parseGateway,
  parseGigabytes,
  parsePort,
  parsePublicUrl,
  parseRate,
  parseRegion,
  parseRelay,
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

describe('settings of the network', () => {
  it('takes relays and gateways that name a host, each once and up to sixteen', () => {
    expect(parseRelay(' wss://relay.example.org/gun ')).toEqual({ value: 'wss://relay.example.org/gun' })
    expect(['udp://relay.example.org', 'relay.example.org', 'wss://', ''].map(parseRelay)).toEqual(
      Array(4).fill(null),
    )
    expect(parseGateway('https://ipfs.example.org/')).toEqual({ value: 'https://ipfs.example.org' })
    expect(parseGateway('wss://ipfs.example.org')).toBeNull()
    const full = Array.from({ length: 16 }, (_, index) => `wss://relay-${index}.example.org`)
    expect(addressProblem(null, [])).toBe('bad')
    expect(addressProblem({ value: full[3] ?? '' }, full)).toBe('twice')
    expect(addressProblem({ value: 'wss://new.example.org' }, full)).toBe('full')
    expect(addressProblem({ value: 'wss://new.example.org' }, full.slice(1))).toBeNull()
  })

  it('takes a word for a region, and at most two megabytes of a beginning', () => {
    expect(['', ' Tirol ', 'Österreich', 'a/b', 'x'.repeat(33)].map(parseRegion)).toEqual([
      { value: null },
      { value: 'Tirol' },
      { value: 'Österreich' },
      null,
      null,
    ])
    expect(['', '0', '0,5', '2', '2.1', 'much'].map(parseBootstrap)).toEqual([
      { value: 0 },
      { value: 0 },
      { value: 524_288 },
      { value: 2_097_152 },
      null,
      null,
    ])
    expect(bootstrapText(524_288)).toBe('0.5')
  })
})
