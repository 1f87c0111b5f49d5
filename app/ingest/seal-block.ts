import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../segments.ts'
import { sealSegment, type StreamKeys } from '../stream-cipher.ts'

/** A block of ciphertext is as large as one that is not encrypted; this is the plaintext it holds, in whole segments. */
export const SEALED_BLOCK_SEGMENTS = 16
export const PLAIN_BLOCK_BYTES = SEALED_BLOCK_SEGMENTS * SEGMENT_PLAIN_BYTES

/**
 * Encrypts a block segment by segment.
 * @param firstIndex of the file's segments
 * @param isLast the file ends with this block
 * @param plain whole segments, unless it is the last block; empty only in the file that has no bytes
 * @param target has room for the ciphertext; must not overlap `plain`
 * @returns how many bytes of `target` it takes
 */
export function sealBlock(
  keys: StreamKeys,
  firstIndex: number,
  isLast: boolean,
  plain: Uint8Array,
  target: Uint8Array,
): number {
  let index = firstIndex
  let written = 0
  for (let at = 0; at === 0 || at < plain.length; at += SEGMENT_PLAIN_BYTES, index += 1) {
    const end = Math.min(at + SEGMENT_PLAIN_BYTES, plain.length)
    const isLastSegment = isLast && end === plain.length
    written += sealSegment(
      keys,
      index,
      isLastSegment,
      plain.subarray(at, end),
      target.subarray(written, written + SEGMENT_BYTES),
    )
  }
  return written
}
