import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../app/contract/index.ts'
import { formatLink, parseLink } from '../../app/fetching/link.ts'

const ID = 'ab'.repeat(32)
const HASH = '0123456789abcdef0123456789abcdef01234567'
const BASE32 = 'AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH'
const none = { trackers: [], webSources: [], peers: [], isEncrypted: false }
const KEY = '_-'.repeat(21) + 'A'

function refusal(text: string): AppError {
  try {
    parseLink(text)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`accepted ${JSON.stringify(text.slice(0, 80))}`)
}

describe('parseLink', () => {
  it.each([
    ['a media id', ID.toUpperCase(), { kind: 'mediaId', mediaId: ID, ...none }],
    ['an info hash', HASH.toUpperCase(), { kind: 'infoHash', infoHash: HASH, ...none }],
    ['an info hash in base32', BASE32.toLowerCase(), { kind: 'infoHash', infoHash: HASH, ...none }],
    ['did:gun:media', `did:gun:media:${ID}`, { kind: 'did', mediaId: ID, ...none }],
    [
      'did of an OIP record',
      `did:gun:0123456789AB:media_${ID}`,
      { kind: 'did', mediaId: ID, recordOf: '0123456789ab', ...none },
    ],
    ['did:bt', `did:bt:${HASH}`, { kind: 'did', infoHash: HASH, ...none }],
    ['did:bittorrent', `did:bittorrent:${HASH}`, { kind: 'did', infoHash: HASH, ...none }],
    ['a bare sower link', ` sower://media/${ID}\n`.trim(), { kind: 'sower', mediaId: ID, ...none }],
    [
      'the address of an item on a node',
      `http://[::1]:8765/media/${ID}`,
      { kind: 'http', mediaId: ID, ...none, webSources: [`http://[::1]:8765/media/${ID}`] },
    ],
    [
      'the API address of an item behind a path',
      `https://example.org/sower/api/media/${ID}/info`,
      { kind: 'http', mediaId: ID, ...none, webSources: [`https://example.org/sower/media/${ID}`] },
    ],
    [
      'a magnet with everything',
      `magnet:?xt=urn:btih:${BASE32}&dn=A+film&tr=udp%3A%2F%2Ft.example%3A80&tr=wss%3A%2F%2Ft.example&ws=http%3A%2F%2Fh.example%2Ff&x.pe=10.0.0.1:6881&x.pe=[::1]:1&xs=http%3A%2F%2Fevil.example`,
      {
        kind: 'magnet',
        infoHash: HASH,
        name: 'A film',
        trackers: ['udp://t.example:80', 'wss://t.example/'],
        webSources: ['http://h.example/f'],
        peers: ['10.0.0.1:6881', '[::1]:1'],
        isEncrypted: false,
      },
    ],
    [
      'the link of an encrypted item with its key and date',
      `sower://media/${ID}?v=1&enc=1&exp=1900000000#k=${KEY}`,
      { kind: 'sower', mediaId: ID, ...none, isEncrypted: true, key: KEY, expiresAtMs: 1_900_000_000_000 },
    ],
    [
      'a key for somebody without the app',
      `https://sower.example/#sower://media/${ID}?v=1#k=${KEY}`,
      { kind: 'sower', mediaId: ID, ...none, isEncrypted: true, key: KEY },
    ],
  ])('reads %s', (_what, text, expected) => {
    expect(parseLink(text)).toEqual(expected)
  })

  it.each([
    `https://sower.example/#sower://media/${ID}?v=1&ih=${HASH}`,
    `https://sower.example/open/#media/${ID}?v=1&ih=${HASH}`,
    `https://sower.example/#/media/${ID}?v=1&ih=${HASH}`,
  ])('reads the form for people without the app: %s', (text) => {
    expect(parseLink(text)).toEqual({ kind: 'sower', mediaId: ID, infoHash: HASH, ...none })
  })

  it('ignores parameters it does not know and addresses it cannot use', () => {
    const link = `sower://media/${ID}?v=1&future=1&tr=javascript:alert(1)&tr=file:///etc/passwd&ws=ftp://x/y&ws=http://u:p@h/&tr=%FF&x.pe=nohost&x.pe=h:0&x.pe=h:99999&pub=short&enc=2#other=short`
    expect(parseLink(link)).toEqual({ kind: 'sower', mediaId: ID, ...none })
  })

  it('keeps at most 20 trackers, 20 web sources and 20 peers', () => {
    const many = (name: string, make: (i: number) => string) =>
      Array.from({ length: 50 }, (_, i) => `${name}=${encodeURIComponent(make(i))}`).join('&')
    const parsed = parseLink(
      `magnet:?xt=urn:btih:${HASH}&${many('tr', (i) => `wss://t${i}.example`)}&${many('ws', (i) => `http://w${i}.example/`)}&${many('x.pe', (i) => `10.0.0.${i}:1`)}`,
    )
    expect([parsed.trackers.length, parsed.webSources.length, parsed.peers.length]).toEqual([20, 20, 20])
  })

  it('takes writing-direction and control characters out of a name', () => {
    const { name } = parseLink(
      `magnet:?xt=urn:btih:${HASH}&dn=${encodeURIComponent('a\u202Egpj.exe\u0000\n')}`,
    )
    expect(name).toBe('agpj.exe')
  })

  it.each([
    ['nothing', '   ', /no link/],
    ['prose', 'hello there', /not a link/],
    ['another scheme', 'javascript:alert(1)', /javascript:/],
    ['a file path', 'file:///etc/passwd', /file:/],
    ['a windows path', 'C:\\Windows\\system32', /c:/],
    ['a mediaId that is too short', `sower://media/${ID.slice(1)}`, /64 hexadecimal/],
    ['a mediaId with a path in it', `sower://media/../${ID}`, /64 hexadecimal/],
    ['an infoHash that is none', `sower://media/${ID}?ih=xyz`, /40 hexadecimal/],
    ['a newer link', `sower://media/${ID}?v=2`, /newer/],
    ['a magnet without a torrent', 'magnet:?dn=x', /urn:btih/],
    ['a version 2 magnet', `magnet:?xt=urn:btmh:1220${ID}`, /version 2/],
    ['another did', 'did:web:example.org', /did:gun:media/],
    ['a web page', 'https://example.org/', /\/media\//],
    ['an address with a password', `http://u:p@h.example/media/${ID}`, /\/media\//],
    ['a line break inside', `sower://media/${ID}\r\nHost: x`, /characters/],
    ['a link without end', `magnet:?xt=urn:btih:${HASH}&dn=${'x'.repeat(20_000)}`, /longer/],
  ])('refuses %s and says what is expected', (_what, text, message) => {
    const error = refusal(text)
    expect(error.code).toBe('LINK_INVALID')
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(/64 hexadecimal|media id/)
  })

  it.each([
    ['a key that lost a character', `sower://media/${ID}?enc=1#k=${KEY.slice(1)}`, /key .*damaged/],
    ['a key with something behind it', `sower://media/${ID}?enc=1#k=${KEY}.`, /key .*damaged/],
    ['a key with spare bits set', `sower://media/${ID}?enc=1#k=${KEY.slice(0, -1)}B`, /key .*damaged/],
    ['an empty key', `sower://media/${ID}?enc=1#k=`, /key .*damaged/],
    ['a date that is none', `sower://media/${ID}?enc=1&exp=soon`, /date/],
    ['a card', `sower://card/eyJ9`, /card/],
    ['a card behind a web address', `https://sower.example/#card/eyJ9`, /card/],
  ])('refuses %s', (_what, text, message) => {
    expect(refusal(text)).toMatchObject({
      code: 'LINK_INVALID',
      message: expect.stringMatching(message) as string,
      hint: expect.any(String) as string,
    })
  })

  it('never throws anything but LINK_INVALID, whatever is pasted', () => {
    const fragments = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'sower:',
        '//media/',
        ID,
        HASH,
        'magnet:?xt=urn:btih:',
        '&tr=',
        '&ws=',
        '#k=',
        '%',
        'did:',
        'https://h/#',
        '?',
        'x.pe=[',
      ),
    )
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 8 }), (parts) => {
        const text = parts.join('')
        try {
          const parsed = parseLink(text)
          expect(parsed.mediaId !== undefined || parsed.infoHash !== undefined).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'LINK_INVALID' })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('formatLink', () => {
  const hex = (length: number) =>
    fc
      .array(fc.constantFrom(...Array.from('0123456789abcdef')), { minLength: length, maxLength: length })
      .map((d) => d.join(''))
  const address = (schemes: string[]) =>
    fc
      .tuple(fc.constantFrom(...schemes), fc.domain(), fc.webPath(), fc.webQueryParameters())
      .map(
        ([scheme, host, path, query]) =>
          new URL(`${scheme}://${host}${path === '' ? '/' : path}?${query}`).href,
      )
  const peer = fc
    .tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))
    .map(([host, port]) => `${host}:${port}`)

  it('comes back the same from parseLink', () => {
    fc.assert(
      fc.property(
        fc.record({
          mediaId: hex(64),
          infoHash: fc.option(hex(40), { nil: undefined }),
          trackers: fc.uniqueArray(address(['wss', 'https', 'ws']), { maxLength: 5 }),
          webSources: fc.uniqueArray(address(['http', 'https']), { maxLength: 5 }),
          peers: fc.uniqueArray(peer, { maxLength: 5 }),
          pub: fc.option(fc.constantFrom(`02${ID}`, `${'A'.repeat(43)}.${'b-_'.repeat(14)}c`), {
            nil: undefined,
          }),
          key: fc.option(
            fc
              .uint8Array({ minLength: 32, maxLength: 32 })
              .map((key) => Buffer.from(key).toString('base64url')),
            { nil: undefined },
          ),
          isEncrypted: fc.boolean(),
          expiresAtMs: fc.option(
            fc.integer({ min: 0, max: 4e9 }).map((seconds) => seconds * 1000),
            {
              nil: undefined,
            },
          ),
        }),
        (parts) => {
          const present = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))
          const isEncrypted = parts.isEncrypted || parts.key !== undefined
          expect(parseLink(formatLink(parts))).toEqual({ kind: 'sower', ...present, isEncrypted })
        },
      ),
    )
  })

  it('refuses a key that is none', () => {
    expect(() => formatLink({ mediaId: ID, key: 'short' })).toThrow(AppError)
  })

  it('is the documented form of an encrypted item', () => {
    expect(
      formatLink({
        mediaId: ID,
        infoHash: HASH,
        pub: `02${ID}`,
        trackers: ['wss://t.example/'],
        key: KEY,
        expiresAtMs: 1_900_000_000_999,
      }),
    ).toBe(
      `sower://media/${ID}?v=1&enc=1&pub=02${ID}&ih=${HASH}&tr=wss%3A%2F%2Ft.example%2F&exp=1900000000#k=${KEY}`,
    )
  })

  it('is the documented form', () => {
    expect(
      formatLink({
        mediaId: ID,
        infoHash: HASH,
        trackers: ['wss://t.example/'],
        webSources: ['https://h.example/media/x'],
      }),
    ).toBe(
      `sower://media/${ID}?v=1&ih=${HASH}&tr=wss%3A%2F%2Ft.example%2F&ws=https%3A%2F%2Fh.example%2Fmedia%2Fx`,
    )
  })
})
