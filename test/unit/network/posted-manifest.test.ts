import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { readPosted } from '../../../app/network/posted-manifest.ts'
import { makeManifest } from '../../support/network-items.ts'
import { testSigner } from '../manifest/owner.ts'

const owner = testSigner(3)
const manifest = makeManifest(owner, 'posted', {
  accessLevel: 'shared',
  sharedWith: [testSigner(4).publicKey],
  http: ['https://node.example/media/x'],
})

/** What may come as JSON in a string, by its path. */
const NESTED = [
  ['transport'],
  ['transport', 'http'],
  ['transport', 'bittorrent'],
  ['transport', 'bittorrent', 'trackers'],
  ['accessControl'],
  ['accessControl', 'shared_with'],
  ['oip'],
]

function stringifyAt(value: unknown, path: readonly string[], layers: number): unknown {
  const [name, ...rest] = path
  if (name === undefined) {
    return Array.from({ length: layers }).reduce<unknown>((inner) => JSON.stringify(inner), value)
  }
  // A former path may have made a string of what lies here.
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Record<string, unknown>
  return { ...fields, [name]: stringifyAt(fields[name], rest, layers) }
}

describe('a manifest somebody sends', () => {
  it('is read as it was signed, whichever of its lists and objects came as JSON in strings', () => {
    fc.assert(
      fc.property(
        fc.subarray(NESTED),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (paths, layers, isNested) => {
          // The deepest first, or the outer one would hide it.
          const sent = paths
            .toSorted((a, b) => b.length - a.length)
            .reduce<unknown>((body, path) => stringifyAt(body, path, layers), manifest)
          expect(readPosted(isNested ? { media: sent } : sent)).toEqual({ kind: 'signed', manifest })
        },
      ),
    )
  })

  it('that says it is signed is never taken as unsigned', () => {
    const faults: Record<string, unknown>[] = [
      { ...manifest, size: 1 },
      { ...manifest, oip: { ...manifest.oip, creatorSig: 'x' } },
      { ...manifest, oip: { ...manifest.oip, creatorSig: null } },
      { ...manifest, oip: JSON.stringify({ ...manifest.oip, creatorPubKey: testSigner(5).publicKey }) },
      { media: { ...manifest, mime: 'text/html' } },
    ]
    for (const fault of faults) {
      expect(() => readPosted(fault)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(SIGNATURE|MANIFEST)_INVALID$/) as string }),
      )
    }
  })

  it('of whatever form never does more than be refused', () => {
    const named = fc.record({
      id: fc.constant(manifest.id),
      media: fc.jsonValue(),
      oip: fc.jsonValue(),
      transport: fc.jsonValue(),
      data: fc.jsonValue(),
    })
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), named), (body) => {
        try {
          expect(readPosted(body).kind).toBe('unsigned')
        } catch (error) {
          if (!(error instanceof AppError)) throw error
        }
      }),
    )
  })
})
