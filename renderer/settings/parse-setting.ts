const BYTES_PER_MB = 1_000_000
const BYTES_PER_GB = 1_000_000_000

/** A parsed field, or null when the text is not one. */
export type Parsed<T> = { readonly value: T } | null

const parseDecimal = (text: string): number | null => {
  const cleaned = text.trim().replace(',', '.')
  if (!/^\d+(\.\d+)?$/.test(cleaned)) return null
  const value = Number(cleaned)
  return Number.isFinite(value) ? value : null
}

/** Megabytes per second; empty or 0 = no limit. */
export function parseRate(text: string): Parsed<number | null> {
  if (text.trim() === '') return { value: null }
  const value = parseDecimal(text)
  if (value === null || value > 1_000_000) return null
  return { value: value === 0 ? null : Math.max(1, Math.round(value * BYTES_PER_MB)) }
}

export const rateText = (rate: number | null | undefined): string =>
  rate === null || rate === undefined ? '' : String(rate / BYTES_PER_MB)

export function parseGigabytes(text: string): Parsed<number> {
  const value = parseDecimal(text)
  return value === null || value > 1_000_000 ? null : { value: Math.round(value * BYTES_PER_GB) }
}

export const gigabyteText = (bytes: number | undefined): string =>
  bytes === undefined ? '' : String(Math.round((bytes / BYTES_PER_GB) * 100) / 100)

/** 0 = any free port. */
export function parsePort(text: string): Parsed<number> {
  if (!/^\d{1,5}$/.test(text.trim())) return null
  const value = Number(text)
  return value <= 65_535 ? { value } : null
}

const urlWith = (text: string, protocols: readonly string[]): string | null => {
  try {
    const url = new URL(text.trim())
    return protocols.includes(url.protocol) && url.hostname !== '' ? text.trim() : null
  } catch {
    return null
  }
}

/** `wss:`, `ws:`, `https:`, `http:` or `udp:` with a host. */
export function parseTracker(text: string): Parsed<string> {
  const url = urlWith(text, ['wss:', 'ws:', 'https:', 'http:', 'udp:'])
  return url === null ? null : { value: url }
}

/** Empty = none. */
export function parsePublicUrl(text: string): Parsed<string | null> {
  if (text.trim() === '') return { value: null }
  const url = urlWith(text, ['https:', 'http:'])
  return url === null ? null : { value: url.replace(/\/+$/, '') }
}

/** `wss:`, `ws:`, `https:` or `http:` with a host. */
export function parseRelay(text: string): Parsed<string> {
  const url = urlWith(text, ['wss:', 'ws:', 'https:', 'http:'])
  return url === null ? null : { value: url }
}

/** `https:` or `http:` with a host, without a slash at the end. */
export function parseGateway(text: string): Parsed<string> {
  const url = urlWith(text, ['https:', 'http:'])
  return url === null ? null : { value: url.replace(/\/+$/, '') }
}

/** The most addresses a list of relays or gateways takes. */
const LONGEST_LIST = 16

/** Why `parsed` can't be added to `list`; null when it can. */
export function addressProblem(
  parsed: Parsed<string>,
  list: readonly string[],
  longest = LONGEST_LIST,
): 'bad' | 'twice' | 'full' | null {
  if (parsed === null) return 'bad'
  if (list.includes(parsed.value)) return 'twice'
  return list.length >= longest ? 'full' : null
}

/** Empty = none; else 1–32 letters, digits, spaces, dots, underscores or hyphens. */
export function parseRegion(text: string): Parsed<string | null> {
  const region = text.trim()
  if (region === '') return { value: null }
  return /^[\p{L}\p{N} ._-]{1,32}$/u.test(region) ? { value: region } : null
}

const BYTES_PER_MIB = 1024 * 1024

/** 0 to 2 binary megabytes. */
export function parseBootstrap(text: string): Parsed<number> {
  const value = text.trim() === '' ? 0 : parseDecimal(text)
  return value === null || value > 2 ? null : { value: Math.round(value * BYTES_PER_MIB) }
}

export const bootstrapText = (bytes: number | undefined): string =>
  bytes === undefined ? '' : String(Math.round((bytes / BYTES_PER_MIB) * 100) / 100)
