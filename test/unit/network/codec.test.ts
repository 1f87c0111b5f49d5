import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, verifyManifest } from '../../../app/manifest/index.ts'
import { encodeManifest, readFrozen, readManifestNode } from '../../../app/network/codec.ts'
import { decodeFlat, encodeFlat, type FlatSchema } from '../../../app/network/flat.ts'
import { FILTER_LIMITS } from '../../../app/network/filter.ts'
import { mediaIdOfDid } from '../../../app/network/foreign.ts'
import { signNode } from '../../../app/network/sea.ts'
import { makeManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { goldenInputs } from '../manifest/golden.ts'
import { testSigner } from '../manifest/owner.ts'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/network/${name}.json`, import.meta.url), 'utf8'))
const owner = testSigner()
const ID = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

describe('our form', () => {
  test.each(['public-v1', 'public-v2'] as const)(
    '%s is written as in the golden file, and read back',
    (name) => {
      const manifest = goldenInputs()[name]
      const { fields, text, hash } = encodeManifest(manifest)
      expect(fields).toEqual(fixture(name))
      const { candidates } = readManifestNode(fields, manifest.id)
      expect(verifyManifest(candidates[0], { mediaId: manifest.id })).toEqual(manifest)
      expect(readFrozen(text, hash)).toEqual(manifest)
      expect(readFrozen(`${text} `, hash)).toBeUndefined()
    },
  )

  test('a manifest too long for one value lies in parts, each small enough for a user’s space', () => {
    const long = makeManifest(owner, 'long', {
      http: Array.from({ length: 60 }, (_, i) => `https://${'"é'.repeat(200)}.example.org/${i}`),
    })
    const { fields, text } = encodeManifest(long)
    expect(fields['parts']).toBeGreaterThan(2)
    const signed = signNode('x', fields, 1, seaTestPair())
    for (const value of Object.values(signed)) {
      if (typeof value === 'string')
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(FILTER_LIMITS.valueBytes)
    }
    const { candidates } = readManifestNode(fields, long.id)
    expect(canonicalJson(candidates[0])).toBe(text)
    const { 'manifest:1': _lost, ...torn } = fields
    expect(readManifestNode(torn, long.id).candidates).toEqual([])
  })

  test('a shorter version over a longer one is not mixed with what is left of it', () => {
    const long = encodeManifest(
      makeManifest(owner, 'a', {
        http: Array.from({ length: 60 }, (_, i) => `https://a.example/${'x'.repeat(200)}${i}`),
      }),
    )
    const short = makeManifest(owner, 'a')
    const both = { ...long.fields, ...encodeManifest(short).fields }
    expect(readManifestNode(both, short.id).candidates[0]).toEqual(short)
  })
})

describe('the plan’s form, flat with JSON strings', () => {
  const manifest = makeManifest(owner, 'planned')
  const flat = (layers: number): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(manifest).map(([key, value]) => {
        if (typeof value !== 'object') return [key, value]
        let text: unknown = value
        for (let layer = 0; layer < layers; layer += 1) text = JSON.stringify(text)
        return [key, text]
      }),
    )
  test.each([1, 2, 3])('with %i layers of JSON its signature still holds', (layers) => {
    const { candidates } = readManifestNode(flat(layers), manifest.id)
    expect(verifyManifest(candidates[0])).toEqual(manifest)
  })
})

describe('OIP’s forms', () => {
  test.each(['oip-flat', 'oip-nested', 'oip-planned', 'oip-record', 'oip-record-twice'])('%s', (name) => {
    const { node, read } = fixture(name) as { node: Record<string, unknown>; read: unknown }
    const { candidates, foreign } = readManifestNode(node, ID)
    expect(candidates).toEqual([])
    expect(foreign).toEqual(read)
  })

  const addresses = fixture('oip-addresses') as {
    case: string
    node: Record<string, unknown>
    read: unknown
  }[]
  test.each(addresses)('reads addresses as OIP writes them: $case', ({ node, read }) => {
    expect(readManifestNode(node, ID).foreign).toEqual(read)
  })

  test('reads a list that GUN made an object of, in its order', () => {
    const http = {
      10: 'http://c.example/x',
      0: 'http://a.example/x',
      2: 'http://b.example/x',
      note: 'http://no.example/',
    }
    const { foreign } = readManifestNode({ media: { id: ID, transport: { http } } }, ID)
    expect(foreign?.http).toEqual(['http://a.example/x', 'http://b.example/x', 'http://c.example/x'])
  })

  test('what speaks of another item is not read', () => {
    const { node } = fixture('oip-flat') as { node: Record<string, unknown> }
    expect(readManifestNode(node, 'f'.repeat(64)).foreign).toBeUndefined()
  })

  test('both forms of its identifiers name the item', () => {
    expect(mediaIdOfDid(`did:gun:media:${ID}`)).toBe(ID)
    expect(mediaIdOfDid(`did:gun:0123456789ab:media_${ID}`)).toBe(ID)
    expect(mediaIdOfDid(`did:gun:other:${ID}`)).toBeUndefined()
  })

  test('whatever a node holds, reading it never throws', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => JSON.stringify(json)),
    )
    const key = fc.constantFrom(
      'id',
      'mediaId',
      'media',
      'data',
      'oip',
      'manifest',
      'parts',
      'transport',
      'accessControl',
      'magnetURI',
    )
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(text, fc.integer(), fc.boolean(), fc.anything())), (node) => {
        const { foreign } = readManifestNode({ ...node, id: ID }, ID)
        if (foreign?.infoHash !== undefined) expect(foreign.infoHash).toMatch(/^[0-9a-f]{40}$/)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('an object that is made flat and read back is the same, texts that look like lists included', () => {
  const schema: FlatSchema = { a: 'text', b: 'number', c: 'boolean', d: 'json', e: 'json' }
  const json = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()))
  const source = fc.record(
    {
      a: fc.oneof(fc.string(), fc.constant('[1]'), fc.constant('{}')),
      b: fc.integer(),
      c: fc.boolean(),
      d: json,
      e: json,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(source, (object) => {
      const flat = encodeFlat(schema, object)
      for (const value of Object.values(flat)) expect(['string', 'number', 'boolean']).toContain(typeof value)
      expect(decodeFlat(schema, flat)).toEqual(JSON.parse(JSON.stringify(object)))
    }),
  )
})
