import { createHash } from 'node:crypto'
import { buildManifest, signManifest } from '../../app/manifest/index.ts'
import type { Encryption, KeyEnvelope, Manifest } from '../../app/manifest/index.ts'
import {
  deriveStreamKeys,
  encryptionField,
  newFileKey,
  sealMetadata,
  storedSizeOf,
} from '../../app/vault/index.ts'
import { newSalt, sealSegment } from '../../app/stream-cipher.ts'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../../app/segments.ts'
import type { SealedMetadata, StoredBytes } from '../../app/vault/index.ts'
import { testSigner } from '../unit/manifest/owner.ts'

export interface EncryptedBytes {
  readonly fileKey: Buffer
  readonly salt: Buffer
  readonly stored: Buffer
  readonly authTag: Buffer
  readonly mediaId: string
}

/** Bytes that differ from place to place and from one `seed` to the next. */
export function patternBytes(size: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16) + seed * 101) & 0xff
  return bytes
}

/** Seals a file held in memory, segment by segment. */
export function encryptBytes(plain: Buffer, fileKey = newFileKey(), salt = newSalt()): EncryptedBytes {
  const keys = deriveStreamKeys(fileKey, salt)
  const stored = Buffer.alloc(storedSizeOf(plain.length))
  const count = Math.ceil(stored.length / SEGMENT_BYTES)
  for (let i = 0; i < count; i += 1) {
    const part = plain.subarray(i * SEGMENT_PLAIN_BYTES, (i + 1) * SEGMENT_PLAIN_BYTES)
    sealSegment(keys, i, i === count - 1, part, stored.subarray(i * SEGMENT_BYTES))
  }
  const mediaId = createHash('sha256').update(stored).digest('hex')
  return { fileKey, salt, stored, authTag: stored.subarray(stored.length - 16), mediaId }
}

/** The signed manifest of such a file, as a node would write it. */
export function encryptedManifest(
  plain: Buffer,
  bytes: EncryptedBytes,
  more: {
    readonly keyEnvelope?: KeyEnvelope
    readonly metadata?: Partial<SealedMetadata>
    readonly encryption?: Partial<Encryption>
    readonly createdAt?: string
  } = {},
): Manifest {
  const { fileKey, salt, authTag, mediaId, stored } = bytes
  const plainHash = createHash('sha256').update(plain).digest('hex')
  const encryption = encryptionField({
    fileKey,
    salt,
    authTag,
    mediaId,
    plainSizeBytes: plain.length,
    sealed: sealMetadata(fileKey, { name: 'secret.txt', mime: 'text/plain', plainHash, ...more.metadata }),
    keyEnvelope: more.keyEnvelope ?? { scheme: 'none' },
  })
  const signer = testSigner()
  const unsigned = buildManifest({
    mediaId,
    sizeBytes: stored.length,
    mime: 'application/octet-stream',
    createdAt: more.createdAt ?? '2026-11-26T12:00:00.000Z',
    accessLevel: 'private',
    owner: signer.publicKey,
  })
  return signManifest({ ...unsigned, encryption: { ...encryption, ...more.encryption } }, signer)
}

/** Stored bytes in memory that remember which were asked for. */
export class MemoryBytes implements StoredBytes {
  readonly sizeBytes: number
  readonly reads: { readonly position: number; readonly length: number }[] = []
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.sizeBytes = bytes.length
  }

  read(target: Uint8Array, position: number): Promise<void> {
    this.reads.push({ position, length: target.length })
    target.set(this.#bytes.subarray(position, position + target.length))
    return Promise.resolve()
  }
}

/** Everything a read gives out, also when it ends in an error. */
export async function drain(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: Buffer; error: unknown }> {
  const released: Uint8Array[] = []
  try {
    for await (const chunk of chunks) released.push(Buffer.from(chunk))
  } catch (error) {
    return { bytes: Buffer.concat(released), error }
  }
  return { bytes: Buffer.concat(released), error: undefined }
}
