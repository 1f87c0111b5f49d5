import { createHash, createPublicKey, verify } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../manifest/index.ts'
import { FILTER_NAMES, isFilter } from './digest.ts'
import type { Digest } from './digest.ts'
import { decodeFlat, encodeFlat } from './flat.ts'
import type { FlatSchema } from './flat.ts'
import type { GunValue } from './graph.ts'

/** The node key's part in it. */
export interface NodeSigner {
  /** 40 hex. */
  readonly nodeId: string
  /** 64 hex, Ed25519. */
  readonly publicKeyHex: string
  sign(bytes: Uint8Array): Uint8Array
}

const Claim = z.object({
  peerId: z.string().regex(/^[0-9a-f]{40}$/),
  /** `bittorrent`, `http`. */
  protocols: z.array(z.string().regex(/^[a-z0-9.+-]{1,32}$/)).max(8),
  /** Addresses, only where the user said that they may be known. */
  endpoints: z.array(z.string().min(1).max(256)).max(8).optional(),
  /** Seconds since the epoch. */
  lastSeen: z.int().positive(),
  /** Seconds for which it holds. */
  ttl: z
    .int()
    .nonnegative()
    .max(7 * 24 * 3600),
  /** A word for where it is, as the user chose it. */
  region: z.string().min(1).max(32).optional(),
  pub: z.string().regex(/^[0-9a-f]{64}$/),
  sig: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
type Claim = z.output<typeof Claim>

/** "I have this item": `media:<mediaId>:peers:<nodeId>`. */
export type ItemPresence = Claim & { readonly mediaId: string }
/** "I am here, and this is what I have": `media:nodes:<nodeId>`. */
export type Heartbeat = Claim & { readonly items: number; readonly digest: Digest }

export interface ClaimInput {
  readonly protocols: readonly string[]
  readonly endpoints?: readonly string[] | undefined
  readonly region?: string | undefined
  readonly lastSeen: number
  readonly ttl: number
}

const FIELDS: FlatSchema = {
  peerId: 'text',
  protocols: 'json',
  endpoints: 'json',
  lastSeen: 'number',
  ttl: 'number',
  region: 'text',
  pub: 'text',
  sig: 'text',
}
/** GUN takes nothing away: what is no longer said is written over. */
const EMPTY = { endpoints: '[]', region: '' } as const
const NO_FILTERS = Object.fromEntries(FILTER_NAMES.map((name) => [name, '']))
const HEARTBEAT_FIELDS: FlatSchema = { ...FIELDS, items: 'number' }
/** A clock may be wrong by so much. */
const FUTURE_SEC = 120

/** Signed, as the fields of its node. */
export function makeItemPresence(
  mediaId: string,
  input: ClaimInput,
  signer: NodeSigner,
): Record<string, GunValue> {
  return { ...EMPTY, ...encodeFlat(FIELDS, seal(claimOf(input, signer), { mediaId }, signer)) }
}

/** Signed, as the fields of its node; filters of an earlier heartbeat that this one has not are written over. */
export function makeHeartbeat(
  input: ClaimInput & { readonly items: number; readonly digest: Digest },
  signer: NodeSigner,
): Record<string, GunValue> {
  const { items, digest } = input
  const signed = seal({ ...claimOf(input, signer), items }, { digest: digestHash(digest) }, signer)
  return { ...EMPTY, ...NO_FILTERS, ...encodeFlat(HEARTBEAT_FIELDS, signed), ...digest }
}

/** What a node of `media:<mediaId>:peers:…` says, or undefined when it is not signed by the node it names, or not for this item. */
export function readItemPresence(
  values: Readonly<Record<string, unknown>>,
  mediaId: string,
  nowMs: number,
): ItemPresence | undefined {
  const parsed = Claim.safeParse(withoutEmpty(decodeFlat(FIELDS, values)))
  if (!parsed.success || !holds(parsed.data, { mediaId }, nowMs)) return undefined
  return { ...parsed.data, mediaId }
}

/** What `media:nodes:<nodeId>` says, or undefined when it is not signed by that node, not for this digest, or from the future. */
export function readHeartbeat(
  values: Readonly<Record<string, unknown>>,
  nodeId: string,
  nowMs: number,
): Heartbeat | undefined {
  const parsed = Claim.extend({ items: z.int().nonnegative() }).safeParse(
    withoutEmpty(decodeFlat(HEARTBEAT_FIELDS, values)),
  )
  if (!parsed.success || parsed.data.peerId !== nodeId) return undefined
  const digest: Record<string, string> = {}
  for (const name of FILTER_NAMES) {
    const value = values[name]
    if (isFilter(value) && value !== '') digest[name] = value
  }
  if (!holds(parsed.data, { digest: digestHash(digest) }, nowMs)) return undefined
  return { ...parsed.data, digest }
}

function withoutEmpty(values: Record<string, unknown>): Record<string, unknown> {
  const { endpoints, region, ...others } = values
  return {
    ...others,
    ...(Array.isArray(endpoints) && endpoints.length === 0 ? {} : { endpoints }),
    ...(region === '' ? {} : { region }),
  }
}

function claimOf(
  { protocols, endpoints, region, lastSeen, ttl }: ClaimInput,
  signer: NodeSigner,
): Omit<Claim, 'sig'> {
  return {
    peerId: signer.nodeId,
    protocols: [...protocols],
    ...(endpoints === undefined || endpoints.length === 0 ? {} : { endpoints: [...endpoints] }),
    lastSeen,
    ttl,
    ...(region === undefined ? {} : { region }),
    pub: signer.publicKeyHex,
  }
}

/** The signature also covers `bound`, which is not in the node: it says what the claim is about. */
function seal<T extends object>(claim: T, bound: object, signer: NodeSigner): T & { sig: string } {
  const bytes = Buffer.from(canonicalJson({ ...claim, ...bound }), 'utf8')
  return { ...claim, sig: Buffer.from(signer.sign(bytes)).toString('base64url') }
}

function holds(signed: Claim, bound: object, nowMs: number): boolean {
  const { sig, ...claim } = signed
  if (claim.lastSeen > nowMs / 1000 + FUTURE_SEC) return false
  const raw = Buffer.from(claim.pub, 'hex')
  if (createHash('sha256').update(raw).digest('hex').slice(0, 40) !== claim.peerId) return false
  try {
    const key = createPublicKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
    })
    const bytes = Buffer.from(canonicalJson({ ...claim, ...bound }), 'utf8')
    return verify(null, bytes, key, Buffer.from(sig, 'base64url'))
  } catch {
    // No point of the curve.
    return false
  }
}

function digestHash(digest: Digest): string {
  return createHash('sha256').update(canonicalJson(digest)).digest('hex')
}
