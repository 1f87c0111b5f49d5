import { AppError } from '../contract/index.ts'
import type { GatewayAddress } from './gateways.ts'
import { isPeerAddress, type ParsedLink } from './link.ts'

/** One HTTP address the bytes may come from, and what may be asked of it. */
export interface WebSource {
  readonly kind: 'http' | 'ipfs' | 'arweave'
  /** What the user recognises it by; unique within a transfer. */
  readonly label: string
  readonly bytesUrl: URL
  /** Where an OIP node has the same bytes when it has none at `bytesUrl`. */
  readonly otherBytesUrl?: URL
  /** Of a node: what it knows about the item, and its torrent. */
  readonly infoUrl?: URL
  readonly torrentUrl?: URL
  /** A node that may be told who asks, when it keeps the item from strangers; its address, without a slash at the end. */
  readonly loginNode?: string
  /** It may be on this machine or network. See `docs/decisions/0006-addresses-in-links.md`. */
  readonly isPrivateAllowed: boolean
}

/** What the user typed beside the link. */
export interface TypedSources {
  readonly web: readonly string[]
  readonly peers: readonly string[]
}

/**
 * Sorts what the user gave as sources into web addresses and BitTorrent peers.
 * @throws {AppError} `BAD_REQUEST` naming the one that is neither
 */
export function readTypedSources(from: readonly string[]): TypedSources {
  const web: string[] = []
  const peers: string[] = []
  for (const text of from.map((entry) => entry.trim())) {
    if (/^https?:\/\//i.test(text) && URL.canParse(text)) web.push(new URL(text).href)
    else if (isPeerAddress(text)) peers.push(text)
    else {
      throw new AppError('BAD_REQUEST', `“${text.slice(0, 100)}” is not a source.`, {
        hint: 'A source is the address of a node (http://host:8765) or of a BitTorrent peer (host:port).',
      })
    }
  }
  return { web, peers }
}

const MAX_SOURCES = 40

/**
 * The HTTP sources of an item in the order in which they are tried: typed ones, the link's, then those its
 * publisher or torrent names, then gateways. Addresses that cannot lead to bytes are left out.
 * @param fileName for addresses of folders (BEP 19), once the torrent's name is known
 */
export function webSourcesOf(input: {
  readonly kind: ParsedLink['kind']
  readonly mediaId?: string | undefined
  readonly typed: readonly string[]
  readonly linked: readonly string[]
  readonly named?: readonly string[]
  readonly gateways?: readonly GatewayAddress[]
  readonly fileName?: string | undefined
  /** Whose nodes may learn this node's owner key, beside those the user typed. */
  readonly mayLogIn?: { readonly linked: boolean; readonly named: boolean }
}): WebSource[] {
  const { mediaId, fileName } = input
  const mayLogIn = { typed: true, linked: false, named: false, ...input.mayLogIn }
  const found = new Map<string, WebSource>()
  const keep = (source: WebSource | null): void => {
    if (source === null || found.has(source.bytesUrl.href)) return
    const isTaken = [...found.values()].some(({ label }) => label === source.label)
    const label = isTaken
      ? `${source.label}${source.bytesUrl.pathname.slice(0, 100)} #${found.size + 1}`
      : source.label
    found.set(source.bytesUrl.href, { ...source, label })
  }
  const add = (address: string, rule: 'typed' | 'linked' | 'named'): void => {
    if (found.size < MAX_SOURCES)
      keep(toSource(address, mediaId, fileName, { rule, mayLogIn: mayLogIn[rule] }))
  }
  for (const address of input.typed) add(address, 'typed')
  // A pasted web address is one the user typed in.
  for (const address of input.linked) add(address, input.kind === 'http' ? 'typed' : 'linked')
  for (const address of input.named ?? []) add(address, 'named')
  for (const { kind, url, isOwn } of input.gateways ?? [])
    keep({ kind, label: url.host, bytesUrl: url, isPrivateAllowed: isOwn })
  return [...found.values()]
}

function toSource(
  address: string,
  mediaId: string | undefined,
  fileName: string | undefined,
  { rule, mayLogIn }: { readonly rule: 'typed' | 'linked' | 'named'; readonly mayLogIn: boolean },
): WebSource | null {
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  url.hash = ''
  const label = url.host
  const node = mediaId === undefined ? null : nodeBase(url, mediaId)
  if (node !== null && mediaId !== undefined) {
    const bytesUrl = new URL(`${node}/media/${mediaId}`)
    return {
      kind: 'http',
      label,
      bytesUrl,
      otherBytesUrl: new URL(`${node}/api/media/${mediaId}`),
      infoUrl: new URL(`${node}/api/media/${mediaId}/info`),
      torrentUrl: new URL(`${node}/api/media/${mediaId}/torrent`),
      ...(mayLogIn ? { loginNode: node } : {}),
      isPrivateAllowed: rule === 'typed' || (rule === 'linked' && isHarmless(bytesUrl, mediaId)),
    }
  }
  if (url.pathname.endsWith('/')) {
    if (fileName === undefined) return null
    const bytesUrl = new URL(encodeURIComponent(fileName), url)
    return { kind: 'http', label, bytesUrl, isPrivateAllowed: rule === 'typed' }
  }
  return { kind: 'http', label, bytesUrl: url, isPrivateAllowed: rule === 'typed' }
}

/** The address before `/media/<mediaId>` (or `/`), when this is the address of a node. */
function nodeBase(url: URL, mediaId: string): string | null {
  if (url.search !== '') return null
  const path = url.pathname.toLowerCase().replace(/\/+$/, '')
  for (const end of [`/api/media/${mediaId}`, `/media/${mediaId}`]) {
    if (path.endsWith(end)) return `${url.origin}${url.pathname.slice(0, path.length - end.length)}`
  }
  return path === '' ? url.origin : null
}

/**
 * Whether asking this address can do nothing but ask for the item: exactly `/media/<mediaId>`, no query, no
 * port of a well-known other service.
 */
function isHarmless(url: URL, mediaId: string): boolean {
  const port = Number(url.port === '' ? '80' : url.port)
  return (
    url.pathname === `/media/${mediaId}` && url.search === '' && (port === 80 || port === 443 || port >= 1024)
  )
}

/**
 * Of trackers that somebody else named, those that may be contacted whatever network they are on: an HTTP
 * tracker's address must be that of an announce, so that a link cannot make this node press other buttons.
 * @see https://github.com/arvidn/libtorrent/blob/RC_2_0/docs/security-audit.rst (F1)
 */
export function usableTrackers(trackers: readonly string[]): string[] {
  const usable = trackers.filter((address) => {
    if (!URL.canParse(address)) return false
    const url = new URL(address)
    if (/^(wss?|udp):$/.test(url.protocol)) return true
    return /^https?:$/.test(url.protocol) && /\/announce(\.php)?$/.test(url.pathname)
  })
  return [...new Set(usable)].slice(0, 20)
}

/** Of peers that somebody else named, those not on a port of a well-known service. */
export function usablePeers(peers: readonly string[]): string[] {
  return peers.filter((peer) => Number(peer.slice(peer.lastIndexOf(':') + 1)) >= 1024)
}
