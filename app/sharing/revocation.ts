import { z } from 'zod'
import { AppError, MediaId, PersonKey } from '../contract/index.ts'
import { canonicalHash, isNestedTooDeeply, isOwnerSignature } from '../manifest/index.ts'
import type { OwnerSigner } from '../manifest/index.ts'

/**
 * What an owner says when they take an item back: it is not to be passed on any more. Loose: fields this version does not
 * know are kept and covered by the signature.
 */
export const Revocation = z.looseObject({
  mediaId: MediaId,
  /** For people. */
  reason: z.string().min(1).max(500).optional(),
  /** The item that takes its place. */
  supersededBy: MediaId.optional(),
  /**
   * Only the manifests up to this version are taken back: the item is private now, and a later version may make it public again.
   * Of copies that somebody has it says nothing.
   */
  version: z.int().positive().optional(),
  /** When it was said: ISO 8601, UTC. */
  at: z.iso.datetime(),
  /** Who says so: the item's owner, 66 hex. */
  owner: PersonKey,
  /** 64-byte compact ECDSA, low S, base64url, over sha256 of the canonical JSON of the rest. */
  sig: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
export type Revocation = z.output<typeof Revocation>

interface RevocationInput {
  readonly mediaId: string
  readonly reason?: string | undefined
  readonly supersededBy?: string | undefined
  readonly version?: number | undefined
  readonly atMs: number
}

/** Says, in the owner's name, that an item is withdrawn. */
export function signRevocation(input: RevocationInput, signer: OwnerSigner): Revocation {
  const { mediaId, reason, supersededBy, version, atMs } = input
  const unsigned = {
    mediaId,
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(supersededBy === undefined ? {} : { supersededBy }),
    ...(version === undefined ? {} : { version }),
    at: new Date(atMs).toISOString(),
    owner: signer.publicKey,
  }
  const sig = Buffer.from(signer.sign(canonicalHash(unsigned))).toString('base64url')
  return verifyRevocation({ ...unsigned, sig })
}

/**
 * Whether this is somebody's word that an item is withdrawn. Pure: whose item it is must be compared by the caller.
 * @param value anything that came from outside
 * @param expect which item it must be about, and whose word is wanted
 * @throws {AppError} `BAD_REQUEST` when it has not the form, or is about another item; `SIGNATURE_INVALID` when it is not
 *   signed by the owner it names, or not by `expect.owner`
 */
export function verifyRevocation(
  value: unknown,
  expect: { readonly mediaId?: string; readonly owner?: string } = {},
): Revocation {
  // Before the schema: fields it does not know are passed on as they are.
  if (isNestedTooDeeply(value)) throw refused('BAD_REQUEST', 'it is nested too deeply to be read')
  const parsed = Revocation.safeParse(value)
  if (!parsed.success) throw refused('BAD_REQUEST', 'it does not have the form of one')
  // The schema transforms nothing; the value itself is what was signed.
  const revocation = value as Revocation
  if (expect.mediaId !== undefined && revocation.mediaId !== expect.mediaId)
    throw refused('BAD_REQUEST', 'it is about another item')
  if (revocation.supersededBy === revocation.mediaId)
    throw refused('BAD_REQUEST', 'it names the item as its own successor')
  if (!isSignedByOwner(revocation)) throw refused('SIGNATURE_INVALID', 'its signature does not hold')
  if (expect.owner !== undefined && revocation.owner !== expect.owner)
    throw refused('SIGNATURE_INVALID', 'it is signed by somebody other than the owner of the item')
  return revocation
}

function isSignedByOwner({ sig, ...unsigned }: Revocation): boolean {
  try {
    return isOwnerSignature(unsigned.owner, canonicalHash(unsigned), sig)
  } catch {
    // What has no canonical form was signed by nobody.
    return false
  }
}

function refused(code: 'BAD_REQUEST' | 'SIGNATURE_INVALID', because: string): AppError {
  return new AppError(code, `This withdrawal of an item was refused: ${because}.`, {
    hint: 'Nothing was changed.',
  })
}
