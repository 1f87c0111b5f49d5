import { isLink, valuesOf } from './graph.ts'
import type { GunNode } from './graph.ts'
import { openNode } from './sea.ts'
import { isList, parseSoul } from './souls.ts'

/**
 * Lists are read from their end towards their beginning. A stock relay keeps them in files that are named after the first key in
 * them, answers a bounded question out of one file, and finds that file by the key the question begins with: from the front it never
 * gets past the first file, from behind every question begins in the right one.
 */

/** What GUN's storage puts between soul and key. */
const PARTS = '\u001b'
/** After every mediaId. */
const END = 'g'
/** As GUN counts sizes: nine for a link, its length for a signed one (some 270). Of either kind that is 60 to 120 KiB on the wire. */
const PAGE_SIZE = { links: 500 * 9, signed: 250 * 272 }
const BOUND = /^[\w:.+/=-]{0,128}$/

/** How much of a list one answer may hold, as GUN counts it. */
export function pageSize(soul: string): number {
  return parseSoul(soul)?.kind === 'spaceIndex' ? PAGE_SIZE.signed : PAGE_SIZE.links
}

/**
 * The question for a page.
 * @param before where the page before it began; without one, the end of the list
 * @param share how much of what a page may hold is wanted; one of ours answers with a whole one
 */
export function pageQuestion(
  soul: string,
  before: string = END,
  share = 1,
): { readonly get: Record<string, unknown> } {
  const range = { '*': '', '>': `${soul}${PARTS}`, '<': `${soul}${PARTS}${before}`, '-': 1 }
  return { get: { '#': range, '%': Math.ceil(pageSize(soul) * share) } }
}

/** Where a page ends whose last entry can be that of this mediaId. */
export function above(mediaId: string): string {
  return `${mediaId}${END}`
}

/** What a page lists. @param pub whose list it is, whose signatures are to hold then; without one, it is everybody's */
export function idsIn(page: GunNode, pub?: string): string[] {
  return Object.entries(pub === undefined ? valuesOf(page) : openNode(pub, page))
    .filter(([key, value]) => /^[0-9a-f]{64}$/.test(key) && isLink(value))
    .map(([key]) => key)
}

/** What somebody's question for a page is about; undefined when it is no such question. */
export function readPageQuestion(
  name: Readonly<Record<string, unknown>>,
): { readonly soul: string; readonly before: string } | undefined {
  const { '>': from, '<': to, '*': prefix, '-': reverse } = name
  if (typeof from !== 'string' || typeof to !== 'string' || prefix !== '' || reverse !== 1) return undefined
  const soul = from.slice(0, -1)
  const parsed = parseSoul(soul)
  if (parsed === undefined || !isList(parsed) || from !== `${soul}${PARTS}`) return undefined
  // Frozen versions are given by their hash alone: a page of them would name what is listed nowhere.
  if (parsed.kind === 'versions') return undefined
  const before = to.startsWith(from) ? to.slice(from.length) : undefined
  return before !== undefined && BOUND.test(before) ? { soul, before } : undefined
}

/**
 * Where the page before this one ends: under the first of its keys, whatever they hold, so that nothing anybody writes between
 * hides what lies beyond. @returns undefined when there is nothing before it
 */
export function boundBefore(page: GunNode): string | undefined {
  const [first] = Object.keys(page._['>']).toSorted()
  return first === undefined ? undefined : below(first)
}

/** A text that is less than this key and not less than any mediaId that is. */
export function below(key: string): string | undefined {
  const digits = /^[0-9a-f]{0,64}/.exec(key)?.[0] ?? ''
  const next = key[digits.length]
  if (digits.length === 64 && next !== undefined) return digits
  // Another writer's key: between the digits and the letters, or after them.
  if (next !== undefined && next > 'f') return `${digits}fz`
  if (next !== undefined && next > '9') return `${digits}9z`
  const short = digits.replace(/0+$/, '')
  if (short === '') return undefined
  const last = Number.parseInt(short.slice(-1), 16) - 1
  return `${short.slice(0, -1)}${last.toString(16)}z`
}
