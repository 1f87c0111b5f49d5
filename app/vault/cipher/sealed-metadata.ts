import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { AppError } from '../../contract/index.ts'
import { canonicalJson } from '../../manifest/index.ts'
import { TAG_BYTES } from '../../segments.ts'
import { ciphertextInvalid, openMessage } from './open-segment.ts'

const IV_BYTES = 12
const NO_SALT = new Uint8Array(0)

/** What a private item's manifest does not say in the clear. Fields this version does not know are kept. */
const SealedMetadata = z.looseObject({
  name: z.string().min(1).max(1024).optional(),
  mime: z.string().regex(/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/),
  /** sha256 of the plaintext, 64 hex. */
  plainHash: z.string().regex(/^[0-9a-f]{64}$/),
})
export interface SealedMetadata {
  readonly name?: string | undefined
  readonly mime: string
  /** sha256 of the plaintext, 64 lowercase hex. */
  readonly plainHash: string
  readonly [more: string]: unknown
}

/** As it stands in the manifest. */
export interface SealedBox {
  /** 12 bytes, hex. */
  readonly iv: string
  /** Ciphertext and tag, base64url. */
  readonly data: string
}

/**
 * Encrypts name, type and hash of a private item for its manifest: AES-256-GCM over their canonical JSON, under a key of
 * its own derived from the file key, with a fresh nonce.
 * @param fileKey 32 bytes
 */
export function sealMetadata(fileKey: Uint8Array, metadata: SealedMetadata): SealedBox {
  const key = metadataKey(fileKey)
  const iv = randomBytes(IV_BYTES)
  try {
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
    const text = Buffer.from(canonicalJson(SealedMetadata.parse(metadata)), 'utf8')
    const data = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
    text.fill(0)
    return { iv: iv.toString('hex'), data: data.toString('base64url') }
  } finally {
    key.fill(0)
  }
}

/**
 * The reverse.
 * @throws {AppError} `CIPHERTEXT_INVALID` when it was sealed with another key or changed since; `MANIFEST_INVALID` when
 * what was sealed is not a description
 */
export function openMetadata(fileKey: Uint8Array, sealed: SealedBox): SealedMetadata {
  const iv = Buffer.from(sealed.iv, 'hex')
  const data = Buffer.from(sealed.data, 'base64url')
  if (iv.length !== IV_BYTES || data.length < TAG_BYTES) throw ciphertextInvalid()
  const key = metadataKey(fileKey)
  try {
    const tagAt = data.length - TAG_BYTES
    const text = openMessage(key, iv, data.subarray(0, tagAt), data.subarray(tagAt))
    const parsed = SealedMetadata.safeParse(parseJson(Buffer.from(text).toString('utf8')))
    if (parsed.success) return parsed.data
  } finally {
    key.fill(0)
  }
  throw new AppError('MANIFEST_INVALID', 'The sealed description of this item is not one Sower can read.', {
    hint: 'Nothing was changed. Ask its owner to share it again.',
    details: { reason: 'sealed' },
  })
}

function metadataKey(fileKey: Uint8Array): Uint8Array {
  if (fileKey.length !== 32) throw new RangeError('a file key has 32 bytes')
  return new Uint8Array(hkdfSync('sha256', fileKey, NO_SALT, 'sower/sealed/v1', 32))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
