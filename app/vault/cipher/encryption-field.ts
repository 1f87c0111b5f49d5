import { AppError } from '../../contract/index.ts'
import type { Manifest } from '../../manifest/index.ts'
import { plainSizeWithin, SEGMENT_BYTES, storedSizeOf } from '../../segments.ts'
import type { SealedBox } from './sealed-metadata.ts'
import { deriveStreamKeys } from './stream.ts'

export type ManifestEncryption = NonNullable<Manifest['encryption']>

/** What a manifest says about how its bytes are encrypted, in segments. */
export interface StreamEncryption {
  readonly layout: 'stream64k'
  /** 32 bytes. */
  readonly salt: Uint8Array
  /** 7 bytes. */
  readonly noncePrefix: Uint8Array
  /** 16 bytes, of the last segment. */
  readonly authTag: Uint8Array
  readonly plainSizeBytes: number
  readonly storedSizeBytes: number
  /** 32 bytes. */
  readonly commitment: Uint8Array
}

/** The same for a file that is one message, as other programs write small ones. Never written here. */
export interface SingleEncryption {
  readonly layout: 'single'
  /** 12 bytes. */
  readonly iv: Uint8Array
  /** 16 bytes. */
  readonly authTag: Uint8Array
  readonly plainSizeBytes: number
  readonly storedSizeBytes: number
}

const STREAM_IV_BYTES = 39
const SALT_BYTES = 32
const TAG_HEX = /^[0-9a-f]{32}$/
const MAX_SINGLE_BYTES = 64 * 1024 * 1024

/**
 * How an item's bytes are encrypted, checked against its size.
 * @throws {AppError} `MANIFEST_INVALID` when it is not encrypted, or says so in a way that cannot be true: sizes that do not
 * belong together, another number of segments, a form nobody knows
 */
export function streamEncryptionOf(manifest: Manifest): StreamEncryption | SingleEncryption {
  const { encryption } = manifest
  if (encryption?.enabled !== true || encryption.method !== 'aes-256-gcm') {
    throw refused('it does not say that the item is encrypted, or not how')
  }
  return encryption.layout === 'stream64k' ? streamOf(manifest, encryption) : singleOf(manifest, encryption)
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
  readonly keyEnvelope: NonNullable<ManifestEncryption['keyEnvelope']>
}): ManifestEncryption {
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

function streamOf(manifest: Manifest, encryption: ManifestEncryption): StreamEncryption {
  const { iv = '', authTag = '', segmentSize, plainSize, commitment = '' } = encryption
  const nonce = Buffer.from(iv, 'hex')
  if (iv.length !== STREAM_IV_BYTES * 2 || nonce.length !== STREAM_IV_BYTES || !TAG_HEX.test(authTag)) {
    throw refused('its “iv” or “authTag” has not the length it must have')
  }
  if (segmentSize !== SEGMENT_BYTES) throw refused('its segments have another size than 65,536 bytes')
  if (plainSize === undefined || plainSizeWithin(manifest.size) !== plainSize) {
    throw refused('its “size” and “plainSize” do not belong together')
  }
  if (!/^[0-9a-f]{64}$/.test(commitment)) throw refused('it names no commitment to its key')
  return {
    layout: 'stream64k',
    salt: nonce.subarray(0, SALT_BYTES),
    noncePrefix: nonce.subarray(SALT_BYTES),
    authTag: Buffer.from(authTag, 'hex'),
    plainSizeBytes: plainSize,
    storedSizeBytes: manifest.size,
    commitment: Buffer.from(commitment, 'hex'),
  }
}

function singleOf(manifest: Manifest, encryption: ManifestEncryption): SingleEncryption {
  const { iv = '', authTag = '', plainSize = manifest.size } = encryption
  if (!/^[0-9a-f]{24}$/.test(iv) || !TAG_HEX.test(authTag)) {
    throw refused('its “iv” or “authTag” has not the length it must have')
  }
  if (manifest.size > MAX_SINGLE_BYTES) throw refused('it is one message of more than 64 MiB')
  if (plainSize !== manifest.size) throw refused('its “size” and “plainSize” do not belong together')
  return {
    layout: 'single',
    iv: Buffer.from(iv, 'hex'),
    authTag: Buffer.from(authTag, 'hex'),
    plainSizeBytes: plainSize,
    storedSizeBytes: manifest.size,
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
