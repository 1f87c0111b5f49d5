import { z } from 'zod'
import { plainSizeWithin, SEGMENT_BYTES } from '../segments.ts'
import { KeyEnvelope } from './key-envelope.ts'

const Hex = z.string().regex(/^([0-9a-f]{2})*$/, 'lowercase hexadecimal expected')
const Hex64 = z.string().regex(/^[0-9a-f]{64}$/, '64 lowercase hexadecimal digits expected')

/** A manifest's `encryption`, field by field; {@link parseEncryption} says whether they belong together. */
export const Encryption = z.looseObject({
  enabled: z.boolean(),
  method: z.literal('aes-256-gcm').optional(),
  layout: z.enum(['stream64k', 'single']).optional(),
  iv: Hex.max(128).optional(),
  authTag: Hex.max(64).optional(),
  segmentSize: z.int().positive().optional(),
  plainSize: z.int().nonnegative().optional(),
  commitment: Hex64.optional(),
  cipherHash: Hex64.optional(),
  keyEnvelope: KeyEnvelope.optional(),
  sealed: z.looseObject({ iv: Hex.length(24), data: z.string().min(22).max(65_536) }).optional(),
})
export type Encryption = z.output<typeof Encryption>

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

/** Which field cannot be true, and what is wrong with it. */
export interface EncryptionFault {
  readonly field: string
  readonly fault: string
}

const STREAM_IV_BYTES = 39
const SALT_BYTES = 32
const SINGLE_IV_BYTES = 12
const TAG_BYTES = 16
const MAX_SINGLE_BYTES = 64 * 1024 * 1024

/**
 * How an item's bytes are encrypted, when what the manifest says can be true for bytes of this size.
 * @param storedSizeBytes the manifest's `size`
 * @param encryption with `enabled: true`; without `layout` it is the older form, one message
 */
export function parseEncryption(
  storedSizeBytes: number,
  encryption: Encryption,
): StreamEncryption | SingleEncryption | EncryptionFault {
  if (encryption.method === undefined) {
    return { field: 'method', fault: 'an encrypted item must say how it is encrypted' }
  }
  const isStream = encryption.layout === 'stream64k'
  const ivBytes = isStream ? STREAM_IV_BYTES : SINGLE_IV_BYTES
  const iv = Buffer.from(encryption.iv ?? '', 'hex')
  if (iv.length !== ivBytes) return { field: 'iv', fault: `${ivBytes} bytes expected` }
  const authTag = Buffer.from(encryption.authTag ?? '', 'hex')
  if (authTag.length !== TAG_BYTES) return { field: 'authTag', fault: `${TAG_BYTES} bytes expected` }
  if (!isStream) return parseSingle(storedSizeBytes, encryption, { iv, authTag })

  const { segmentSize, plainSize, commitment } = encryption
  if (segmentSize !== SEGMENT_BYTES) return { field: 'segmentSize', fault: '65536 expected' }
  if (plainSize === undefined || plainSizeWithin(storedSizeBytes) !== plainSize) return sizesDiffer
  if (commitment === undefined) return { field: 'commitment', fault: '32 bytes expected' }
  return {
    layout: 'stream64k',
    salt: iv.subarray(0, SALT_BYTES),
    noncePrefix: iv.subarray(SALT_BYTES),
    authTag,
    plainSizeBytes: plainSize,
    storedSizeBytes,
    commitment: Buffer.from(commitment, 'hex'),
  }
}

function parseSingle(
  storedSizeBytes: number,
  { plainSize }: Encryption,
  { iv, authTag }: { iv: Uint8Array; authTag: Uint8Array },
): SingleEncryption | EncryptionFault {
  if (storedSizeBytes > MAX_SINGLE_BYTES) {
    return { field: 'layout', fault: 'one message of at most 64 MiB expected' }
  }
  if (plainSize !== undefined && plainSize !== storedSizeBytes) return sizesDiffer
  return { layout: 'single', iv, authTag, plainSizeBytes: storedSizeBytes, storedSizeBytes }
}

const sizesDiffer: EncryptionFault = {
  field: 'plainSize',
  fault: 'a size that belongs to the size of the stored bytes expected',
}
