import { createCipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SEGMENT_PLAIN_BYTES, TAG_BYTES } from './segments.ts'

// Used inside worker threads as well: nothing but node:crypto and arithmetic is imported here.

const FILE_KEY_BYTES = 32
const SALT_BYTES = 32
const KEY_BYTES = 32
const NONCE_PREFIX_BYTES = 7
const COMMITMENT_BYTES = 32
const MAX_INDEX = 2 ** 32 - 1

/** Handing OpenSSL the same key object for every segment is about twice as fast as handing it the bytes. */
const keyObjects = new WeakMap<StreamKeys, KeyObject>()

/** What one encryption's file key and salt become. Wiped by whoever derived it. */
export interface StreamKeys {
  /** 32 bytes, AES-256. */
  readonly key: Uint8Array
  /** 7 bytes, the beginning of every nonce. */
  readonly noncePrefix: Uint8Array
  /** 32 bytes that only this file key and salt give; public. */
  readonly commitment: Uint8Array
}

/** A fresh file key, 32 bytes: one for each encryption, never used again after an edit or a second try. */
export function newFileKey(): Buffer {
  return randomBytes(FILE_KEY_BYTES)
}

/** A fresh salt, 32 bytes; public. */
export function newSalt(): Buffer {
  return randomBytes(SALT_BYTES)
}

/**
 * Derives the keys of a `stream64k` file: HKDF-SHA256 with info `sower/media/v1`, cut into 32, 7 and 32 bytes.
 * @throws {RangeError} when file key or salt is not 32 bytes
 * @see RFC 5869
 */
export function deriveStreamKeys(fileKey: Uint8Array, salt: Uint8Array): StreamKeys {
  if (fileKey.length !== FILE_KEY_BYTES) throw new RangeError('a file key has 32 bytes')
  if (salt.length !== SALT_BYTES) throw new RangeError('a salt has 32 bytes')
  const length = KEY_BYTES + NONCE_PREFIX_BYTES + COMMITMENT_BYTES
  const bytes = new Uint8Array(hkdfSync('sha256', fileKey, salt, 'sower/media/v1', length))
  const commitmentAt = KEY_BYTES + NONCE_PREFIX_BYTES
  const keys = {
    key: bytes.slice(0, KEY_BYTES),
    noncePrefix: bytes.slice(KEY_BYTES, commitmentAt),
    commitment: bytes.slice(commitmentAt),
  }
  bytes.fill(0)
  return keys
}

/**
 * The nonce of a segment, 12 bytes: prefix, index (32 bits, big-endian), 1 for the last segment and 0 for any other.
 * @throws {RangeError} when the index does not fit
 */
export function nonceOf(keys: StreamKeys, index: number, isLast: boolean): Buffer {
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX)
    throw new RangeError('no segment has this index')
  const nonce = Buffer.alloc(NONCE_PREFIX_BYTES + 5)
  nonce.set(keys.noncePrefix)
  nonce.writeUInt32BE(index, NONCE_PREFIX_BYTES)
  nonce[NONCE_PREFIX_BYTES + 4] = isLast ? 1 : 0
  return nonce
}

/** The key in the form that is quickest to use many times. */
export function secretKeyOf(keys: StreamKeys): KeyObject {
  const known = keyObjects.get(keys)
  if (known !== undefined) return known
  const made = createSecretKey(keys.key)
  keyObjects.set(keys, made)
  return made
}

/**
 * Encrypts one segment into `target`: ciphertext, then the 16 bytes of the tag. An index is never sealed twice with the
 * same keys.
 * @param index from 0, below 2³²
 * @param plain exactly 65,520 bytes, or fewer in the last segment (none only in the file that has no bytes)
 * @param target at least 16 bytes longer than `plain`; must not overlap it. Its first bytes are overwritten
 * @returns how many bytes were written
 * @throws {RangeError} when a length or the index is not one a segment can have
 */
export function sealSegment(
  keys: StreamKeys,
  index: number,
  isLast: boolean,
  plain: Uint8Array,
  target: Uint8Array,
): number {
  const { length } = plain
  if (isLast ? length > SEGMENT_PLAIN_BYTES || (length === 0 && index > 0) : length !== SEGMENT_PLAIN_BYTES) {
    throw new RangeError('no such segment has this length')
  }
  if (target.length < length + TAG_BYTES) throw new RangeError('the target is too short for this segment')
  const cipher = createCipheriv('aes-256-gcm', secretKeyOf(keys), nonceOf(keys, index, isLast), {
    authTagLength: TAG_BYTES,
  })
  target.set(cipher.update(plain))
  cipher.final()
  target.set(cipher.getAuthTag(), length)
  return length + TAG_BYTES
}
