import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FILTER_LIMITS, filterFrame, type Asked, type DropReason } from '../../../app/network/filter.ts'
import { makeNode } from '../../../app/network/graph.ts'
import { boundBefore, pageQuestion, pageSize } from '../../../app/network/list-page.ts'
import { frozenKey, signNode } from '../../../app/network/sea.ts'
import { parseSoul, souls } from '../../../app/network/souls.ts'
import { seaTestPair } from '../../support/network-node.ts'

const NOW = 1_800_000_000_000
const ID = 'ab'.repeat(32)
const HINT = souls.hint(ID)

function pass(
  message: unknown,
  asked?: Asked,
): { kept: unknown[]; dropped: Partial<Record<DropReason, number>> } {
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  const { messages, dropped } = filterFrame(text, { nowMs: NOW, asked: () => asked })
  return { kept: [...messages], dropped: Object.fromEntries(dropped) }
}

const put = (soul: string, values: object, state = NOW): object => ({
  '#': 'm1',
  put: { [soul]: makeNode(soul, values as Record<string, string>, state) },
})

test('lets what Sower, OIP and GUN itself write through as it is', () => {
  const pair = seaTestPair()
  const text = '{"a":1}'
  const space = souls.spaceItem(pair.pub, ID)
  const nodes = [
    makeNode(HINT, { id: ID, size: 3, isX: true, media: { '#': `${HINT}/media` } }, NOW),
    makeNode(`${HINT}/media/transport`, { magnetURI: 'magnet:?xt=urn:btih:x' }, NOW),
    makeNode(souls.index, { [ID]: { '#': HINT } }, NOW),
    makeNode(souls.versions, { [frozenKey(text)]: text }, NOW),
    makeNode(souls.presence(ID, 'oip-peer_1'), { lastSeen: 1 }, NOW),
    signNode(space, { manifest: text, version: 2 }, NOW, pair),
    signNode(souls.spaceIndex(pair.pub), { [ID]: { '#': space } }, NOW, pair),
    makeNode(`0123456789ab:media_${ID}`, { data: '{}', oip: '{}' }, NOW),
  ]
  const graph = Object.fromEntries(nodes.map((node) => [node._['#'], node]))
  expect(pass({ '#': 'm1', put: graph })).toEqual({ kept: [{ '#': 'm1', put: graph }], dropped: {} })
})

const wrapped = (value: unknown): string => JSON.stringify({ ':': value, '~': 'AAAA' })
test.each<[string, object, DropReason]>([
  ['a soul of nobody’s', put('chat/room', { a: 'b' }), 'soul'],
  ['a soul that only begins like ours', put(`${HINT}:other`, { a: 'b' }), 'soul'],
  ['a null', put(HINT, { id: null }), 'null'],
  ['an object that is no link', put(HINT, { id: { a: 1 } }), 'value'],
  ['a link to anywhere', put(HINT, { id: { '#': 'chat/room' } }), 'value'],
  ['a value of more than 16 KiB', put(HINT, { id: 'x'.repeat(16 * 1024 + 1) }), 'value-size'],
  ['16 KiB of characters that are more bytes', put(HINT, { id: 'é'.repeat(8 * 1024 + 1) }), 'value-size'],
  ['a key of more than 128 bytes', put(HINT, { ['k'.repeat(129)]: 1 }), 'key'],
  ['a state of the day after tomorrow', put(HINT, { id: ID }, NOW + 60_001), 'future'],
  ['a state that is no time', put(HINT, { id: ID }, -1), 'state'],
  ['a chunk nobody asked for', put(souls.chunk(ID, 0), { data: 'x' }), 'not-asked'],
  ['a frozen text under another’s hash', put('#media', { [frozenKey('a')]: 'b' }), 'signature'],
  [
    'an unsigned value in a user’s space',
    put(souls.spaceItem(seaTestPair().pub, ID), { manifest: 'x' }),
    'signature',
  ],
  [
    'a wrongly signed one',
    put(souls.spaceItem(seaTestPair().pub, ID), { manifest: wrapped('x') }),
    'signature',
  ],
  [
    'a list entry that points elsewhere',
    put('media', { [ID]: { '#': souls.hint('cd'.repeat(32)) } }),
    'value',
  ],
  ['a list entry that is no link', put('media', { [ID]: 'text' }), 'value'],
  // No command is let in, so none needs to be spelled.
  ['a command', { '#': 'm1', dam: 'anything', addresses: ['ws://127.0.0.1:1'] }, 'command'],
  ['a message without anything', { '#': 'm1' }, 'shape'],
  ['a message without an id', { put: {} }, 'shape'],
  ['a question about anything else', { '#': 'm1', get: { '#': 'chat/room' } }, 'soul'],
  ['a question for every soul there is', { '#': 'm1', get: { '#': { '*': '' } } }, 'get'],
])('drops %s', (_, message, reason) => {
  expect(pass(message)).toEqual({ kept: [], dropped: { [reason]: 1 } })
})

test('drops the one bad key of a node and keeps the others', () => {
  const node = { id: ID, bad: null, good: 'x' }
  expect(pass(put(HINT, node))).toEqual({ kept: [put(HINT, { id: ID, good: 'x' })], dropped: { null: 1 } })
})

test('drops a node of 50,000 keys, and 65, and none of 64', () => {
  const keys = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
  expect(pass(put(HINT, keys(50_000))).dropped).toEqual({ keys: 1 })
  expect(pass(put(HINT, keys(65))).dropped).toEqual({ keys: 1 })
  expect(pass(put(HINT, keys(64))).dropped).toEqual({})
})

test('lets more of a list, and a chunk, through when we asked for it', () => {
  const ids = Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(64, '0'))
  const list = Object.fromEntries(ids.map((id) => [id, { '#': souls.hint(id) }]))
  const answer = { ...put('media', list), '@': 'q1' }
  expect(pass(answer).dropped).toEqual({ keys: 1 })
  expect(pass(answer, { soul: 'media' })).toEqual({ kept: [answer], dropped: {} })
  const chunk = { ...put(souls.chunk(ID, 0), { data: 'x'.repeat(88 * 1024) }), '@': 'q1' }
  expect(pass(chunk, { soul: souls.chunk(ID, 0) }).kept).toHaveLength(1)
  expect(pass(chunk, { soul: souls.chunk(ID, 1) }).dropped).toEqual({ 'not-asked': 1 })
})

test('answers a question about a whole list with its first page only', () => {
  const bounded = { '#': 'm1', get: { '#': 'media', '.': { '*': '' }, '%': pageSize('media') } }
  expect(pass({ '#': 'm1', get: { '#': 'media' } }).kept).toEqual([bounded])
  expect(pass({ '#': 'm1', get: { '#': 'media', '.': ID } }).kept).toEqual([
    { '#': 'm1', get: { '#': 'media', '.': ID } },
  ])
})

test('answers a question for a page of a list, and for nothing else in that form', () => {
  const question = { '#': 'm1', ...pageQuestion('media', ID) }
  const get = { '#': 'media', '.': { '*': '', '<': ID, '-': 1 }, '%': pageSize('media') }
  expect(pass(question).kept).toEqual([{ '#': 'm1', get }])
  expect(pass({ '#': 'm1', ...pageQuestion(HINT) }).dropped).toEqual({ get: 1 })
  expect(pass({ '#': 'm1', get: { '#': { '*': '', '<': 'media', '-': 1 } } }).dropped).toEqual({ get: 1 })
})

test('says how far a page goes, whatever lies in it', () => {
  const [low, high] = ['1'.repeat(64), 'e'.repeat(64)]
  const page = { ...put('media', { [low]: 'no link', [high]: { '#': souls.hint(high) } }), '@': 'q1' }
  const { kept, dropped } = pass(page, { soul: 'media' })
  expect(dropped).toEqual({ value: 1 })
  const [message] = kept as { put: { media: Parameters<typeof boundBefore>[0] } }[]
  expect(Object.keys(message?.put.media ?? {})).toEqual([high, '_'])
  expect(boundBefore(message?.put.media ?? makeNode('media', {}, 1))).toBe(`${'1'.repeat(63)}0z`)
})

test('keeps the greeting and takes everything else out of it', () => {
  const { kept } = pass({ '#': 'm1', dam: '?', pid: 'abc', peers: { x: 1 }, evil: true })
  expect(kept).toEqual([{ '#': 'm1', dam: '?', pid: 'abc' }])
})

test('never throws, never lets anything through that is not ours, whatever comes', () => {
  const souls_ = fc.constantFrom(HINT, 'media', '#media', '~x', '__proto__', 'constructor', `${HINT}/media`)
  const node = fc.dictionary(fc.string(), fc.anything())
  const message = fc.record(
    {
      '#': fc.anything(),
      '@': fc.anything(),
      put: fc.oneof(fc.dictionary(souls_, fc.oneof(node, fc.anything())), fc.anything()),
      get: fc.anything(),
      dam: fc.anything(),
    },
    { requiredKeys: [] },
  )
  const frame = fc.oneof(
    fc.string(),
    fc.json(),
    fc.oneof(message, fc.array(message)).map((value) => JSON.stringify(value) ?? ''),
  )
  fc.assert(
    fc.property(frame, (text) => {
      const { messages } = filterFrame(text, { nowMs: NOW, asked: () => undefined })
      for (const kept of messages) {
        expect(typeof kept['#']).toBe('string')
        for (const [soul, clean] of Object.entries(kept.put ?? {})) {
          expect(parseSoul(soul)).toBeDefined()
          expect(Object.keys(clean).length).toBeLessThanOrEqual(FILTER_LIMITS.keysPerNode + 1)
          for (const key of Object.keys(clean)) if (key !== '_') expect(clean._['>'][key]).toBeGreaterThan(0)
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('what passed once passes again unchanged', () => {
  const value = fc.oneof(fc.string({ maxLength: 64 }), fc.integer(), fc.boolean(), fc.constant(null))
  const values = fc.dictionary(fc.stringMatching(/^[a-z_]{1,16}$/), value, { maxKeys: 80 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: NOW + 120_000 }), (fields, state) => {
      const first = pass(put(HINT, fields, state)).kept
      for (const message of first) expect(pass(message as object)).toEqual({ kept: [message], dropped: {} })
    }),
  )
})
