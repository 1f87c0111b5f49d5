/** Bytes `start` … `endExclusive - 1` of a representation. */
export interface ByteRange {
  readonly start: number
  readonly endExclusive: number
}

/** `whole`: no usable Range header, answer 200. `part`: answer 206. `unsatisfiable`: answer 416. */
export type RangeDecision =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' }

const WHOLE: RangeDecision = { kind: 'whole' }
const UNSATISFIABLE: RangeDecision = { kind: 'unsatisfiable' }
const MAX_HEADER_LENGTH = 200

/**
 * What a GET's Range header asks of `sizeBytes` bytes. One range is served; several, or a header that is not valid, are
 * answered with the whole representation, which RFC 9110 allows and every client must accept.
 * @see RFC 9110 §14.1.2, §14.2
 */
export function decideRange(header: string | undefined, sizeBytes: number): RangeDecision {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return WHOLE
  const set = /^bytes=(.*)$/i.exec(header)?.[1]
  if (set === undefined) return WHOLE
  // A list may hold empty elements, which do not count (RFC 9110 §5.6.1.2).
  const specs = set
    .split(',')
    .map((spec) => spec.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((spec) => spec !== '')
  const [spec] = specs
  if (spec === undefined || specs.length > 1) return WHOLE
  const match = /^(\d*)-(\d*)$/.exec(spec)
  if (!match) return WHOLE
  const [, first = '', last = ''] = match
  // Numbers past 2^53 lose digits here, but they are far past any size and only compared with it.
  if (first === '') return last === '' ? WHOLE : decideSuffix(Number(last), sizeBytes)
  const start = Number(first)
  const end = last === '' ? Infinity : Number(last)
  if (end < start) return WHOLE
  if (start >= sizeBytes) return UNSATISFIABLE
  return { kind: 'part', range: { start, endExclusive: Math.min(end + 1, sizeBytes) } }
}

function decideSuffix(suffixBytes: number, sizeBytes: number): RangeDecision {
  if (suffixBytes === 0 || sizeBytes === 0) return UNSATISFIABLE
  return { kind: 'part', range: { start: Math.max(0, sizeBytes - suffixBytes), endExclusive: sizeBytes } }
}

/**
 * Whether If-None-Match names this strong ETag (weak comparison, as the header asks).
 * @param etag with its quotes
 * @see RFC 9110 §13.1.2
 */
export function isNoneMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag)
}

/**
 * Whether a Range header still applies under If-Range: only our own strong ETag says so. We send no Last-Modified, so
 * that a date never does.
 * @see RFC 9110 §13.1.5
 */
export function isRangeFresh(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag
}
