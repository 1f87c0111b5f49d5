import { AppError } from '../../contract/index.ts'
import { parseEncryption } from '../../manifest/index.ts'
import type {
  Encryption,
  KeyEnvelope,
  Manifest,
  SingleEncryption,
  StreamEncryption,
} from '../../manifest/index.ts'
import { SEGMENT_BYTES, storedSizeOf } from '../../segments.ts'
import type { SealedBox } from './sealed-metadata.ts'
import { deriveStreamKeys } from '../../stream-cipher.ts'

/**
 * How an item's bytes are encrypted, checked against its size.
 * @throws {AppError} `MANIFEST_INVALID` when it is not encrypted, or says so in a way that cannot be true: sizes that do not
 * belong together, another number of segments, a form nobody knows
 */
export function streamEncryptionOf(manifest: Manifest): StreamEncryption | SingleEncryption {
  const { encryption, size } = manifest
  if (encryption?.enabled !== true) throw refused('it does not say that the item is encrypted')
  const parsed = parseEncryption(size, encryption)
  if (!('fault' in parsed)) return parsed
  throw refused(`its field “encryption.${parsed.field}” is not valid: ${parsed.fault}`)
}

/**
 * The manifest's `encryption` of a file sealed in segments.
 * @param authTag 16 bytes: the tag of the last segment
 * @throws {RangeError} when key, salt, tag or size cannot be those of a file
 */
export function encryptionField(input: {
  readonly fileKey: Uint8Array
  readonly salt: Uint8Array
  readonly authTag: Uint8Array
  readonly plainSizeBytes: number
  readonly mediaId: string
  readonly sealed: SealedBox
  readonly keyEnvelope: KeyEnvelope
}): Encryption {
  if (input.authTag.length !== 16) throw new RangeError('a tag has 16 bytes')
  storedSizeOf(input.plainSizeBytes)
  const keys = deriveStreamKeys(input.fileKey, input.salt)
  keys.key.fill(0)
  return {
    enabled: true,
    method: 'aes-256-gcm',
    layout: 'stream64k',
    iv: hex(input.salt) + hex(keys.noncePrefix),
    authTag: hex(input.authTag),
    segmentSize: SEGMENT_BYTES,
    plainSize: input.plainSizeBytes,
    commitment: hex(keys.commitment),
    cipherHash: input.mediaId,
    keyEnvelope: input.keyEnvelope,
    sealed: { ...input.sealed },
  }
}

function refused(because: string): AppError {
  return new AppError('MANIFEST_INVALID', `This manifest was refused: ${because}.`, {
    hint: 'Nothing was changed. Ask whoever gave it to you for the original.',
    details: { reason: 'encryption' },
  })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
