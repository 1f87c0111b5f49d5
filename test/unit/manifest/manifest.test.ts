import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { buildManifest, canonicalJson, signManifest, verifyManifest } from '../../../app/manifest/index.ts'
import { manifestHash } from '../../../app/manifest/canonical.ts'
import { goldenInputs } from './golden.ts'
import { testSigner } from './owner.ts'
import { golden, inputOf, refusal, signer } from '../../support/manifests.ts'

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
