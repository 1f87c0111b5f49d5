import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import { canonicalJson } from '../manifest/index.ts'

/** An item its owner withdrew. Signed like a card: by the owner key over sha256 of the canonical JSON without `sig`. */
export const Revocation = z.looseObject({
  mediaId: z.string().regex(/^[0-9a-f]{64}$/),
  reason: z.string().max(1024).optional(),
  /** The item that takes its place. */
  supersededBy: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  at: z.iso.datetime(),
  owner: z.string().regex(/^0[23][0-9a-f]{64}$/),
  sig: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
export type Revocation = z.output<typeof Revocation>

/**
 * Checks form and signature. Whether `owner` owns the item is for the caller, who knows its manifest.
 * @throws {AppError} `BAD_REQUEST` or `SIGNATURE_INVALID`
 */
export function verifyRevocation(value: unknown): Revocation {
  const parsed = Revocation.safeParse(value)
  if (!parsed.success)
    throw new AppError('BAD_REQUEST', 'This withdrawal of an item is not in a form Sower knows.')
  // The value itself is what was signed.
  const { sig, ...unsigned } = value as Revocation
  const signature = Buffer.from(sig, 'base64url')
  const digest = sha256(Buffer.from(canonicalJson(unsigned), 'utf8'))
  const isOneSpelling = signature.toString('base64url') === sig
  if (!isOneSpelling || !isSignedBy(unsigned.owner, signature, digest)) {
    throw new AppError('SIGNATURE_INVALID', 'This withdrawal of an item is not signed by the owner it names.')
  }
  return value as Revocation // as above
}

function isSignedBy(owner: string, signature: Uint8Array, digest: Uint8Array): boolean {
  try {
    return secp256k1.verify(signature, digest, Buffer.from(owner, 'hex'), { prehash: false, lowS: true })
  } catch {
    // No point of the curve, or no number of its field.
    return false
  }
}
