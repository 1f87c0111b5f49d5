/**
 * Which items a node has, in about a byte each: a Bloom filter over mediaIds, which are hashes already, so that their own digits
 * serve as the hash functions. "No" is certain, "yes" is wrong for about 2 in 100.
 */

const HASHES = 6
/** Base64 of so many bytes stays under GUN's 16 KiB a value. */
const MAX_BYTES = 12_000
const MIN_BYTES = 64
/** From this many items on there is one filter for each first digit. */
const ITEMS_PER_FILTER = 8_000

/** Every name a filter can have. */
export const FILTER_NAMES: readonly string[] = [
  'd',
  ...Array.from('0123456789abcdef', (digit) => `d${digit}`),
]

/** Filters by name: `d` for all, or `d0` … `df` by the first digit of the mediaId. Base64. */
export type Digest = Readonly<Record<string, string>>

/**
 * The filters of a node that has these items: one, or beyond {@link ITEMS_PER_FILTER} items one for each first digit that occurs.
 * @param mediaIds 64 hex each, in any order
 */
export function makeDigest(mediaIds: readonly string[]): Record<string, string> {
  const groups = new Map<string, string[]>()
  const isSplit = mediaIds.length > ITEMS_PER_FILTER
  for (const mediaId of mediaIds) {
    const name = isSplit ? `d${mediaId.charAt(0)}` : 'd'
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [mediaId])
    else group.push(mediaId)
  }
  return Object.fromEntries([...groups].map(([name, ids]) => [name, makeFilter(ids).toString('base64')]))
}

/** Whether the digest may name an item; false is certain. */
export function digestHas(digest: Digest, mediaId: string): boolean {
  const text = digest['d'] ?? digest[`d${mediaId.charAt(0)}`]
  if (text === undefined) return false
  const bits = Buffer.from(text, 'base64')
  return (
    bits.length > 0 &&
    positions(mediaId, bits.length * 8).every((at) => ((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0)
  )
}

/** Whether a value read from elsewhere can be one. */
export function isFilter(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= Math.ceil(MAX_BYTES / 3) * 4 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(value)
  )
}

function makeFilter(mediaIds: readonly string[]): Buffer {
  const bits = Buffer.alloc(Math.min(MAX_BYTES, Math.max(MIN_BYTES, mediaIds.length)))
  for (const mediaId of mediaIds) {
    for (const at of positions(mediaId, bits.length * 8))
      bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
  }
  return bits
}

function positions(mediaId: string, bitCount: number): number[] {
  // From the end: the first digit already chose the filter.
  return Array.from(
    { length: HASHES },
    (_, index) => parseInt(mediaId.slice(16 + index * 8, 24 + index * 8), 16) % bitCount,
  )
}
