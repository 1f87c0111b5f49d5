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
import type { Manifest } from '../../../app/manifest/index.ts'
import { testSigner } from './owner.ts'
import { golden, inputOf, refusal, signAnything, signed, signer } from '../../support/manifests.ts'
import type { Json } from '../../support/manifests.ts'

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
