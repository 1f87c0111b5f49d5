import { readFileSync } from 'node:fs'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import {
  accessLevelOf,
  buildManifest,
  canonicalJson,
  signManifest,
  verifyManifest,
} from '../../../app/manifest/index.ts'
import { manifestHash } from '../../../app/manifest/canonical.ts'
import type { Manifest, ManifestInput } from '../../../app/manifest/index.ts'
import { goldenInputs } from './golden.ts'
import { testSigner } from './owner.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const signer = testSigner()

function inputOf(overrides: Partial<ManifestInput> = {}): ManifestInput {
  return {
    mediaId: 'a'.repeat(64),
    sizeBytes: 12,
    mime: 'text/plain',
    name: 'a.txt',
    createdAt: 1_700_000_000_000,
    accessLevel: 'public',
    owner: signer.publicKey,
    ...overrides,
  }
}

function signed(overrides: Partial<ManifestInput> = {}): Manifest {
  return signManifest(buildManifest(inputOf(overrides)), signer)
}

/** Signs whatever it is given, as somebody else's program might. */
function signAnything(value: object, oip: object = {}, by = signer): unknown {
  const unsigned = { ...value, oip: { creatorPubKey: by.publicKey, ...oip } }
  const hash = Buffer.from(manifestHash(unsigned), 'hex')
  return {
    ...unsigned,
    oip: { ...unsigned.oip, creatorSig: Buffer.from(by.sign(hash)).toString('base64url') },
  }
}

function refusal(act: () => unknown): { code: string; reason: unknown } {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, reason: error.details?.['reason'] }
    throw error
  }
  throw new Error('it was not refused')
}

function golden(name: string): { text: string; value: unknown } {
  const text = readFileSync(new URL(`../../fixtures/manifest/${name}.json`, import.meta.url), 'utf8')
  return { text, value: JSON.parse(text) }
}

describe('golden manifests', () => {
  it.each(['public-v1', 'public-v2', 'private-v1'] as const)(
    'still verifies %s, and still makes the same',
    (name) => {
      const { text, value } = golden(name)
      const manifest = verifyManifest(value)
      expect(`${JSON.stringify(manifest, null, 2)}\n`).toBe(text)
      expect(canonicalJson(goldenInputs()[name])).toBe(canonicalJson(value))
    },
  )

  it('keeps their hashes', () => {
    expect(manifestHash(golden('public-v1').value)).toMatchInlineSnapshot(
      `"553881666840360dc315bb00cbbcf724f4ccea37d26a256f9bb77e065aa5f135"`,
    )
    expect(manifestHash(golden('public-v2').value)).toMatchInlineSnapshot(
      `"4ff0acf7767383ca66403059f275a03b689bd46d7baaf8a65467c1566e05694a"`,
    )
    expect(manifestHash(golden('private-v1').value)).toMatchInlineSnapshot(
      `"d5dbe9cdcf570dbf352e1ba70609c6b73a1141f242485d8235306f69f80353f7"`,
    )
  })

  it('follows the chain from version 1 to version 2', () => {
    const first = verifyManifest(golden('public-v1').value)
    const second = verifyManifest(golden('public-v2').value, { previous: first, mediaId: first.id })
    expect(second.previous).toBe(manifestHash(first))
  })

  it('agrees with node:crypto about the signature', async () => {
    const { createPublicKey, verify } = await import('node:crypto')
    const { oip, ...rest } = verifyManifest(golden('public-v1').value)
    const { creatorSig, ...unsignedOip } = oip
    const point = secp256k1.Point.fromHex(oip.creatorPubKey).toBytes(false)
    const key = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'secp256k1',
        x: Buffer.from(point.subarray(1, 33)).toString('base64url'),
        y: Buffer.from(point.subarray(33)).toString('base64url'),
      },
    })
    const text = Buffer.from(canonicalJson({ ...rest, oip: unsignedOip }))
    const signature = Buffer.from(creatorSig, 'base64url')
    expect(verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
  })
})

describe('canonicalJson', () => {
  it('writes the example of RFC 8785', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    }
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('sorts keys by UTF-16 code units', () => {
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    expect(
      Object.values(
        JSON.parse(canonicalJson(Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1)))) as [
          string,
          number,
        ][],
      ).map(([, n]) => n),
    ).toEqual([2, 4, 6, 7, 1, 5, 3])
    expect(canonicalJson(keys)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    )
  })

  it.each([[undefined], [Number.NaN], ['\ud800']])('refuses %j, which has no JSON form', (value) => {
    expect(() => canonicalJson(value)).toThrow(AppError)
  })

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed())
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
      }),
    )
  })
})

describe('buildManifest', () => {
  it('leaves out what is not known rather than writing null or empty', () => {
    const manifest = buildManifest(inputOf({ name: '', http: [], accessLevel: 'private' }))
    expect(manifest).toEqual({
      id: 'a'.repeat(64),
      did: `did:gun:media:${'a'.repeat(64)}`,
      mime: 'text/plain',
      size: 12,
      createdAt: '2023-11-14T22:13:20.000Z',
      version: 1,
      encryption: { enabled: false },
      accessControl: {
        access_level: 'private',
        owner_public_key: signer.publicKey,
        created_by: signer.publicKey,
      },
      oip: { creatorPubKey: signer.publicKey },
    })
  })

  it('carries over what a newer program wrote, and takes away a torrent that is no longer given', () => {
    const infoHash = 'b'.repeat(40)
    const bittorrent = {
      magnetURI: `magnet:?xt=urn:btih:${infoHash}`,
      infoHash,
      trackers: [],
      pieceLength: 65_536,
    }
    const first = signManifest(
      {
        ...buildManifest(inputOf({ bittorrent })),
        future: 'kept',
        oip: { creatorPubKey: signer.publicKey, fieldPath: 'post.image' },
      },
      signer,
    )
    const second = signManifest(
      buildManifest(inputOf({ previous: first, accessLevel: 'private', createdAt: undefined })),
      signer,
    )
    expect(second).toMatchObject({
      future: 'kept',
      version: 2,
      createdAt: first.createdAt,
      oip: { fieldPath: 'post.image' },
    })
    expect(second.transport).toBeUndefined()
    expect(verifyManifest(second, { previous: first })).toBe(second)
  })
})

describe('signManifest', () => {
  it('does not sign for another owner', () => {
    expect(refusal(() => signManifest(buildManifest(inputOf()), testSigner(2)))).toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  it('does not sign what is not a manifest', () => {
    expect(refusal(() => signManifest(buildManifest(inputOf({ mime: 'nonsense' })), signer))).toEqual({
      code: 'MANIFEST_INVALID',
      reason: 'schema',
    })
  })
})

describe('verifyManifest', () => {
  it.each([[null], [undefined], [42], ['text'], [[]], [{}], [{ id: 'x' }]])('refuses %j', (value) => {
    expect(refusal(() => verifyManifest(value))).toEqual({ code: 'MANIFEST_INVALID', reason: 'schema' })
  })

  it('names the field that is wrong', () => {
    expect(() => verifyManifest({ ...signed(), size: -1 })).toThrow(/“size”/)
    expect(() => verifyManifest({ ...signed(), accessControl: { owner_public_key: 'zz' } })).toThrow(
      /“accessControl.owner_public_key”/,
    )
  })

  it.each<[string, unknown]>([
    ['null where a field should be absent', null],
    ['an unknown level', 'friends'],
  ])('refuses an access level that is %s', (_name, level) => {
    const { oip: _oip, ...rest } = signed()
    const value = signAnything({ ...rest, accessControl: { ...rest.accessControl, access_level: level } })
    expect(refusal(() => verifyManifest(value)).reason).toBe('schema')
  })

  it('refuses what is nested too deeply before anything goes through it, signed or not', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as Json
    const { oip: _oip, ...rest } = signed()
    const tooDeep = { code: 'MANIFEST_INVALID', reason: 'depth' }
    expect(refusal(() => verifyManifest(signAnything({ ...rest, 'x-new': deep })))).toEqual(tooDeep)
    const keyEnvelope = {
      scheme: 'lit',
      conditions: [deep],
      ciphertext: 'x',
      dataToEncryptHash: 'a'.repeat(64),
    }
    expect(refusal(() => verifyManifest({ ...rest, encryption: { enabled: true, keyEnvelope } }))).toEqual(
      tooDeep,
    )
    expect(refusal(() => verifyManifest(deep))).toEqual(tooDeep)
    const allowed = JSON.parse(`${'['.repeat(31)}${']'.repeat(31)}`) as Json
    const manifest = signAnything({ ...rest, 'x-new': allowed })
    expect(verifyManifest(manifest)).toBe(manifest)
  })

  it('refuses what its schema can’t even look at', () => {
    const keyEnvelope = {
      scheme: 'lit',
      conditions: [1n],
      ciphertext: 'x',
      dataToEncryptHash: 'a'.repeat(64),
    }
    const value = { ...signed(), encryption: { enabled: true, keyEnvelope } }
    expect(refusal(() => verifyManifest(value))).toEqual({ code: 'MANIFEST_INVALID', reason: 'schema' })
  })

  it('reads a missing access level as private', () => {
    const { oip: _oip, accessControl, ...rest } = signed()
    const { access_level: _level, ...silent } = accessControl
    const manifest = verifyManifest(signAnything({ ...rest, accessControl: silent }))
    expect(accessLevelOf(manifest)).toBe('private')
    expect(manifest.accessControl.access_level).toBeUndefined()
  })

  it('refuses another item than the expected one', () => {
    expect(refusal(() => verifyManifest(signed(), { mediaId: 'b'.repeat(64) })).reason).toBe('id')
  })

  it('refuses a did that names another item', () => {
    const { oip: _oip, ...rest } = signed()
    expect(refusal(() => verifyManifest(signAnything({ ...rest, did: 'did:gun:media:b' }))).reason).toBe(
      'did',
    )
  })

  it('refuses a magnet link to another torrent', () => {
    const bittorrent = {
      magnetURI: `magnet:?xt=urn:btih:${'c'.repeat(40)}`,
      infoHash: 'b'.repeat(40),
      trackers: [],
      pieceLength: 65_536,
    }
    expect(refusal(() => signed({ bittorrent })).reason).toBe('schema')
  })

  it('refuses a signature by somebody other than the owner', () => {
    const { oip: _oip, ...rest } = signed()
    expect(refusal(() => verifyManifest(signAnything(rest, {}, testSigner(2))))).toEqual({
      code: 'SIGNATURE_INVALID',
      reason: 'owner',
    })
  })

  it('refuses a high-S signature, which anybody can make from a good one', () => {
    const manifest = signed()
    const good = secp256k1.Signature.fromBytes(Buffer.from(manifest.oip.creatorSig, 'base64url'), 'compact')
    const bad = new secp256k1.Signature(good.r, secp256k1.Point.Fn.ORDER - good.s)
    const creatorSig = Buffer.from(bad.toBytes('compact')).toString('base64url')
    expect(refusal(() => verifyManifest({ ...manifest, oip: { ...manifest.oip, creatorSig } }))).toEqual({
      code: 'SIGNATURE_INVALID',
      reason: 'signature',
    })
  })

  it('refuses the same signature in another spelling', () => {
    const manifest = signed()
    const { creatorSig } = manifest.oip
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(creatorSig.slice(-1))
    const respelt = creatorSig.slice(0, -1) + alphabet.charAt(last ^ 1)
    expect(Buffer.from(respelt, 'base64url')).toEqual(Buffer.from(creatorSig, 'base64url'))
    expect(
      refusal(() => verifyManifest({ ...manifest, oip: { ...manifest.oip, creatorSig: respelt } })).reason,
    ).toBe('signature')
  })

  it.each<[string, string]>([
    ['all zeros', Buffer.alloc(64).toString('base64url')],
    ['out of range', Buffer.alloc(64, 0xff).toString('base64url')],
  ])('refuses a signature that is %s', (_name, creatorSig) => {
    const manifest = signed()
    expect(refusal(() => verifyManifest({ ...manifest, oip: { ...manifest.oip, creatorSig } })).reason).toBe(
      'signature',
    )
  })

  it('refuses a key that is no point of the curve', () => {
    const key = `02${'f'.repeat(64)}`
    const manifest = signed()
    const forged = {
      ...manifest,
      accessControl: { ...manifest.accessControl, owner_public_key: key },
      oip: { ...manifest.oip, creatorPubKey: key },
    }
    expect(refusal(() => verifyManifest(forged)).reason).toBe('signature')
  })

  describe('the version chain', () => {
    const first = signed()
    const second = signManifest(buildManifest(inputOf({ previous: first, name: 'b.txt' })), signer)
    const chain = (changes: object): unknown => {
      const { oip: _oip, ...rest } = second
      return signAnything({ ...rest, ...changes })
    }

    it('accepts the next version', () => {
      expect(verifyManifest(second, { previous: first })).toBe(second)
    })

    it('refuses a version that was skipped to', () => {
      expect(refusal(() => verifyManifest(chain({ version: 3 }), { previous: first })).reason).toBe('version')
    })

    it('refuses another predecessor', () => {
      expect(
        refusal(() => verifyManifest(chain({ previous: 'f'.repeat(64) }), { previous: first })).reason,
      ).toBe('previous')
    })

    it('refuses a later version that names none, and a first that names one', () => {
      const { oip: _oip, previous: _previous, ...rest } = second
      expect(refusal(() => verifyManifest(signAnything(rest))).reason).toBe('previous')
      expect(refusal(() => verifyManifest(chain({ version: 1 }))).reason).toBe('previous')
    })

    it('refuses another item', () => {
      const id = 'd'.repeat(64)
      expect(
        refusal(() => verifyManifest(chain({ id, did: `did:gun:media:${id}` }), { previous: first })).reason,
      ).toBe('id')
    })

    it('refuses a new version by somebody else', () => {
      const thief = testSigner(2)
      const stolen = signManifest(
        buildManifest({ ...inputOf({ previous: first }), owner: thief.publicKey }),
        thief,
      )
      expect(refusal(() => verifyManifest(stolen, { previous: first }))).toEqual({
        code: 'SIGNATURE_INVALID',
        reason: 'owner',
      })
    })
  })

  it('covers unknown fields at every depth, and keeps them', () => {
    const anything = fc.jsonValue() as fc.Arbitrary<Json>
    fc.assert(
      fc.property(
        anything,
        anything,
        fc.constantFrom('top', 'accessControl', 'transport'),
        (value, other, where) => {
          const base = buildManifest(inputOf())
          const put = (extra: Json): object =>
            where === 'top'
              ? { ...base, 'x-new': extra }
              : { ...base, [where]: { ...(base[where] as object | undefined), 'x-new': extra } }
          const manifest = signAnything(JSON.parse(JSON.stringify(put(value))) as object) as Manifest
          expect(canonicalJson(verifyManifest(manifest))).toBe(canonicalJson(manifest))
          fc.pre(canonicalJson(value) !== canonicalJson(other))
          expect(refusal(() => verifyManifest({ ...put(other), oip: manifest.oip })).reason).toBe('signature')
        },
      ),
      { numRuns: 60 },
    )
  })

  it('notices any single change', () => {
    const manifest = golden('public-v2').value as Manifest
    const paths = leafPaths(manifest as unknown as Json)
    expect(paths.length).toBeGreaterThan(20)
    for (const path of paths) {
      const changed = structuredClone(manifest) as unknown as Json
      change(changed, path, (old) =>
        typeof old === 'number'
          ? old + 1
          : typeof old === 'boolean'
            ? !old
            : old === null
              ? 0
              : `${old as string}x`,
      )
      expect(() => verifyManifest(changed), path.join('.')).toThrow(AppError)
      const removed = structuredClone(manifest) as unknown as Json
      change(removed, path, () => undefined)
      expect(() => verifyManifest(JSON.parse(JSON.stringify(removed))), `without ${path.join('.')}`).toThrow(
        AppError,
      )
    }
  })
})

function leafPaths(value: Json, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, child]) => leafPaths(child, [...path, key]))
}

function change(root: Json, path: readonly string[], to: (old: Json) => Json | undefined): void {
  let parent = root as Record<string, Json>
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, Json>
  const key = path.at(-1) ?? ''
  const value = to(parent[key] ?? null)
  if (value === undefined && Array.isArray(parent)) parent.splice(Number(key), 1)
  else if (value === undefined) delete parent[key]
  else parent[key] = value
}
