import { createHash } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { z } from 'zod'
import { AppError, PersonKey } from '../../contract/index.ts'
import { canonicalJson } from '../../manifest/index.ts'
import type { OwnerSigner } from '../../manifest/index.ts'
import { isPoint } from '../envelope/sea.ts'

const MAX_CARD_CHARS = 16_384
const CARD_LINK = /^sower:(?:\/\/)?card\/([\w-]+)\/?$/i
/** A clock that is wrong must not make a card that no later one can follow. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1000

const Card = z.looseObject({
  owner: PersonKey,
  pub: z.string().max(100),
  epub: z.string().max(100),
  nodes: z.array(z.string().regex(/^[0-9a-f]{40}$/)).max(64),
  name: z.string().min(1).max(200).optional(),
  issuedAt: z.iso.datetime(),
  sig: z.string().length(86),
})
/**
 * What people exchange as a contact: the owner key certifies the SEA pair (`pub`, `epub`: GUN's `x.y`) and the nodes of one
 * wallet. `sig`: base64url of the 64-byte compact low-S ECDSA over sha256 of the canonical JSON of everything else.
 */
export type Card = Readonly<z.output<typeof Card>>

/** What did not hold; `details.reason` of the refusal. */
type CardFault = 'form' | 'point' | 'time' | 'signature' | 'keys-of-another' | 'own'

/**
 * Checks everything about a card that can be checked without asking anybody. Pure but for the time.
 * @returns the very value
 * @throws {AppError} `CARD_INVALID`; the message and `details.reason` say what does not hold
 */
export function verifyCard(value: unknown, nowMs: number = Date.now()): Card {
  const parsed = Card.safeParse(value)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? ''
    const which = field === '' ? 'it is not one at all' : `its field “${field}” is missing or not valid`
    throw cardInvalid('form', `This is not a whole contact card: ${which}.`)
  }
  // The schema transforms nothing; the value itself is what was signed, even where zod would drop a key (`__proto__`).
  const card = value as Card
  if (!isOwnerKey(card.owner))
    throw cardInvalid('point', 'This card was refused: its owner key is not a point of its curve.')
  for (const field of ['pub', 'epub'] as const) {
    if (!isPoint(card[field]))
      throw cardInvalid('point', `This card was refused: its key “${field}” is not a point of its curve.`)
  }
  if (Date.parse(card.issuedAt) > nowMs + MAX_AHEAD_MS)
    throw cardInvalid('time', 'This card was refused: it says it was made in the future.')
  if (!isSignedByOwner(card))
    throw cardInvalid(
      'signature',
      'This card was refused: it was changed, or not signed by the owner it names.',
    )
  return card
}

/**
 * Reads a card from a `sower://card/…` link or from the content of a card file, and checks it.
 * @throws {AppError} `CARD_INVALID`
 */
export function parseCard(text: string, nowMs: number = Date.now()): Card {
  const trimmed = text.trim().replace(/^\u{FEFF}/u, '')
  if (trimmed.length > MAX_CARD_CHARS)
    throw cardInvalid('form', 'This is not a contact card: it is far too long.')
  const link = CARD_LINK.exec(trimmed)?.[1]
  if (link === undefined && /^sower:/i.test(trimmed))
    throw cardInvalid('form', 'This link is not a contact card; it leads to something else.')
  const json = link === undefined ? trimmed : Buffer.from(link, 'base64url').toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // Without the cause: it would quote what was pasted.
    throw cardInvalid('form', 'This is not a contact card, or it is not all of one.')
  }
  return verifyCard(value, nowMs)
}

export interface CardInput {
  readonly signer: OwnerSigner
  readonly pub: string
  readonly epub: string
  /** Node ids: 40 hex each. */
  readonly nodes: readonly string[]
  readonly name?: string | undefined
  readonly nowMs: number
}

/** Makes and signs one's own card. */
export function makeCard({ signer, pub, epub, nodes, name, nowMs }: CardInput): Card {
  const called = name === undefined ? '' : plainName(name)
  const body = {
    owner: signer.publicKey,
    pub,
    epub,
    nodes: [...nodes],
    ...(called === '' ? {} : { name: called }),
    issuedAt: new Date(nowMs).toISOString(),
  }
  return { ...body, sig: Buffer.from(signer.sign(signedHash(body))).toString('base64url') }
}

/** A card's one text form: the content of a `*.sowercard` file. */
export function cardJson(card: Card): string {
  return canonicalJson(card)
}

/** `sower://card/…`: the card as something to paste or to scan. */
export function cardLink(card: Card): string {
  return `sower://card/${Buffer.from(cardJson(card), 'utf8').toString('base64url')}`
}

/** Letters and digits that are not mistaken for each other (Crockford's base 32). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/**
 * An owner key (66 hex) in a form two people can compare aloud: the first 80 bits of its sha256, as four groups of four.
 */
export function fingerprintOf(owner: string): string {
  const hash = createHash('sha256').update(Buffer.from(owner, 'hex')).digest()
  let bits = BigInt(`0x${hash.subarray(0, 10).toString('hex')}`)
  let text = ''
  for (let i = 0; i < 16; i += 1) {
    text = `${ALPHABET.charAt(Number(bits & 31n))}${text}`
    bits >>= 5n
  }
  return (text.match(/.{4}/g) ?? []).join('-')
}

/** Names come from strangers: one line, without control characters and marks that turn the reading direction. */
export function plainName(name: string): string {
  return name
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .slice(0, 200)
    .replaceAll(/\p{Cs}/gu, '')
    .trim()
}

/** `CARD_INVALID`, with the reason for whoever tells the kinds apart. */
export function cardInvalid(
  reason: CardFault,
  message: string,
  advice = 'Ask the person for their card again, by a way you trust.',
): AppError {
  return new AppError('CARD_INVALID', message, {
    hint: `Nothing was added. ${advice}`,
    details: { reason },
  })
}

function isSignedByOwner(card: Card): boolean {
  const { sig, ...body } = card
  const signature = Buffer.from(sig, 'base64url')
  // One signature, one spelling: base64url leaves spare bits in its last character.
  if (signature.length !== 64 || signature.toString('base64url') !== sig) return false
  try {
    return secp256k1.verify(signature, signedHash(body), Buffer.from(card.owner, 'hex'), {
      prehash: false,
      lowS: true,
    })
  } catch {
    // A value without a JSON form, or a signature outside the curve's range.
    return false
  }
}

function signedHash(body: object): Uint8Array {
  return createHash('sha256').update(canonicalJson(body)).digest()
}

function isOwnerKey(hex: string): boolean {
  try {
    secp256k1.Point.fromHex(hex)
    return true
  } catch {
    return false
  }
}
