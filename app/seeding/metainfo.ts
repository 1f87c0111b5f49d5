import { hash } from 'node:crypto'
import { AppError } from '../contract/index.ts'
import { decodeDict, encode, type Bencoded, type BencodedDict, type Encodable } from './bencode.ts'

/** What is known of a single-file v1 torrent once its metainfo has been read and judged. */
export interface Metainfo {
  /** 40 lowercase hex: SHA-1 of `info`. */
  readonly infoHash: string
  /** The raw bencoded info dictionary. */
  readonly info: Uint8Array
  /** For display only; never becomes a path. */
  readonly name: string
  readonly sizeBytes: number
  readonly pieceLength: number
  readonly pieceCount: number
  /** 20 bytes of SHA-1 per piece. */
  readonly pieces: Uint8Array
  readonly trackers: readonly string[]
  readonly webSeeds: readonly string[]
  readonly isPrivate: boolean
}

export interface MetainfoInput {
  readonly name: string
  readonly sizeBytes: number
  readonly pieceLength: number
  readonly pieces: Uint8Array
  readonly trackers: readonly string[]
  readonly webSeeds?: readonly string[]
  readonly isPrivate?: boolean
}

export const SHA1_BYTES = 20
const MIN_PIECE_LENGTH = 16 * 1024
const MAX_PIECE_LENGTH = 32 * 1024 * 1024
/** A torrent of 2^17 pieces has 2.6 MB of hashes; nothing of one file needs more than this. */
export const MAX_METAINFO_BYTES = 10 * 1024 * 1024
const MAX_LIST = 100
const MAX_URL_LENGTH = 2048
const utf8 = new TextDecoder('utf-8')

/**
 * The complete metainfo of one file (BEP 3; trackers one tier each by BEP 12; HTTP sources by BEP 19).
 * @returns the bytes to store as `media.torrent`, and the infoHash (40 hex)
 */
export function buildMetainfo(input: MetainfoInput): { metainfo: Uint8Array; infoHash: string } {
  const info = encode({
    length: input.sizeBytes,
    name: input.name,
    'piece length': input.pieceLength,
    pieces: input.pieces,
    ...(input.isPrivate === true ? { private: 1 } : {}),
  })
  return { metainfo: wrapInfo(info, input.trackers, input.webSeeds ?? []), infoHash: sha1Hex(info) }
}

/**
 * A metainfo file around an info dictionary that is already encoded (from a peer, for instance), with trackers and HTTP
 * sources of our own choosing. The infoHash does not depend on them.
 */
export function wrapInfo(
  info: Uint8Array,
  trackers: readonly string[],
  webSeeds: readonly string[],
): Uint8Array {
  const outer: Record<string, Encodable> = {}
  const [first] = trackers
  if (first !== undefined) {
    outer['announce'] = first
    outer['announce-list'] = trackers.map((url) => [url])
  }
  // `info` is spliced in raw, so the keys after it ("url-list") follow by hand; bencode wants them sorted.
  const head = encode(outer)
  const tail = webSeeds.length === 0 ? [] : [encode('url-list'), encode([...webSeeds])]
  return Buffer.concat([head.subarray(0, -1), encode('info'), info, ...tail, Buffer.from('e')])
}

/**
 * Reads metainfo somebody else may have written. Only what Sower can store is accepted: version 1, one file, a piece
 * length that is a power of two, and as many piece hashes as the size asks for.
 * @throws {AppError} `METAINFO_INVALID` with a sentence that says which of these does not hold
 */
export function parseMetainfo(bytes: Uint8Array): Metainfo {
  if (bytes.length > MAX_METAINFO_BYTES) throw invalid('it is larger than 10 MB')
  let outer
  try {
    outer = decodeDict(bytes)
  } catch (error) {
    throw invalid('it is not a well-formed torrent file', error)
  }
  const rawInfo = outer.rawValues.get('info')
  const info = outer.dict.get('info')
  if (rawInfo === undefined || !(info instanceof Map)) throw invalid('it has no info dictionary')
  return {
    ...parseInfo(rawInfo, info),
    trackers: trackersOf(outer.dict),
    webSeeds: strings(outer.dict.get('url-list')).filter((url) => /^https?:\/\//i.test(url)),
  }
}

function parseInfo(rawInfo: Uint8Array, info: BencodedDict): Omit<Metainfo, 'trackers' | 'webSeeds'> {
  if (info.has('files')) {
    throw invalid(
      'it holds several files',
      undefined,
      'Sower fetches one file at a time. Ask for the link of a single file.',
    )
  }
  const pieces = info.get('pieces')
  const sizeBytes = info.get('length')
  const pieceLength = info.get('piece length')
  if (!(pieces instanceof Uint8Array)) {
    throw invalid(
      info.has('meta version')
        ? 'it is a version 2 torrent, which has no version 1 pieces'
        : 'it has no piece hashes',
    )
  }
  if (typeof sizeBytes !== 'number' || sizeBytes < 1) throw invalid('it names no size')
  if (typeof pieceLength !== 'number' || !isPieceLength(pieceLength)) {
    throw invalid('its piece length is not a power of two between 16 KiB and 32 MiB')
  }
  const pieceCount = Math.ceil(sizeBytes / pieceLength)
  if (pieces.length !== pieceCount * SHA1_BYTES) throw invalid('its piece hashes do not fit its size')
  const name = info.get('name.utf-8') ?? info.get('name')
  return {
    infoHash: sha1Hex(rawInfo),
    info: rawInfo,
    name: name instanceof Uint8Array ? utf8.decode(name) : 'media',
    sizeBytes,
    pieceLength,
    pieceCount,
    pieces,
    isPrivate: info.get('private') === 1,
  }
}

/** A bare info dictionary as it comes from a peer (BEP 9), judged like a whole metainfo file. */
export function metainfoOfInfo(
  info: Uint8Array,
  trackers: readonly string[],
): { metainfo: Uint8Array; parsed: Metainfo } {
  const metainfo = wrapInfo(info, trackers, [])
  return { metainfo, parsed: parseMetainfo(metainfo) }
}

function isPieceLength(value: number): boolean {
  return value >= MIN_PIECE_LENGTH && value <= MAX_PIECE_LENGTH && Number.isInteger(Math.log2(value))
}

function trackersOf(outer: BencodedDict): string[] {
  const tiers = outer.get('announce-list')
  const urls = Array.isArray(tiers) ? tiers.flatMap((tier) => strings(tier)) : []
  return [...new Set(urls.length > 0 ? urls : strings(outer.get('announce')))].slice(0, MAX_LIST)
}

function strings(value: Bencoded | undefined): string[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return list
    .slice(0, MAX_LIST)
    .filter((item) => item instanceof Uint8Array && item.length > 0 && item.length <= MAX_URL_LENGTH)
    .map((item) => utf8.decode(item as Uint8Array)) // the filter left nothing but byte strings
}

/**
 * A magnet link (BEP 9) with everything another program needs to find the file.
 * @param parts `sizeBytes` becomes `xl`, HTTP sources become `ws`
 */
export function magnetURI(parts: {
  readonly infoHash: string
  readonly name: string
  readonly trackers: readonly string[]
  readonly webSeeds?: readonly string[]
  readonly sizeBytes?: number
}): string {
  const fields = [
    `xt=urn:btih:${parts.infoHash}`,
    `dn=${encodeURIComponent(parts.name.toWellFormed())}`,
    ...(parts.sizeBytes === undefined ? [] : [`xl=${String(parts.sizeBytes)}`]),
    ...parts.trackers.map((url) => `tr=${encodeURIComponent(url)}`),
    ...(parts.webSeeds ?? []).map((url) => `ws=${encodeURIComponent(url)}`),
  ]
  return `magnet:?${fields.join('&')}`
}

/** Hex. */
export function sha1Hex(bytes: Uint8Array): string {
  return hash('sha1', bytes, 'hex')
}

function invalid(why: string, cause?: unknown, hint?: string): AppError {
  return new AppError('METAINFO_INVALID', `This torrent can't be used: ${why}.`, {
    hint: hint ?? 'Nothing was stored. Ask whoever gave you the link for a fresh one.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** @throws {TypeError} for what names no torrent */
export function checkInfoHash(infoHash: string): void {
  if (!/^[0-9a-f]{40}$/.test(infoHash)) throw new TypeError('infoHash must be 40 lowercase hex digits')
}
