import { isIP } from 'node:net'
import { AppError } from '../contract/index.ts'

export type LinkKind = 'sower' | 'magnet' | 'mediaId' | 'infoHash' | 'did' | 'http'

/** What a pasted link says; at least one of `mediaId` and `infoHash` is there. Nothing in it is trusted yet. */
export interface ParsedLink {
  readonly kind: LinkKind
  /** 64 lowercase hex. */
  readonly mediaId?: string
  /** Of an OIP record's did: the 12 hex of its publisher, under which the record lies. */
  readonly recordOf?: string
  /** 40 lowercase hex. */
  readonly infoHash?: string
  /** For display until the real name is known; one line, at most 200 characters. */
  readonly name?: string
  /** ws(s), http(s) or udp addresses, at most 20. */
  readonly trackers: readonly string[]
  /** http(s) addresses, at most 20: of the bytes themselves, or of a node (path `/`). */
  readonly webSources: readonly string[]
  /** `host:port` of BitTorrent peers, at most 20. */
  readonly peers: readonly string[]
  /** The publisher: a SEA public key, or an owner key (66 hex). */
  readonly pub?: string
  /** Its bytes are ciphertext: whoever fetches it stays off DHT, LSD and PEX. */
  readonly isEncrypted: boolean
  /** File key from the fragment, base64url of 32 bytes. Secret: never stored or logged with the link. */
  readonly key?: string
  /** When whoever made the link wanted it to end: advice, which Sower follows. */
  readonly expiresAtMs?: number
}

export interface LinkParts {
  readonly mediaId: string
  readonly infoHash?: string | undefined
  readonly trackers?: readonly string[]
  readonly webSources?: readonly string[]
  readonly peers?: readonly string[]
  readonly pub?: string | undefined
  readonly isEncrypted?: boolean | undefined
  /** Base64url of the 32 bytes of the file key. */
  readonly key?: string | undefined
  /** Written in whole seconds. */
  readonly expiresAtMs?: number | undefined
}

const MAX_LINK_LENGTH = 16_384
const MAX_ADDRESS_LENGTH = 2048
const MAX_ADDRESSES = 20
const MAX_NAME_LENGTH = 200

const MEDIA_ID = /^[0-9a-f]{64}$/i
const INFO_HASH_HEX = /^[0-9a-f]{40}$/i
const INFO_HASH_BASE32 = /^[a-z2-7]{32}$/i
const PUBLISHER = /^(?:[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}|0[23][0-9a-f]{64})$/
/** Base64url of exactly 32 bytes: the last character carries four bits, the two spare ones are zero. */
const FILE_KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
/** Seconds since 1970; twelve digits are the year 33 658. */
const EXPIRY = /^[0-9]{1,12}$/

/**
 * Reads a link of any kind people paste. Unknown parameters are ignored, unusable addresses in it are left
 * out, and what says *which* item is meant must be exact.
 * @throws {AppError} `LINK_INVALID` saying what was expected
 */
export function parseLink(text: string): ParsedLink {
  const link = text.trim()
  if (link === '') throw invalid('There is no link.')
  if (link.length > MAX_LINK_LENGTH) throw invalid(`This link is longer than ${MAX_LINK_LENGTH} characters.`)
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  if (/[\u0000-\u001f\u007f]/.test(link)) throw invalid('This link has characters in it that no link has.')

  if (MEDIA_ID.test(link)) return { kind: 'mediaId', mediaId: link.toLowerCase(), ...noAddresses }
  if (INFO_HASH_HEX.test(link) || INFO_HASH_BASE32.test(link)) {
    return { kind: 'infoHash', infoHash: readInfoHash(link), ...noAddresses }
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(link)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'sower':
      return parseSower(link.slice('sower:'.length))
    case 'magnet':
      return parseMagnet(link)
    case 'did':
      return parseDid(link)
    case 'http':
    case 'https':
      return parseWeb(link)
    case undefined:
      throw invalid('This is not a link Sower knows.')
    default:
      throw invalid(`Sower does not know links that begin with “${scheme}:”.`)
  }
}

/**
 * The share link of an item: `sower://media/<mediaId>?v=1&…`.
 * @throws {AppError} `LINK_INVALID` when the mediaId, the infoHash or the key is none
 */
export function formatLink(parts: LinkParts): string {
  const { mediaId, infoHash, trackers = [], webSources = [], peers = [], pub, key, expiresAtMs } = parts
  if (!MEDIA_ID.test(mediaId)) throw invalid('A link needs the id of an item.')
  if (key !== undefined && !FILE_KEY.test(key)) throw damagedKey()
  const params: [string, string][] = [['v', '1']]
  if (parts.isEncrypted === true || key !== undefined) params.push(['enc', '1'])
  if (pub !== undefined) params.push(['pub', pub])
  if (infoHash !== undefined) params.push(['ih', readInfoHash(infoHash)])
  for (const tracker of readAddresses(trackers, TRACKER_PROTOCOLS)) params.push(['tr', tracker])
  for (const source of readAddresses(webSources, WEB_PROTOCOLS)) params.push(['ws', source])
  for (const peer of readPeers(peers)) params.push(['x.pe', peer])
  if (expiresAtMs !== undefined) params.push(['exp', String(Math.floor(expiresAtMs / 1000))])
  const query = params.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  return `sower://media/${mediaId.toLowerCase()}?${query}${key === undefined ? '' : `#k=${key}`}`
}

/** Whether this is `host:port` of a BitTorrent peer (IPv6 in brackets). */
export function isPeerAddress(text: string): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9.-]{0,252})))[:]([0-9]{1,5})$/i.exec(text)
  if (match === null) return false
  const port = Number(match[3])
  return port >= 1 && port <= 65_535 && (match[1] === undefined || isIP(match[1]) === 6)
}

const noAddresses = { trackers: [], webSources: [], peers: [], isEncrypted: false } as const
const TRACKER_PROTOCOLS = ['ws:', 'wss:', 'http:', 'https:', 'udp:']
const WEB_PROTOCOLS = ['http:', 'https:']

/** `rest`: what follows `sower:`, or what follows `https://…/#`. */
function parseSower(rest: string): ParsedLink {
  const [beforeKey = '', ...fragments] = rest.split('#')
  const [path = '', ...queries] = beforeKey.split('?')
  if (/^(?:\/\/)?card\//i.test(path)) throw aCard()
  const id = /^(?:\/\/)?media\/([^/]*)\/?$/i.exec(path)?.[1]
  if (id === undefined || !MEDIA_ID.test(id)) {
    throw invalid(
      'A sower: link names its item by 64 hexadecimal digits, as in sower://media/3f0c…; this one does not.',
    )
  }
  const params = new URLSearchParams(queries.join('?'))
  const version = params.get('v')
  if (version !== null && version !== '1') {
    throw new AppError('LINK_INVALID', 'This link was made by a newer Sower than this one.', {
      hint: 'Update Sower, or ask for the link’s media id.',
    })
  }
  const infoHash = params.get('ih')
  const pub = params.get('pub') ?? ''
  const key = new URLSearchParams(fragments.join('#')).get('k')
  // Half a key opens nothing: better said at once than after the download.
  if (key !== null && !FILE_KEY.test(key)) throw damagedKey()
  return {
    kind: 'sower',
    mediaId: id.toLowerCase(),
    ...(infoHash === null ? {} : { infoHash: readInfoHash(infoHash) }),
    ...readName(params.get('dn')),
    ...readSources(params),
    ...(PUBLISHER.test(pub) ? { pub } : {}),
    isEncrypted: params.get('enc') === '1' || key !== null,
    ...(key === null ? {} : { key }),
    ...readExpiry(params.get('exp')),
  }
}

function parseMagnet(link: string): ParsedLink {
  const [, ...queries] = link.split('?')
  const params = new URLSearchParams(queries.join('?'))
  const topics = params.getAll('xt').concat(params.getAll('xt.1'))
  const topic = topics.find((xt) => xt.toLowerCase().startsWith('urn:btih:'))
  if (topic === undefined) {
    throw invalid(
      topics.some((xt) => xt.toLowerCase().startsWith('urn:btmh:'))
        ? 'This magnet link names a version 2 torrent only; Sower fetches version 1.'
        : 'A magnet link names its torrent as xt=urn:btih: and 40 hexadecimal digits; this one does not.',
    )
  }
  return {
    kind: 'magnet',
    infoHash: readInfoHash(topic.slice('urn:btih:'.length)),
    ...readName(params.get('dn')),
    ...readSources(params),
    isEncrypted: false,
  }
}

function parseDid(link: string): ParsedLink {
  const [, recordOf, recordId] = /^did:gun:([0-9a-f]{12}):media_([0-9a-f]{64})$/i.exec(link) ?? []
  if (recordOf !== undefined && recordId !== undefined)
    return {
      kind: 'did',
      mediaId: recordId.toLowerCase(),
      recordOf: recordOf.toLowerCase(),
      ...noAddresses,
    }
  const [, method = '', id = ''] = /^did:(gun:media|bt|bittorrent):(.*)$/i.exec(link) ?? []
  if (method.toLowerCase() === 'gun:media') {
    if (!MEDIA_ID.test(id))
      throw invalid('did:gun:media: is followed by 64 hexadecimal digits; this one is not.')
    return { kind: 'did', mediaId: id.toLowerCase(), ...noAddresses }
  }
  if (method === '')
    throw invalid('Sower knows did:gun:media:, did:bt: and did:bittorrent:, and no other kind of did.')
  return { kind: 'did', infoHash: readInfoHash(id), ...noAddresses }
}

function parseWeb(link: string): ParsedLink {
  const fragment = link.indexOf('#')
  if (fragment !== -1) {
    const inner = link.slice(fragment + 1).replace(/^\/?(?:sower:)?(?:\/\/)?/i, '')
    if (/^(?:media|card)\//i.test(inner)) return parseSower(inner)
  }
  const url = URL.canParse(link) ? new URL(link) : null
  const match =
    url === null
      ? null
      : /^(.*?)(?:\/api)?\/media\/([0-9a-f]{64})(?:\/info|\/torrent)?\/?$/i.exec(url.pathname)
  const [, prefix = '', id = ''] = match ?? []
  if (url === null || match === null || url.username !== '' || url.password !== '') {
    throw invalid(
      'The web address of an item on a node ends in /media/ and 64 hexadecimal digits; this one does not.',
    )
  }
  const mediaId = id.toLowerCase()
  return {
    kind: 'http',
    mediaId,
    trackers: [],
    webSources: [`${url.origin}${prefix}/media/${mediaId}`],
    peers: [],
    isEncrypted: false,
  }
}

function readInfoHash(text: string): string {
  if (INFO_HASH_HEX.test(text)) return text.toLowerCase()
  if (INFO_HASH_BASE32.test(text)) return base32ToHex(text)
  throw invalid(
    'A torrent is named by 40 hexadecimal digits (or 32 letters and digits); this is something else.',
  )
}

/** RFC 4648 base32 without padding; 32 characters are exactly 160 bits. */
function base32ToHex(text: string): string {
  const bits = Array.from(text.toUpperCase(), (char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char))
  return BigInt(`0b${bits.map((value) => value.toString(2).padStart(5, '0')).join('')}`)
    .toString(16)
    .padStart(40, '0')
}

function readName(text: string | null): { readonly name?: string } {
  // Control characters and the marks that reverse writing direction would let a name pretend to be another.
  const name = (text ?? '')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '')
    .trim()
    .slice(0, MAX_NAME_LENGTH)
  return name === '' ? {} : { name }
}

function readExpiry(text: string | null): { readonly expiresAtMs?: number } {
  if (text === null) return {}
  if (!EXPIRY.test(text)) throw invalid('The date until which this link is meant to be used can’t be read.')
  return { expiresAtMs: Number(text) * 1000 }
}

function readSources(params: URLSearchParams): Pick<ParsedLink, 'trackers' | 'webSources' | 'peers'> {
  return {
    trackers: readAddresses(params.getAll('tr'), TRACKER_PROTOCOLS),
    webSources: readAddresses(params.getAll('ws'), WEB_PROTOCOLS),
    peers: readPeers(params.getAll('x.pe')),
  }
}

function readAddresses(texts: readonly string[], protocols: readonly string[]): string[] {
  const found = new Set<string>()
  for (const text of texts) {
    if (found.size >= MAX_ADDRESSES) break
    if (text.length > MAX_ADDRESS_LENGTH || !URL.canParse(text)) continue
    const url = new URL(text)
    const isUsable =
      protocols.includes(url.protocol) && url.hostname !== '' && url.username === '' && url.password === ''
    if (isUsable) found.add(url.href)
  }
  return [...found]
}

function readPeers(texts: readonly string[]): string[] {
  return [...new Set(texts.filter(isPeerAddress))].slice(0, MAX_ADDRESSES)
}

function damagedKey(): AppError {
  return new AppError('LINK_INVALID', 'The key in this link is damaged: it is not 43 letters and digits.', {
    hint: 'Copy the whole link again, including what follows #k=.',
  })
}

function aCard(): AppError {
  return new AppError('LINK_INVALID', 'This is somebody’s card, not an item.', {
    hint: 'Add it as a contact; then you can share with them.',
  })
}

function invalid(message: string): AppError {
  return new AppError('LINK_INVALID', message, {
    hint: 'Paste a sower: link, a magnet link, a media id (64 hexadecimal digits), an info hash (40), a did, or the address of an item on a node (https://…/media/…).',
  })
}
