import { unwrapJson } from './flat.ts'

/** What OIP or another writer says of an item, unsigned: enough to ask for bytes, which their own hash checks. */
export interface ForeignManifest {
  readonly mediaId: string
  /** Which of OIP's forms it had. */
  readonly form: 'flat' | 'nested' | 'planned' | 'record'
  readonly name?: string
  readonly mime?: string
  readonly sizeBytes?: number
  readonly createdAt?: string
  /** 40 lowercase hex. */
  readonly infoHash?: string
  /** http(s) addresses. */
  readonly http: readonly string[]
  readonly ipfsCid?: string
  readonly arweaveTxId?: string
  /** What it says; one that says nothing is private. */
  readonly accessLevel: 'public' | 'private' | 'shared' | 'organization'
  /** Who it says owns it: 66 hex. */
  readonly owner?: string
}

type Fields = Readonly<Record<string, unknown>>

const INFO_HASH = /^[0-9a-f]{40}$/i
const MAGNET_HASH = /[?&]xt=urn:btih:([0-9a-f]{40})(?:&|$)/i
const DID_INFO_HASH = /^did:(?:bt|bittorrent):([0-9a-f]{40})$/i
const DID_MEDIA = /^did:gun:(?:media:|[0-9a-f]{12}:media_)([0-9a-f]{64})$/
const CID = '(Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{20,120})'
/** Bare, by its scheme, as a DID, or at a gateway (by path or by name). */
const IPFS_FORMS = [
  new RegExp(`^(?:ipfs://|did:ipfs:)?${CID}/?$`),
  new RegExp(`^https?://[^/?#]+/ipfs/${CID}(?:[/?#]|$)`),
  new RegExp(`^https?://${CID}\\.ipfs\\.[^/?#]+(?:[/?#]|$)`),
]
const TX_ID = '([A-Za-z0-9_-]{43})'
/** What Irys keeps is not on every gateway of Arweave: its own address is taken as it is. */
const ARWEAVE_FORMS = [
  new RegExp(`^(?:ar://|did:arweave:)?${TX_ID}/?$`),
  new RegExp(`^https?://(?!gateway\\.irys\\.xyz)[^/?#]+/${TX_ID}(?:[/?#]|$)`),
]
const IRYS = /^https:\/\/gateway\.irys\.xyz\//
const OWNER = /^0[23][0-9a-f]{64}$/
const LEVELS = ['public', 'private', 'shared', 'organization'] as const

/** The mediaId a DID of either form names, or undefined. */
export function mediaIdOfDid(did: string): string | undefined {
  return DID_MEDIA.exec(did)?.[1]
}

/**
 * Reads the forms OIP has had: the flat one of its disk (`mediaId, originalName, mimeType, …`), the nested one (`{media: {…,
 * transport}}`), the plan's, and a record with `data` and `oip` as JSON one or two layers deep.
 * @returns undefined when it speaks of another item, or of none
 */
export function readForeign(values: Fields, mediaId: string): ForeignManifest | undefined {
  const record = objectOf(values['data'])
  if (record !== undefined) {
    const media =
      objectOf(record['media']) ??
      objectOf(record['video']) ??
      objectOf(record['image']) ??
      objectOf(record['audio'])
    return describe('record', mediaId, { ...objectOf(record['basic']), ...record, ...media }, record)
  }
  const nested = objectOf(values['media'])
  if (nested !== undefined) {
    return describe('nested', mediaId, { ...objectOf(values['basic']), ...nested }, { ...values, ...nested })
  }
  if (values['mediaId'] !== undefined) return describe('flat', mediaId, values, values)
  if (values['id'] !== undefined) return describe('planned', mediaId, values, values)
  return undefined
}

function describe(
  form: ForeignManifest['form'],
  mediaId: string,
  fields: Fields,
  whole: Fields,
): ForeignManifest | undefined {
  const named = fields['id'] ?? fields['mediaId'] ?? mediaIdOfDid(text(fields['did'], 128) ?? '')
  if (form !== 'record' && named !== mediaId) return undefined
  const transport = objectOf(fields['transport'])
  const access = objectOf(fields['accessControl']) ?? objectOf(whole['accessControl'])
  const level = text(access?.['access_level'] ?? fields['access_level'] ?? fields['accessLevel'], 32)
  const owner = text(access?.['owner_public_key'] ?? fields['owner'] ?? fields['userPublicKey'], 66)
  return compact({
    mediaId,
    form,
    name: text(fields['originalName'] ?? fields['name'] ?? fields['filename'], 255),
    mime: mime(fields['mime'] ?? fields['mimeType'] ?? fields['contentType']),
    sizeBytes: size(fields['size'] ?? fields['fileSize']),
    createdAt: date(fields['createdAt']),
    infoHash: infoHashOf(fields, transport),
    http: httpOf(fields, transport),
    ipfsCid: idIn(IPFS_FORMS, [
      objectOf(transport?.['ipfs'])?.['cid'],
      fields['ipfsHash'],
      fields['ipfsAddress'],
    ]),
    arweaveTxId: idIn(ARWEAVE_FORMS, [
      objectOf(transport?.['arweave'])?.['txId'],
      fields['arweaveTransactionId'],
      fields['arweaveAddress'],
    ]),
    accessLevel: LEVELS.find((known) => known === level) ?? 'private',
    owner: owner !== undefined && OWNER.test(owner) ? owner : undefined,
  })
}

function infoHashOf(fields: Fields, transport: Fields | undefined): string | undefined {
  const torrent = objectOf(transport?.['bittorrent'])
  for (const value of [torrent?.['infoHash'], fields['infoHash'], fields['bittorrentAddress']]) {
    if (typeof value === 'string' && INFO_HASH.test(value)) return value.toLowerCase()
  }
  for (const value of [
    torrent?.['magnetURI'],
    transport?.['magnetURI'],
    fields['magnetURI'],
    fields['bittorrentAddress'],
  ]) {
    if (typeof value !== 'string' || value.length > 16_384) continue
    const hash = MAGNET_HASH.exec(value)?.[1] ?? DID_INFO_HASH.exec(value)?.[1]
    if (hash !== undefined) return hash.toLowerCase()
  }
  return undefined
}

function httpOf(fields: Fields, transport: Fields | undefined): string[] {
  const given = [
    ...listOf(transport?.['http']),
    transport?.['http'],
    fields['httpUrl'],
    fields['webUrl'],
    match(IRYS, fields['arweaveAddress']),
  ]
  return given
    .filter(
      (url): url is string => typeof url === 'string' && url.length <= 2048 && /^https?:\/\//i.test(url),
    )
    .filter((url) => URL.canParse(url))
    .slice(0, 16)
}

/** Lists come as they are, as JSON, or as GUN's nodes: an object whose keys are the places. */
function listOf(value: unknown): readonly unknown[] {
  const listed = unwrapJson(value)
  if (Array.isArray(listed)) return listed as unknown[]
  return Object.entries(objectOf(listed) ?? {})
    .filter(([place]) => /^\d{1,3}$/.test(place))
    .toSorted(([one], [other]) => Number(one) - Number(other))
    .map(([, held]) => held)
}

function objectOf(value: unknown): Fields | undefined {
  const unwrapped = unwrapJson(value)
  return typeof unwrapped === 'object' && unwrapped !== null && !Array.isArray(unwrapped)
    ? (unwrapped as Fields)
    : undefined
}

function text(value: unknown, longest: number): string | undefined {
  if (typeof value !== 'string') return undefined
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is taken out
  const clean = value.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '').trim()
  return clean === '' ? undefined : clean.slice(0, longest)
}

function mime(value: unknown): string | undefined {
  return match(/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/, value)
}

function size(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

function date(value: unknown): string | undefined {
  const at = typeof value === 'string' || typeof value === 'number' ? new Date(value) : undefined
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

function match(pattern: RegExp, value: unknown): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined
}

/** The id in the first of these that is an address of one of the forms. */
function idIn(forms: readonly RegExp[], values: readonly unknown[]): string | undefined {
  for (const value of values) {
    if (typeof value !== 'string' || value.length > 2048) continue
    for (const form of forms) {
      const id = form.exec(value)?.[1]
      if (id !== undefined) return id
    }
  }
  return undefined
}

function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  // Only optional keys are ever undefined here.
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined)) as T
}
