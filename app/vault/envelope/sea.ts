import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  ECDH,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import { mapHashToField } from '@noble/curves/abstract/modular.js'
import { p256 } from '@noble/curves/nist.js'
import { z } from 'zod'

// GUN's SEA 0.2020 as other programs write and read it: P-256 keys in base64url, and boxes
// `SEA{"ct":…,"iv":…,"s":…}` (base64). See https://gun.eco/docs/SEA; measured against the stock library in the tests.

const CURVE = 'prime256v1'
const COORDINATE_BYTES = 32
const TAG_BYTES = 16
/** What stock SEA writes; other lengths are read. */
const SALT_BYTES = 9
const IV_BYTES = 15

/** A SEA identity in GUN's own form: coordinates `x.y` and scalars, base64url. `pub`/`priv` sign, `epub`/`epriv` agree on keys. */
export interface SeaPair {
  readonly pub: string
  readonly priv: string
  readonly epub: string
  readonly epriv: string
}

/** The half of a pair that agrees on keys. */
export type ExchangePair = Pick<SeaPair, 'epub' | 'epriv'>

/**
 * The SEA pair of a wallet: HKDF-SHA256 of the seed with empty salt and info `sower/sea/sign/v1` or
 * `sower/sea/encrypt/v1`, 48 bytes, mapped to a scalar as (number mod (n − 1)) + 1.
 * @param seed the 64 bytes of BIP-39; left untouched
 * @see FIPS 186-5, A.4.1; RFC 5869
 */
export function seaPairFromSeed(seed: Uint8Array): SeaPair {
  if (seed.length !== 64) throw new RangeError('a seed has 64 bytes')
  const sign = pairOf(derivedScalar(seed, 'sower/sea/sign/v1'))
  const encrypt = pairOf(derivedScalar(seed, 'sower/sea/encrypt/v1'))
  return { pub: sign.point, priv: sign.scalar, epub: encrypt.point, epriv: encrypt.scalar }
}

/** A fresh pair for one key agreement. */
export function newExchangePair(): ExchangePair {
  const { point, scalar } = pairOf(p256.utils.randomSecretKey())
  return { epub: point, epriv: scalar }
}

/** Whether a text is a point of P-256 in GUN's form, in its one spelling. */
export function isPoint(text: string): boolean {
  return pointOf(text) !== undefined
}

/**
 * What `SEA.secret(theirs, mine)` gives: the x coordinate of the common point, base64url.
 * @returns undefined when `theirs` is not a point of the curve
 */
export function seaSecret(theirs: string, mine: ExchangePair): string | undefined {
  const point = pointOf(theirs)
  if (point === undefined) return undefined
  const ecdh = createECDH(CURVE)
  const scalar = Buffer.from(mine.epriv, 'base64url')
  ecdh.setPrivateKey(scalar)
  const shared = ecdh.computeSecret(point)
  const secret = shared.toString('base64url')
  scalar.fill(0)
  shared.fill(0)
  return secret
}

/**
 * What `SEA.encrypt(text, secret)` gives.
 * @param secret of {@link seaSecret}, or any passphrase
 */
export function seaEncrypt(text: string, secret: string): string {
  const salt = randomBytes(SALT_BYTES)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', boxKey(secret, salt), iv, { authTagLength: TAG_BYTES })
  const ct = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  const box = { ct: ct.toString('base64'), iv: iv.toString('base64'), s: salt.toString('base64') }
  return `SEA${JSON.stringify(box)}`
}

const Box = z.object({
  ct: z.base64().min(24).max(1024),
  iv: z.base64().min(16).max(64),
  s: z.base64().min(4).max(64),
})

/**
 * The text that `SEA.encrypt` was given.
 * @returns undefined when it is no box, was made with another secret, or was changed since
 */
export function seaDecrypt(box: string, secret: string): string | undefined {
  const parsed = Box.safeParse(parseJson(box.startsWith('SEA{') ? box.slice(3) : box))
  if (!parsed.success) return undefined
  const [ct, iv, salt] = [parsed.data.ct, parsed.data.iv, parsed.data.s].map((part) =>
    Buffer.from(part, 'base64'),
  )
  if (ct === undefined || iv === undefined || salt === undefined || ct.length < TAG_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', boxKey(secret, salt), iv, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(ct.subarray(ct.length - TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(ct.subarray(0, ct.length - TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    )
  } catch {
    return undefined
  }
}

/** SEA hashes the secret followed by the salt, each byte of the salt as one character, the whole as UTF-8. */
function boxKey(secret: string, salt: Buffer): Buffer {
  return createHash('sha256')
    .update(secret + salt.toString('latin1'), 'utf8')
    .digest()
}

function derivedScalar(seed: Uint8Array, info: string): Uint8Array {
  const bytes = new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), info, 48))
  const scalar = mapHashToField(bytes, p256.Point.Fn.ORDER)
  bytes.fill(0)
  return scalar
}

/** Wipes the scalar it is given. */
function pairOf(scalar: Uint8Array): { point: string; scalar: string } {
  const ecdh = createECDH(CURVE)
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey().subarray(1)
  const x = point.subarray(0, COORDINATE_BYTES).toString('base64url')
  const y = point.subarray(COORDINATE_BYTES).toString('base64url')
  const text = Buffer.from(scalar).toString('base64url')
  scalar.fill(0)
  return { point: `${x}.${y}`, scalar: text }
}

/** The point as 65 bytes; undefined for anything that is not on the curve, or is spelled another way. */
function pointOf(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/.test(text)) return undefined
  const coordinates = text.split('.').map((part) => Buffer.from(part, 'base64url'))
  if (coordinates.map((part) => part.toString('base64url')).join('.') !== text) return undefined
  const point = Buffer.concat([Buffer.of(4), ...coordinates])
  try {
    ECDH.convertKey(point, CURVE)
  } catch {
    // OpenSSL refuses what is not on the curve by throwing.
    return undefined
  }
  return point
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
