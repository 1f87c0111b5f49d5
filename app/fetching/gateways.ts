/** The manifest's roads that are not nodes, as far as they lead anywhere. */
interface NamedTransport {
  readonly ipfs?: { readonly cid: string; readonly gateways?: readonly string[] | undefined } | undefined
  readonly arweave?: { readonly txId: string; readonly url?: string | undefined } | undefined
  readonly irys?: { readonly id: string; readonly url?: string | undefined } | undefined
}

/** Gateways the user chose in the settings; they may be on this machine. */
export interface OwnGateways {
  readonly ipfsGateways: readonly string[]
  readonly arweaveGateways: readonly string[]
}

export interface GatewayAddress {
  readonly kind: 'ipfs' | 'arweave'
  readonly url: URL
  /** Of the settings, so that it may be on this machine or network. */
  readonly isOwn: boolean
}

const TX_ID = /^[A-Za-z0-9_-]{43}$/
const CID =
  /^(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{40,200}|k[0-9a-z]{40,200}|z[1-9A-HJ-NP-Za-km-z]{40,200})$/
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const RAW = 0x55
const SHA2_256 = 0x12
/** Of one kind; each of them is one more that is asked. */
const MAX_GATEWAYS = 8

/**
 * The addresses of an item's bytes at IPFS and Arweave gateways: those of the settings first, then those the manifest names.
 * Nothing they give is trusted: like every other byte it has to fit the torrent's pieces or the item's sha256.
 * @param mediaId a CID of one raw block whose sha256 is another one leads to other bytes, and is left out
 */
export function gatewaysOf(
  { ipfs, arweave, irys }: NamedTransport,
  own: OwnGateways,
  mediaId: string | undefined,
): GatewayAddress[] {
  const found = new Map<string, GatewayAddress>()
  const counts = { ipfs: 0, arweave: 0 }
  const add = (kind: GatewayAddress['kind'], url: URL | null, isOwn: boolean): void => {
    if (url === null || found.has(url.href) || counts[kind] >= MAX_GATEWAYS) return
    counts[kind] += 1
    found.set(url.href, { kind, url, isOwn })
  }
  if (ipfs !== undefined && leadsTo(ipfs.cid, mediaId)) {
    for (const address of own.ipfsGateways) add('ipfs', byAddress(ipfsUrl(address, ipfs.cid)), true)
    for (const address of ipfs.gateways ?? []) add('ipfs', ipfsUrl(address, ipfs.cid), false)
  }
  // What went through Irys is on Arweave, under the same id.
  const stored = [arweave, irys === undefined ? undefined : { txId: irys.id, url: irys.url }]
  for (const one of stored) {
    if (one === undefined || !TX_ID.test(one.txId)) continue
    for (const address of own.arweaveGateways) add('arweave', below(address, one.txId), true)
    if (one.url !== undefined) add('arweave', webUrl(one.url), false)
  }
  return [...found.values()]
}

function ipfsUrl(gateway: string, cid: string): URL | null {
  const url = below(gateway.replace(/\/ipfs(\/[^/]*)?\/?$/, ''), `ipfs/${cid}`)
  // A block is asked for as it is: a gateway that only has blocks can give it. Files of several blocks are put together there.
  if (url !== null && rawDigest(cid) !== null) url.searchParams.set('format', 'raw')
  return url
}

/**
 * Asked as `localhost`, Kubo leads to a host of its own for every item, which is another origin; asked by its address it gives the
 * item. @see https://docs.ipfs.tech/how-to/address-ipfs-on-web/#subdomain-gateway
 */
function byAddress(url: URL | null): URL | null {
  if (url?.protocol === 'http:' && url.hostname === 'localhost') url.hostname = '127.0.0.1'
  return url
}

function below(address: string, path: string): URL | null {
  const url = webUrl(address)
  if (url === null) return null
  url.search = ''
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  return url
}

function webUrl(address: string): URL | null {
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  url.hash = ''
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:'
  // Templates such as `https://{cid}.example` are not filled in.
  return isWeb && !/[{}]/.test(url.hostname) ? url : null
}

function leadsTo(cid: string, mediaId: string | undefined): boolean {
  if (!CID.test(cid)) return false
  const digest = rawDigest(cid)
  return digest === null || mediaId === undefined || digest === mediaId
}

/** Of a CIDv1 (base32) of one raw block its sha256 in hex; `null` for any other. */
function rawDigest(cid: string): string | null {
  if (!cid.startsWith('b')) return null
  const bytes = fromBase32(cid.slice(1))
  const isRawSha256 =
    bytes.length === 36 && bytes[0] === 1 && bytes[1] === RAW && bytes[2] === SHA2_256 && bytes[3] === 32
  return isRawSha256 ? Buffer.from(bytes.subarray(4)).toString('hex') : null
}

function fromBase32(text: string): Uint8Array {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const character of text) {
    value = ((value << 5) | BASE32.indexOf(character)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
  }
  return Uint8Array.from(bytes)
}
