import { createDecipheriv } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { AppError } from '../../contract/index.ts'
import { SEGMENT_BYTES, TAG_BYTES } from '../../segments.ts'
import { nonceOf, secretKeyOf } from '../../stream-cipher.ts'
import type { StreamKeys } from '../../stream-cipher.ts'

/** One text for every way in which stored bytes can be wrong, so that the refusal tells nothing about the bytes. */
export function ciphertextInvalid(): AppError {
  return new AppError(
    'CIPHERTEXT_INVALID',
    'The encrypted bytes of this item are not what its owner encrypted. Nothing of them was shown or saved.',
    { hint: 'Fetch the item again from somebody who has it whole.' },
  )
}

/**
 * Decrypts one whole segment and checks its tag, its place and whether it is the last.
 * @param stored the segment as stored: 65,536 bytes, or 16 … 65,536 when it is the last
 * @returns the plaintext; a buffer of its own
 * @throws {AppError} `CIPHERTEXT_INVALID` for anything else than what was sealed with these keys at this place
 */
export function openSegment(
  keys: StreamKeys,
  index: number,
  isLast: boolean,
  stored: Uint8Array,
): Uint8Array {
  const { length } = stored
  const isPossible = isLast
    ? length <= SEGMENT_BYTES && length >= TAG_BYTES && (length > TAG_BYTES || index === 0)
    : length === SEGMENT_BYTES
  if (!isPossible) throw ciphertextInvalid()
  return openMessage(
    secretKeyOf(keys),
    nonceOf(keys, index, isLast),
    stored.subarray(0, length - TAG_BYTES),
    stored.subarray(length - TAG_BYTES),
  )
}

/**
 * Decrypts one AES-256-GCM message.
 * @throws {AppError} `CIPHERTEXT_INVALID` when the tag, of exactly 16 bytes, does not hold
 */
export function openMessage(
  key: Uint8Array | KeyObject,
  iv: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
): Uint8Array {
  if (tag.length !== TAG_BYTES) throw ciphertextInvalid()
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(tag)
  const plain = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    plain.fill(0)
    throw ciphertextInvalid()
  }
  return plain
}
