import { describe, expect, it } from 'vitest'
import { identifyClient } from '../../../app/http/listener.ts'
import { servedAs } from '../../../app/http/media-type.ts'
import { Tickets } from '../../../app/http/tickets.ts'
import { TokenBuckets } from '../../../app/http/token-buckets.ts'
import { openApiDocument } from '../../../app/http/openapi.ts'
import { readUploadFields, requireWhole } from '../../../app/http/upload-fields.ts'
import type { FormField } from '../../../app/http/upload-fields.ts'
import { engineCalls } from '../../../app/contract/index.ts'

const ID = 'ab'.repeat(32)
const PATH = `/media/${ID}`

describe('servedAs', () => {
  it.each(['image/png', 'image/jpeg', 'video/mp4', 'audio/mpeg', 'video/x-matroska', 'application/ogg'])(
    'shows %s in place',
    (mime) => {
      expect(servedAs(mime)).toEqual({ contentType: mime, disposition: 'inline' })
    },
  )

  it.each([
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/pdf',
    'text/javascript',
    'application/x-shockwave-flash',
    'text/plain',
    'multipart/related',
    '',
    'video/mp4; charset=x',
    'video/mp4\r\nX-Evil: 1',
    'image/svg+xml;x=image/png',
  ])('hands out %j as a download without a type', (mime) => {
    expect(servedAs(mime)).toEqual({ contentType: 'application/octet-stream', disposition: 'attachment' })
  })
})

describe('TokenBuckets', () => {
  it('says when the next token comes', () => {
    let now = 0
    const buckets = new TokenBuckets(() => now)
    const rate = { ratePerSec: 2, burst: 3 }
    expect([1, 2, 3].map(() => buckets.take('a', rate))).toEqual([0, 0, 0])
    expect(buckets.take('a', rate)).toBe(500)
    expect(buckets.take('b', rate)).toBe(0)
    now = 500
    expect(buckets.has('a', rate)).toBe(true)
    expect(buckets.take('a', rate)).toBe(0)
    expect(buckets.has('a', rate)).toBe(false)
  })
})

describe('identifyClient', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['::1', '0:0:0:0::/64', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::ffff:192.0.2.7', '192.0.2.7', false],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', false],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64', false],
    ['2001:db8::9', '2001:db8:0:0::/64', false],
    [undefined, 'unknown', false],
  ])('counts %s as %s', (address, clientKey, isLoopback) => {
    expect(identifyClient(address)).toEqual({ clientKey, isLoopback })
  })
})

describe('Tickets', () => {
  it('opens the events once, within thirty seconds', () => {
    let now = 0
    const tickets = new Tickets(() => now)
    const { ticket } = tickets.issueForEvents()
    const late = tickets.issueForEvents()
    expect(tickets.redeemForEvents(ticket)).toBe(true)
    expect(tickets.redeemForEvents(ticket)).toBe(false)
    now = 30_001
    expect(tickets.redeemForEvents(late.ticket)).toBe(false)
    expect(tickets.redeemForEvents('')).toBe(false)
  })

  it('opens one item until it expires', () => {
    let now = 1000.5
    const tickets = new Tickets(() => now)
    const { path, expiresInMs } = tickets.signMedia(PATH)
    const query = new URL(path, 'http://x').searchParams
    expect(tickets.isMediaSigned(PATH, query)).toBe(true)
    expect(tickets.isMediaSigned(`/media/${'cd'.repeat(32)}`, query)).toBe(false)
    expect(tickets.isMediaSigned(`/transfers/${ID}/media`, query)).toBe(false)
    expect(new Tickets(() => now).isMediaSigned(PATH, query)).toBe(false)
    const prolonged = new URLSearchParams(query)
    prolonged.set('expires', '99999999')
    expect(tickets.isMediaSigned(PATH, prolonged)).toBe(false)
    expect(tickets.isMediaSigned(PATH, new URLSearchParams())).toBe(false)
    now += expiresInMs + 1
    expect(tickets.isMediaSigned(PATH, query)).toBe(false)
  })
})

describe('readUploadFields', () => {
  it('keeps an item private when nothing is said', () => {
    const nothing = { accessLevel: 'private', isShared: false, recipients: [], warnings: [] }
    expect(readUploadFields([])).toEqual(nothing)
  })

  it('takes a wish to encrypt, and recipients however they are listed', () => {
    expect(readUploadFields([['encrypt', 'true']]).isEncrypted).toBe(true)
    expect(readUploadFields([['encrypt', 'false']]).isEncrypted).toBe(false)
    const two = { isEncrypted: true, recipients: ['a', 'b'] }
    for (const fields of [
      [
        ['recipients[]', 'a'],
        ['recipients[]', 'b'],
      ],
      [
        ['recipients[0]', 'a'],
        ['recipients[1]', 'b'],
      ],
      [['recipients', '["a","b"]']],
      [
        ['recipients', 'a'],
        ['recipients', 'b'],
        ['access_level', 'shared'],
        ['encrypt', 'false'],
      ],
    ] as const) {
      expect(readUploadFields(fields)).toMatchObject(two)
    }
    expect(
      readUploadFields([
        ['recipients', '[]'],
        ['recipients[]', ''],
      ]),
    ).toMatchObject({ recipients: [] })
  })

  it('refuses what it can’t make sense of', () => {
    expect(() => readUploadFields([['access_level', 'secret']])).toThrow('access_level')
    expect(() => readUploadFields([['encrypt', 'perhaps']])).toThrow('encrypt')
    expect(() => readUploadFields([['recipients', '[1]']])).toThrow('JSON array')
    expect(() => readUploadFields([['recipients', '["a"']])).toThrow('JSON array')
  })

  it('judges what only all fields together say when all are there', () => {
    const shared = readUploadFields([['access_level', 'shared']])
    expect(shared).toMatchObject({ accessLevel: 'private', isEncrypted: true, isShared: true })
    expect(() => requireWhole(shared)).toThrow('somebody to share with')
    expect(() => requireWhole({ ...shared, recipients: ['a'] })).not.toThrow()
  })

  it('warns of homes it does not publish to', () => {
    const fields: FormField[] = [
      ['publishTo[ipfs]', 'true'],
      ['publishTo[arweave]', 'false'],
      ['publishTo[bittorrent]', 'true'],
      ['encrypt', 'false'],
      ['description', 'OIP sends more than we read'],
    ]
    expect(readUploadFields(fields).warnings).toEqual([expect.stringContaining('ipfs')])
  })
})

describe('openApiDocument', () => {
  it('describes every call of the contract', () => {
    const { paths } = openApiDocument() as { paths: Record<string, unknown> }
    for (const name of Object.keys(engineCalls)) expect(paths).toHaveProperty([`/rpc/${name}`])
    expect(paths).toHaveProperty(['/media/{mediaId}'])
    expect(JSON.parse(JSON.stringify(paths))).toEqual(paths)
  })
})
