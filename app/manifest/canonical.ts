import canonicalize from 'canonicalize'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { AppError } from '../contract/index.ts'

/**
 * The one text form of a JSON value: sorted keys, no white space, ES number form.
 * @throws {AppError} `MANIFEST_INVALID` when the value has no JSON form (cycles, NaN, lone surrogates, undefined)
 * @see RFC 8785 (JSON Canonicalization Scheme)
 */
export function canonicalJson(value: unknown): string {
  let text: string | undefined
  try {
    text = canonicalize(value)
  } catch (cause) {
    throw new AppError('MANIFEST_INVALID', 'This value cannot be written as canonical JSON.', { cause })
  }
  if (text === undefined) throw new AppError('MANIFEST_INVALID', 'There is nothing to write as JSON.')
  return text
}

/** sha256 of the canonical form: 32 bytes. */
export function canonicalHash(value: unknown): Uint8Array {
  return sha256(utf8ToBytes(canonicalJson(value)))
}

/** sha256 of the whole canonical manifest, signature included: what the next version names as `previous`. 64 hex. */
export function manifestHash(manifest: unknown): string {
  return bytesToHex(canonicalHash(manifest))
}
