import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHash, canonicalJson } from '../../../app/manifest/index.ts'
import { signRevocation, verifyRevocation } from '../../../app/sharing/revocation.ts'
import { testSigner } from '../manifest/owner.ts'

const OLD = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const NEW = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const SOON = Date.UTC(2026, 10, 26, 16, 0, 0, 5)
const golden = new URL('../../fixtures/sharing/revocation-v1.json', import.meta.url)

const owner = testSigner()
const made = signRevocation(
  { mediaId: OLD, supersededBy: NEW, reason: 'Für „Ana“ nicht mehr – 日本語', atMs: SOON },
  owner,
)

describe('a revocation', () => {
  it('is written as the golden file has it, and read from there', async () => {
    const text = await readFile(golden, 'utf8')
    expect(canonicalJson(made)).toBe(text.trim())
    expect(verifyRevocation(JSON.parse(text), { mediaId: OLD, owner: owner.publicKey })).toEqual(made)
  })

  it('says only what is needed', () => {
    expect(Object.keys(signRevocation({ mediaId: OLD, reason: '', atMs: SOON }, owner)).toSorted()).toEqual([
      'at',
      'mediaId',
      'owner',
      'sig',
    ])
  })

  it('keeps fields of later versions, under the signature', () => {
    const { sig: _sig, ...rest } = made
    const later = { ...rest, 'x-later': { kept: [1, null] } }
    const sig = Buffer.from(owner.sign(canonicalHash(later))).toString('base64url')
    expect(verifyRevocation({ ...later, sig })).toEqual({ ...later, sig })
    expect(() => verifyRevocation({ ...later, 'x-later': 1, sig })).toThrow(/signature does not hold/)
  })

  it('nested too deeply to be passed on is refused, signed or not', () => {
    const { sig: _sig, ...rest } = made
    const deep = { ...rest, 'x-later': JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown }
    const sig = Buffer.from(owner.sign(canonicalHash(deep))).toString('base64url')
    expect(() => verifyRevocation({ ...deep, sig })).toThrow(/nested too deeply/)
  })

  it('of another item, or of another owner than the item’s, is refused', () => {
    expect(() => verifyRevocation(made, { mediaId: NEW })).toThrow(/about another item/)
    expect(() => verifyRevocation(made, { owner: testSigner(2).publicKey })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    )
  })

  it('that names the item as its own successor is refused', () => {
    expect(() => signRevocation({ mediaId: OLD, supersededBy: OLD, atMs: SOON }, owner)).toThrow(/successor/)
  })

  it('signed by one person in the name of another is refused', () => {
    const forger = testSigner(3)
    const forged = signRevocation({ mediaId: OLD, atMs: SOON }, forger)
    expect(() => verifyRevocation({ ...forged, owner: owner.publicKey })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    )
  })

  it('does not hold with any character of its text changed', () => {
    const text = canonicalJson(made)
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('0', 'a', 'Z', '"', '}', ':', ' '),
        (at, character) => {
          fc.pre(text[at] !== character)
          let value: unknown
          try {
            value = JSON.parse(text.slice(0, at) + character + text.slice(at + 1))
          } catch {
            return
          }
          // Between the tokens a blank changes nothing.
          if (canonicalJson(value) === text) return
          expect(() => verifyRevocation(value)).toThrow(/refused/)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is refused with a sentence whatever comes instead of one', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => verifyRevocation(value)).toThrow(/refused/)
      }),
    )
  })
})
