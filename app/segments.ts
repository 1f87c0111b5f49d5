/** A stored segment: plaintext and its tag. Segment `i` begins at `i * SEGMENT_BYTES` of the ciphertext. */
export const SEGMENT_BYTES = 65_536
/** Bytes of AES-GCM's tag at the end of each segment. */
export const TAG_BYTES = 16
/** What a full segment holds. */
export const SEGMENT_PLAIN_BYTES = SEGMENT_BYTES - TAG_BYTES
/** The nonce counts segments in 32 bits. */
const MAX_SEGMENTS = 2 ** 32

/**
 * How many segments a file of this size becomes; an empty one is one empty segment.
 * @param plainSizeBytes a whole number ≥ 0
 */
export function segmentCountOf(plainSizeBytes: number): number {
  return Math.max(1, Math.ceil(plainSizeBytes / SEGMENT_PLAIN_BYTES))
}

/**
 * The size of the ciphertext in bytes: 16 for an empty file.
 * @param plainSizeBytes a whole number ≥ 0
 * @throws {RangeError} for anything else, and for more than 2³² segments (256 TiB)
 */
export function storedSizeOf(plainSizeBytes: number): number {
  const segments = segmentCountOf(plainSizeBytes)
  if (!Number.isSafeInteger(plainSizeBytes) || plainSizeBytes < 0 || segments > MAX_SEGMENTS) {
    throw new RangeError('no file has this size')
  }
  return plainSizeBytes + segments * TAG_BYTES
}

/** The size of what a ciphertext of this size holds, in bytes; undefined when no ciphertext has this size. */
export function plainSizeWithin(storedSizeBytes: number): number | undefined {
  if (!Number.isSafeInteger(storedSizeBytes) || storedSizeBytes < TAG_BYTES) return undefined
  const plainSizeBytes = storedSizeBytes - Math.ceil(storedSizeBytes / SEGMENT_BYTES) * TAG_BYTES
  if (plainSizeBytes < 0 || segmentCountOf(plainSizeBytes) > MAX_SEGMENTS) return undefined
  return storedSizeOf(plainSizeBytes) === storedSizeBytes ? plainSizeBytes : undefined
}
