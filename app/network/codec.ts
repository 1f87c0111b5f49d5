import { accessLevelOf, canonicalJson, type Manifest } from '../manifest/index.ts'
import { decodeFlat, encodeFlat, unwrapJson } from './flat.ts'
import type { FlatSchema } from './flat.ts'
import { readForeign } from './foreign.ts'
import type { ForeignManifest } from './foreign.ts'
import type { GunValue } from './graph.ts'
import { frozenKey } from './sea.ts'
import { isSeaKey } from './souls.ts'

/**
 * The manifest's own fields as a flat node, the form the plan describes: read from others who write it. Ours carries the
 * signed text itself in `manifest`.
 */
const PLANNED: FlatSchema = {
  id: 'text',
  did: 'text',
  mime: 'text',
  size: 'number',
  createdAt: 'text',
  name: 'text',
  version: 'number',
  previous: 'text',
  supersedes: 'text',
  encryption: 'json',
  transport: 'json',
  chunks: 'json',
  accessControl: 'json',
  oip: 'json',
}

const HINT: FlatSchema = {
  id: 'text',
  did: 'text',
  mime: 'text',
  size: 'number',
  createdAt: 'text',
  version: 'number',
  access_level: 'text',
  owner: 'text',
  infoHash: 'text',
  magnetURI: 'text',
  hash: 'text',
}

/**
 * Bytes of manifest text in one value. A value of a user's space is JSON in JSON with a signature and must still stay
 * under the 16 KiB that every reader allows.
 */
const PART_BYTES = 6_000
/**
 * A relay answers with a node as a whole, in one frame: all parts, signed and quoted, must fit into one of 256 KiB. It is about 180
 * people's keys.
 */
const MAX_PARTS = 20
const FROZEN_KEY = /^[A-Za-z0-9+/]{43}=$/

/** A manifest as it lies in GUN. */
export interface EncodedManifest {
  /** Key of the frozen copy in `#media`: base64 of sha256 of `text`. */
  readonly hash: string
  /** The canonical manifest, signature included. */
  readonly text: string
  /** For `media:<mediaId>` and `~<pub>/media/<mediaId>`. */
  readonly fields: Readonly<Record<string, GunValue>>
  /** Whether the text is in the fields: GUN is no place for one of more than 120 kB. */
  readonly isWhole: boolean
}

/**
 * Our form: what a reader without our code may want as plain fields, and the signed text, which alone is believed. A text too
 * long for one value goes into `manifest`, `manifest:1`, …; of one too long for a node only the fields are there, by which it is
 * found at whoever seeds it.
 */
export function encodeManifest(manifest: Manifest): EncodedManifest {
  const text = canonicalJson(manifest)
  const hash = frozenKey(text)
  const torrent = manifest.transport?.bittorrent
  const fields = encodeFlat(HINT, {
    id: manifest.id,
    did: manifest.did,
    mime: manifest.mime,
    size: manifest.size,
    createdAt: manifest.createdAt,
    version: manifest.version,
    access_level: accessLevelOf(manifest),
    owner: manifest.oip.creatorPubKey,
    infoHash: torrent?.infoHash,
    // The whole of it is in the manifest; a long one would only take the room.
    magnetURI: (torrent?.magnetURI.length ?? 0) <= 4096 ? torrent?.magnetURI : undefined,
    hash,
  })
  const parts = splitText(text)
  const isWhole = parts.length <= MAX_PARTS
  for (const [index, part] of (isWhole ? parts : ['']).entries()) fields[partName(index)] = part
  // Always: GUN takes nothing away, and a shorter version may follow a longer one.
  fields['parts'] = isWhole ? parts.length : 0
  return { hash, text, fields, isWhole }
}

/** Every field a manifest may be written in, with nothing in it: GUN takes nothing away, so this goes over what was said. */
export function emptyFields(): Record<string, GunValue> {
  const described = Object.entries(HINT).map(([name, kind]): [string, GunValue] => [
    name,
    kind === 'number' ? 0 : '',
  ])
  const parts = Array.from({ length: MAX_PARTS }, (_, index): [string, GunValue] => [partName(index), ''])
  return { ...Object.fromEntries(described), ...Object.fromEntries(parts), parts: 0 }
}

/** What a node says of an item; nothing of it is believed yet. */
export interface ReadManifest {
  /** To be given to `verifyManifest`. */
  readonly candidates: readonly unknown[]
  /** Whose space it lies in as well, as anybody may say. */
  readonly pub?: string | undefined
  /** Key of its frozen copy, as anybody may say. */
  readonly hash?: string | undefined
  /** What somebody wrote without signing it in a way we know. */
  readonly foreign?: ForeignManifest | undefined
}

/**
 * Reads a manifest node of any form: ours; the plan's, flat, with JSON strings one or more layers deep; OIP's flat, nested and
 * record forms. Pure; never throws.
 * @param values the node's keys, links to nested objects already replaced by these
 */
export function readManifestNode(values: Readonly<Record<string, unknown>>, mediaId: string): ReadManifest {
  const candidates: unknown[] = []
  const text = joinText(values)
  const own = text === undefined ? undefined : unwrapJson(text)
  if (isObject(own)) candidates.push(own)
  const planned = decodeFlat(PLANNED, values)
  if (isObject(planned['oip']) && typeof planned['oip']['creatorSig'] === 'string') candidates.push(planned)
  const { pub, hash } = values
  return {
    candidates,
    ...(isSeaKey(pub) ? { pub } : {}),
    ...(typeof hash === 'string' && FROZEN_KEY.test(hash) ? { hash } : {}),
    // Where its owner took it back, what is left is no description.
    foreign: isFilled(values['revocation']) ? undefined : readForeign(values, mediaId),
  }
}

/** Reads one text of `#media`. */
export function readFrozen(text: unknown, hash: string): unknown {
  if (typeof text !== 'string' || frozenKey(text) !== hash) return undefined
  return unwrapJson(text)
}

/** Of which item one text of `#media` is. */
export function frozenId(text: unknown): string | undefined {
  const manifest = typeof text === 'string' ? unwrapJson(text) : undefined
  return isObject(manifest) && typeof manifest['id'] === 'string' ? manifest['id'] : undefined
}

function splitText(text: string): string[] {
  if (Buffer.byteLength(text) <= PART_BYTES) return [text]
  const parts: string[] = []
  let part = ''
  let bytes = 0
  // By code point, so that no part ends in half of one.
  for (const character of text) {
    const size = Buffer.byteLength(character)
    if (bytes + size > PART_BYTES) {
      parts.push(part)
      part = ''
      bytes = 0
    }
    part += character
    bytes += size
  }
  return [...parts, part]
}

function joinText(values: Readonly<Record<string, unknown>>): string | undefined {
  const first = values['manifest']
  if (typeof first !== 'string') return undefined
  const count = values['parts']
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 2 || count > MAX_PARTS) return first
  const parts = Array.from({ length: count }, (_, index) => values[partName(index)])
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined
}

function partName(index: number): string {
  return index === 0 ? 'manifest' : `manifest:${index}`
}

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
