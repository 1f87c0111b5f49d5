import { z } from 'zod'
import { laterEnd } from '../vault/index.ts'
import type { ParsedLink } from './link.ts'
import type { TypedSources } from './web-source.ts'

const Address = z.string().max(4096)
const Segment = z.object({
  label: z.string(),
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
  /** Of exactly these bytes; absent when the node died while they arrived. */
  sha256: z.string().optional(),
})
export type Segment = z.output<typeof Segment>

/** All a transfer needs to go on after a crash; the payload of its row. Holds no secret that the wallet alone can't open. */
export const Plan = z.object({
  version: z.literal(1),
  kind: z.enum(['sower', 'magnet', 'mediaId', 'infoHash', 'did', 'http']),
  mediaId: z.string().optional(),
  /** Under what its OIP record lies. */
  recordOf: z.string().optional(),
  infoHash: z.string().optional(),
  name: z.string().optional(),
  pub: z.string().optional(),
  /** The bytes are ciphertext: said by the link, or by a manifest that holds. */
  isEncrypted: z.boolean().default(false),
  /** All that is known of it is an unsigned description, and that does not say that it is public. */
  isKeptPrivate: z.boolean().default(false),
  /** The key that came with the link, boxed for this wallet. */
  boxedKey: z.string().optional(),
  /** When that key is to be forgotten. */
  expiresAtMs: z.number().optional(),
  /** How long nobody may offer it before it ends; without it, it goes on looking. */
  giveUpAfterMs: z.number().optional(),
  trackers: z.array(Address),
  webSources: z.array(Address),
  peers: z.array(Address),
  typedWeb: z.array(Address),
  typedPeers: z.array(Address),
  /** Addresses of others who have it, as the network said. */
  foundWeb: z.array(Address).default([]),
  isSeedingWanted: z.boolean(),
  /** Sources that gave something false: label → what. */
  refused: z.record(z.string(), z.string()),
  /** Pieces found good so far (base64 of the bitfield), for this torrent. */
  verified: z.object({ infoHash: z.string(), bits: z.string() }).optional(),
  /** The node stopped in good order after `verified` was written: the file need not be read again. */
  isClean: z.boolean(),
  /** The newest signed manifest that was found, and on whose word. */
  described: z.object({ manifest: z.unknown(), origin: z.string().optional() }).optional(),
  /** Who gave which part of a file that came over plain HTTP; the last segment may be behind the file. */
  segments: z.array(Segment),
  /** Parts of a file that turned out wrong, from several sources of which one or more lied; each is now tried alone. */
  suspects: z.array(Segment),
})
export type Plan = z.output<typeof Plan>

export function newPlan(link: ParsedLink, typed: TypedSources, isSeedingWanted: boolean): Plan {
  return {
    version: 1,
    kind: link.kind,
    ...(link.mediaId === undefined ? {} : { mediaId: link.mediaId }),
    ...(link.recordOf === undefined ? {} : { recordOf: link.recordOf }),
    ...(link.infoHash === undefined ? {} : { infoHash: link.infoHash }),
    ...(link.name === undefined ? {} : { name: link.name }),
    ...(link.pub === undefined ? {} : { pub: link.pub }),
    isEncrypted: link.isEncrypted,
    isKeptPrivate: false,
    ...(link.expiresAtMs === undefined ? {} : { expiresAtMs: link.expiresAtMs }),
    trackers: [...link.trackers],
    webSources: [...link.webSources],
    peers: [...link.peers],
    typedWeb: [...typed.web],
    typedPeers: [...typed.peers],
    foundWeb: [],
    isSeedingWanted,
    refused: {},
    isClean: false,
    segments: [],
    suspects: [],
  }
}

/** The plan of an earlier run; `null` when it can't be read any more. */
export function readPlan(payload: unknown): Plan | null {
  const parsed = Plan.safeParse(payload)
  return parsed.success ? parsed.data : null
}

/** Another link of the same torrent adds whom it names. @returns whether there is somebody new to ask */
export function joinSwarms(plan: Plan, other: Plan): boolean {
  return addTo(plan, other, ['trackers', 'peers', 'typedPeers'])
}

function addTo(
  plan: Plan,
  other: Plan,
  lists: readonly ('trackers' | 'webSources' | 'peers' | 'typedWeb' | 'typedPeers')[],
): boolean {
  const gained = lists.map((list) => {
    const news = other[list].filter((entry) => !plan[list].includes(entry))
    plan[list].push(...news)
    return news.length > 0
  })
  return gained.includes(true)
}

/**
 * Another link of the same item adds what it knows.
 * @param about `hasKey`, `bringsKey`: whether each of them has brought a key: of two, the one that lasts longer counts;
 *   `isWaitedFor`: whether somebody has asked for it before and still waits
 * @returns whether there is somebody new to ask, something new to ask by, or a key to try
 */
export function joinPlans(
  plan: Plan,
  other: Plan,
  about: { readonly hasKey: boolean; readonly bringsKey: boolean; readonly isWaitedFor: boolean },
): boolean {
  const gained = [addTo(plan, other, ['trackers', 'webSources', 'peers', 'typedWeb', 'typedPeers'])]
  for (const fact of ['mediaId', 'pub', 'name'] as const) {
    if (plan[fact] !== undefined || other[fact] === undefined) continue
    plan[fact] = other[fact]
    gained.push(fact !== 'name')
  }
  // A link without a mediaId was found to be of the same item by the torrent, which somebody else may have named.
  if (other.mediaId !== undefined) plan.infoHash ??= other.infoHash
  plan.isEncrypted ||= other.isEncrypted
  if (other.boxedKey !== undefined) plan.boxedKey = other.boxedKey
  const bounds = [other.giveUpAfterMs, ...(about.isWaitedFor ? [plan.giveUpAfterMs] : [])].map(
    (ms) => ms ?? Infinity,
  )
  // Whoever is ready to wait longest decides, among those who wait.
  plan.giveUpAfterMs = Math.max(...bounds)
  if (plan.giveUpAfterMs === Infinity) delete plan.giveUpAfterMs
  if (about.bringsKey)
    plan.expiresAtMs = about.hasKey ? laterEnd(plan.expiresAtMs, other.expiresAtMs) : other.expiresAtMs
  return gained.includes(true) || other.boxedKey !== undefined
}
