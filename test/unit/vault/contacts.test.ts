import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../../app/library/index.ts'
import { canonicalJson } from '../../../app/manifest/index.ts'
import type { OwnerSigner } from '../../../app/manifest/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import {
  cardJson,
  cardLink,
  fingerprintOf,
  makeCard,
  parseCard,
  verifyCard,
} from '../../../app/vault/contacts/card.ts'
import type { Card } from '../../../app/vault/contacts/card.ts'
import { Contacts } from '../../../app/vault/contacts/contacts.ts'

const NOW = Date.UTC(2026, 10, 26, 12)
const golden = readFileSync(new URL('../../fixtures/card/ana.sowercard', import.meta.url), 'utf8')

interface Somebody {
  readonly signer: OwnerSigner
  readonly pub: string
  readonly epub: string
}

/** Keys made from a name. */
function somebody(name: string): Somebody {
  const seed = (what: string): Uint8Array => createHash('sha256').update(`${name} ${what}`).digest()
  const ownerKey = seed('owner')
  const sea = (what: string): string => {
    const point = Buffer.from(p256.getPublicKey(seed(what), false))
    return `${point.subarray(1, 33).toString('base64url')}.${point.subarray(33).toString('base64url')}`
  }
  return {
    signer: {
      publicKey: Buffer.from(secp256k1.getPublicKey(ownerKey)).toString('hex'),
      sign: (hash) => secp256k1.sign(hash, ownerKey, { prehash: false, lowS: true }),
    },
    pub: sea('sign'),
    epub: sea('encrypt'),
  }
}
const ana = somebody('ana')
const ben = somebody('ben')
const cardOf = (person: Somebody, extra: { name?: string; nowMs?: number } = {}): Card =>
  makeCard({ ...person, nodes: ['ab'.repeat(20)], nowMs: NOW, ...extra })
/** The card with something else in it, signed again by `by` (else with the old signature). */
function altered(card: Card, change: object, by?: OwnerSigner): Card {
  const { sig, ...body } = { ...card, ...change }
  if (by === undefined) return { ...body, sig } as Card
  const hash = createHash('sha256').update(canonicalJson(body)).digest()
  return { ...body, sig: Buffer.from(by.sign(hash)).toString('base64url') } as Card
}
const refusal = (reason: string): unknown =>
  expect.objectContaining({ code: 'CARD_INVALID', details: { reason } })

function setUp(self?: Somebody): Contacts {
  const folder = mkdtempSync(join(tmpdir(), 'sower-contacts-'))
  const clock = { nowMs: () => NOW }
  const db = openDatabase(join(folder, 'sower.db'), { log: silentLog, clock })
  onTestFinished(() => {
    db.close()
    rmSync(folder, { recursive: true })
  })
  return new Contacts({ db, clock, owner: () => self?.signer.publicKey ?? null, ownKeys: () => self })
}

describe('a card', () => {
  it('comes back from its link and its file as it was signed', () => {
    const card = cardOf(ana, { name: 'Ana Ñandú' })
    expect(card).toMatchObject({
      owner: ana.signer.publicKey,
      name: 'Ana Ñandú',
      issuedAt: '2026-11-26T12:00:00.000Z',
    })
    expect(parseCard(cardLink(card), NOW)).toEqual(card)
    expect(parseCard(`  ${cardJson(card)}\n`, NOW)).toEqual(card)
    expect(parseCard(JSON.stringify(card, null, 2), NOW)).toEqual(card)
    expect(parseCard(cardLink(card).replace('sower://card', 'SOWER:card'), NOW)).toEqual(card)
  })

  it('of the golden file still holds', () => {
    expect(cardJson(parseCard(golden, NOW))).toBe(golden.trim())
    expect(cardJson(cardOf(ana, { name: 'Ana' }))).toBe(golden.trim())
  })

  it('keeps fields it does not know, which are signed like the others', () => {
    const card = altered(cardOf(ana), { photo: 'none', ['__proto__x']: 1 }, ana.signer)
    expect(verifyCard(card, NOW)).toBe(card)
    expect(() => verifyCard({ ...card, photo: 'other' }, NOW)).toThrow(refusal('signature') as Error)
  })

  it.each<[string, string, () => unknown]>([
    ['nothing', 'form', () => null],
    ['a missing field', 'form', () => altered(cardOf(ana), { epub: undefined }, ana.signer)],
    ['an owner that is no key', 'form', () => ({ ...cardOf(ana), owner: 'x' })],
    ['a signature cut short', 'form', () => ({ ...cardOf(ana), sig: cardOf(ana).sig.slice(1) })],
    [
      'an owner off the curve',
      'point',
      () => altered(cardOf(ana), { owner: `02${'ff'.repeat(32)}` }, ana.signer),
    ],
    ['an epub off the curve', 'point', () => altered(cardOf(ana), { epub: flip(ana.epub) }, ana.signer)],
    ['a pub off the curve', 'point', () => altered(cardOf(ana), { pub: flip(ana.pub) }, ana.signer)],
    [
      'a pub of zeros',
      'point',
      () => altered(cardOf(ana), { pub: `${'A'.repeat(43)}.${'A'.repeat(43)}` }, ana.signer),
    ],
    [
      'a pub in another form',
      'point',
      () => altered(cardOf(ana), { pub: ana.pub.replace('.', '') }, ana.signer),
    ],
    ['somebody else’s epub', 'signature', () => altered(cardOf(ana), { epub: ben.epub })],
    ['somebody else’s signature', 'signature', () => altered(cardOf(ana), {}, ben.signer)],
    ['another name', 'signature', () => altered(cardOf(ana), { name: 'Ben' })],
    ['a time that has not come', 'time', () => cardOf(ana, { nowMs: NOW + 3 * 86_400_000 })],
  ])('is refused with %s', (_what, reason, make) => {
    expect(() => verifyCard(make(), NOW)).toThrow(refusal(reason) as Error)
  })

  it('is refused with the other signature of the same key (high S)', () => {
    const card = cardOf(ana)
    const bytes = Buffer.from(card.sig, 'base64url')
    const order = secp256k1.Point.CURVE().n
    const high = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    const sig = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from(high.toString(16).padStart(64, '0'), 'hex'),
    ])
    expect(() => verifyCard({ ...card, sig: sig.toString('base64url') }, NOW)).toThrow(
      refusal('signature') as Error,
    )
  })

  it('is never anything else, whatever is pasted', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `sower://card/${text}`),
        ),
        (text) => {
          expect(() => parseCard(text, NOW)).toThrow(
            expect.objectContaining({ code: 'CARD_INVALID' }) as Error,
          )
        },
      ),
    )
  })

  it('does not survive any change of a character', () => {
    const text = cardJson(cardOf(ana, { name: 'Ana' }))
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('A', 'b', '7', '"', '}'), (at, character) => {
        fc.pre(text.charAt(at) !== character)
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        expect(() => parseCard(changed, NOW)).toThrow(
          expect.objectContaining({ code: 'CARD_INVALID' }) as Error,
        )
      }),
    )
  })

  it('says what a pasted link is that is no card', () => {
    expect(() => parseCard(`sower://media/${'0'.repeat(64)}?v=1`, NOW)).toThrow(/leads to something else/)
  })

  it('takes no line breaks or turned text into the name', () => {
    expect(cardOf(ana, { name: ' A\u202en\na ' }).name).toBe('A n a')
    expect(cardOf(ana, { name: ' \n ' }).name).toBeUndefined()
    expect(() => verifyCard(cardOf(ana, { name: `${'x'.repeat(199)}😀` }), NOW)).not.toThrow()
  })
})

describe('a fingerprint', () => {
  it('is four groups of four, of the owner key’s hash', () => {
    const owner = '03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e'
    // Computed by a few lines of Python.
    expect(fingerprintOf(owner)).toBe('MGDC-JDSV-K1ME-R2P4')
  })
})

describe('contacts', () => {
  it('are added by card, listed by name, renamed and removed, and say so', () => {
    const contacts = setUp()
    let changes = 0
    contacts.onChange(() => (changes += 1))
    const added = contacts.add(cardLink(cardOf(ben, { name: 'Ben' })))
    expect(added).toEqual({
      owner: ben.signer.publicKey,
      name: 'Ben',
      cardName: 'Ben',
      pub: ben.pub,
      fingerprint: fingerprintOf(ben.signer.publicKey),
      addedAtMs: NOW,
      cardIssuedAtMs: NOW,
    })
    contacts.add(cardJson(cardOf(ana)), 'Ana')
    expect(contacts.list().map(({ name }) => name)).toEqual(['Ana', 'Ben'])
    expect(contacts.rename(ben.signer.publicKey, ' Aaron\n')).toMatchObject({
      name: 'Aaron',
      cardName: 'Ben',
    })
    expect(contacts.list().map(({ name }) => name)).toEqual(['Aaron', 'Ana'])
    contacts.remove(ben.signer.publicKey)
    expect(contacts.list()).toHaveLength(1)
    expect(changes).toBe(4)
  })

  it('without any name are called by their fingerprint', () => {
    expect(setUp().add(cardJson(cardOf(ana))).name).toBe(fingerprintOf(ana.signer.publicKey))
  })

  it('take a newer card and leave an older one', () => {
    const contacts = setUp()
    const moved = somebody('ana on another derivation')
    const old = cardOf(ana, { name: 'Ana' })
    const newer = altered(
      cardOf(ana, { nowMs: NOW + 1000 }),
      { pub: moved.pub, epub: moved.epub },
      ana.signer,
    )
    contacts.add(cardJson(old), 'Sister')
    expect(contacts.add(cardJson(newer))).toMatchObject({
      name: 'Sister',
      pub: moved.pub,
      cardIssuedAtMs: NOW + 1000,
    })
    expect(contacts.add(cardJson(old))).toMatchObject({
      name: 'Sister',
      pub: moved.pub,
      cardIssuedAtMs: NOW + 1000,
    })
    expect(contacts.recipients([ana.signer.publicKey])).toEqual([
      { owner: ana.signer.publicKey, pub: moved.pub, epub: moved.epub },
    ])
  })

  it('refuse one’s own card and cards with somebody else’s keys', () => {
    const contacts = setUp(ana)
    expect(() => contacts.add(cardJson(cardOf(ana)))).toThrow(refusal('own') as Error)
    contacts.add(cardJson(cardOf(ben, { name: 'Ben' })))
    const mallory = somebody('mallory')
    for (const stolen of [{ epub: ben.epub }, { pub: ben.pub }, { pub: ana.pub }, { epub: ana.epub }]) {
      const card = altered(cardOf(mallory), stolen, mallory.signer)
      expect(() => contacts.add(cardJson(card))).toThrow(refusal('keys-of-another') as Error)
    }
    expect(contacts.list()).toHaveLength(1)
  })

  it('give the keys of the people asked for, each once, and name the unknown one', () => {
    const contacts = setUp()
    contacts.add(cardJson(cardOf(ben)))
    const { publicKey } = ben.signer
    expect(contacts.recipients([publicKey, publicKey])).toEqual([
      { owner: publicKey, pub: ben.pub, epub: ben.epub },
    ])
    expect(() => contacts.recipients([publicKey, ana.signer.publicKey])).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', details: { owner: ana.signer.publicKey } }) as Error,
    )
    expect(() => contacts.rename(ana.signer.publicKey, 'x')).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }) as Error,
    )
    expect(() => contacts.remove(ana.signer.publicKey)).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }) as Error,
    )
    expect(() => contacts.rename(publicKey, ' \n')).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }) as Error,
    )
  })
})

/** The key with one bit of its last coordinate changed. */
function flip(key: string): string {
  const [x = '', y = ''] = key.split('.')
  const bytes = Buffer.from(y, 'base64url')
  bytes[31] = (bytes[31] ?? 0) ^ 1
  return `${x}.${bytes.toString('base64url')}`
}
