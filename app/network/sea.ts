import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { GunNode, GunValue } from './graph.ts'
import { makeNode, valuesOf } from './graph.ts'

/** The half of GUN's pair that signs. */
export interface SeaSigner {
  /** `x.y`, base64url. */
  readonly pub: string
  /** `d`, base64url. Secret. */
  readonly priv: string
}

/**
 * A node of a user's space, every value signed as GUN's own SEA does it, so that any GUN peer takes it and any can check it.
 * @see SEA.sign and `check.pub` in GUN's sea.js: ECDSA P-256 with SHA-256 over sha256 of `{"#","."," :",">"}` as JSON
 */
export function signNode(
  soul: string,
  values: Readonly<Record<string, GunValue>>,
  state: number,
  signer: SeaSigner,
): GunNode {
  const key = privateKeyOf(signer)
  const signed: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    const signature = sign('sha256', digestOf(soul, name, value, state), { key, dsaEncoding: 'ieee-p1363' })
    signed[name] = JSON.stringify({ ':': value, '~': signature.toString('base64') })
  }
  return makeNode(soul, signed, state)
}

/** What the owner of `pub` signed for this very place and time, or undefined when nobody but they could have and did not. */
export function openSigned(
  pub: string,
  soul: string,
  key: string,
  wrapped: GunValue | undefined,
  state: number,
): GunValue | undefined {
  if (typeof wrapped !== 'string') return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(wrapped)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { ':': value, '~': signature } = parsed as { ':'?: unknown; '~'?: unknown }
  if (typeof signature !== 'string' || signature.length > 128 || !isScalarOrLink(value)) return undefined
  try {
    const isValid = verify(
      'sha256',
      digestOf(soul, key, value, state),
      { key: publicKeyOf(pub), dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64'),
    )
    return isValid ? value : undefined
  } catch {
    // A point that is not on the curve.
    return undefined
  }
}

/** The values of a user's node, each with its signature checked; the others are not there. */
export function openNode(pub: string, node: GunNode): Record<string, GunValue> {
  const opened: Record<string, GunValue> = {}
  for (const [key, value] of Object.entries(valuesOf(node))) {
    const plain = openSigned(pub, node._['#'], key, value, node._['>'][key] ?? Number.NaN)
    if (plain !== undefined) opened[key] = plain
  }
  return opened
}

/** The key under which a text lies in a frozen node: nobody can put another one there. */
export function frozenKey(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64')
}

function digestOf(soul: string, key: string, value: GunValue, state: number): Buffer {
  // The order of the keys is part of GUN's format.
  const text = JSON.stringify({ '#': soul, '.': key, ':': value, '>': state })
  return createHash('sha256').update(text, 'utf8').digest()
}

function isScalarOrLink(value: unknown): value is GunValue {
  if (typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    typeof (value as { '#'?: unknown })['#'] === 'string'
  )
}

/** Making a key takes as long as checking a signature with it, and a node has several of one publisher. */
const publicKeys = new Map<string, KeyObject>()
const MAX_PUBLIC_KEYS = 256

function publicKeyOf(pub: string): KeyObject {
  const known = publicKeys.get(pub)
  if (known !== undefined) return known
  const [x = '', y = ''] = pub.split('.')
  const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } })
  if (publicKeys.size >= MAX_PUBLIC_KEYS) publicKeys.clear()
  publicKeys.set(pub, key)
  return key
}

function privateKeyOf({ pub, priv }: SeaSigner): KeyObject {
  const [x = '', y = ''] = pub.split('.')
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y, d: priv } })
}
