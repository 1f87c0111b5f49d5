import { AppError } from '../contract/index.ts'
import type { ErrorCode } from '../contract/index.ts'
import { canonicalHash, canonicalJson, manifestHash } from './canonical.ts'
import { isNestedTooDeeply } from './nesting.ts'
import { Manifest } from './schema.ts'
import { isOwnerSignature } from './signature.ts'

/** What did not hold; `details.reason` of the refusal. */
export type ManifestFault =
  'size' | 'depth' | 'schema' | 'id' | 'did' | 'version' | 'previous' | 'owner' | 'signature'

const MAX_CANONICAL_CHARS = 4 * 1024 * 1024

/**
 * Checks everything a manifest can be checked for without asking anybody: schema, id, did, version chain, owner and
 * signature. Pure. Gives back the very value, unknown fields included.
 * @param expect `mediaId`: what it must describe; `previous`: the (already verified) version it must follow
 * @throws {AppError} `MANIFEST_INVALID` or `SIGNATURE_INVALID`; the message and `details.reason` say what does not hold
 */
export function verifyManifest(
  value: unknown,
  expect: { readonly mediaId?: string | undefined; readonly previous?: Manifest | undefined } = {},
): Manifest {
  // Before anything else: fields that nobody knows are passed on, and read by others, as they are.
  if (isNestedTooDeeply(value)) refuse('MANIFEST_INVALID', 'depth', 'it is nested too deeply to be read')
  checkSchema(value)
  // The schema transforms nothing; the value itself is what was signed, even where zod would drop a key (`__proto__`).
  const manifest = value as Manifest
  if (canonicalJson(manifest).length > MAX_CANONICAL_CHARS) {
    refuse('MANIFEST_INVALID', 'size', 'it is larger than 4 MiB')
  }
  checkIdentity(manifest, expect.mediaId)
  checkChain(manifest, expect.previous)
  checkOwner(manifest, expect.previous)
  if (!isSignatureValid(manifest)) {
    refuse('SIGNATURE_INVALID', 'signature', 'its signature does not match its contents')
  }
  return manifest
}

function checkSchema(value: unknown): void {
  let parsed
  try {
    parsed = Manifest.safeParse(value)
  } catch (error) {
    refuse('MANIFEST_INVALID', 'schema', `it can’t be read (${String(error).slice(0, 100)})`)
  }
  if (parsed.success) return
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  refuse(
    'MANIFEST_INVALID',
    'schema',
    `its field ${field === '' ? '(whole)' : `“${field}”`} is not valid: ${issue?.message}`,
  )
}

function checkIdentity(manifest: Manifest, mediaId: string | undefined): void {
  if (mediaId !== undefined && manifest.id !== mediaId) {
    refuse('MANIFEST_INVALID', 'id', 'it describes another item than the one that was asked for')
  }
  if (manifest.did !== `did:gun:media:${manifest.id}`) {
    refuse('MANIFEST_INVALID', 'did', 'its “did” does not belong to its “id”')
  }
  const cipherHash = manifest.encryption?.cipherHash
  if (cipherHash !== undefined && cipherHash !== manifest.id) {
    refuse('MANIFEST_INVALID', 'id', 'its “encryption.cipherHash” is not its “id”')
  }
}

function checkChain(manifest: Manifest, previous: Manifest | undefined): void {
  if (manifest.version > 1 !== (manifest.previous !== undefined)) {
    const fault =
      manifest.version > 1
        ? 'does not name the version before it'
        : 'is version 1 but names a version before it'
    refuse('MANIFEST_INVALID', 'previous', `it ${fault}`)
  }
  if (previous === undefined) return
  if (manifest.id !== previous.id) refuse('MANIFEST_INVALID', 'id', 'it is not a version of the same item')
  if (manifest.version !== previous.version + 1) {
    refuse(
      'MANIFEST_INVALID',
      'version',
      `it is version ${manifest.version}, but version ${previous.version + 1} must come next`,
    )
  }
  if (manifest.previous !== manifestHash(previous)) {
    refuse('MANIFEST_INVALID', 'previous', 'it does not follow from the version before it')
  }
}

function checkOwner(manifest: Manifest, previous: Manifest | undefined): void {
  if (manifest.accessControl.owner_public_key !== manifest.oip.creatorPubKey) {
    refuse('SIGNATURE_INVALID', 'owner', 'it is signed by somebody other than the owner it names')
  }
  if (previous !== undefined && manifest.oip.creatorPubKey !== previous.oip.creatorPubKey) {
    refuse(
      'SIGNATURE_INVALID',
      'owner',
      'it is signed by somebody other than the owner of the version before it',
    )
  }
}

function isSignatureValid(manifest: Manifest): boolean {
  const { creatorSig, ...oip } = manifest.oip
  return isOwnerSignature(oip.creatorPubKey, canonicalHash({ ...manifest, oip }), creatorSig)
}

function refuse(code: ErrorCode, reason: ManifestFault, because: string): never {
  throw new AppError(code, `This manifest was refused: ${because}.`, {
    hint: 'Nothing was changed. Ask whoever gave it to you for the original.',
    details: { reason },
  })
}
