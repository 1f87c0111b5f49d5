import { AppError } from '../contract/index.ts'
import { accessLevelOf, verifyManifest, type AccessRule, type Manifest } from '../manifest/index.ts'
import { encodeManifest, readFrozen } from './codec.ts'
import { FILTER_LIMITS } from './filter.ts'
import type { DropReason } from './filter.ts'
import { unwrapJson } from './flat.ts'
import type { ForeignManifest } from './foreign.ts'
import { isLink, makeNode } from './graph.ts'
import type { GunNode, GunValue } from './graph.ts'
import { reachOf } from './reach.ts'
import { parseSoul, souls, type Soul } from './souls.ts'

/** What goes in and out of the relay routes, without asking anybody. */

const MAX_KEYS = FILTER_LIMITS.keysPerNode

/** Who may read what a manifest describes. */
export function ruleOf(manifest: Manifest): AccessRule {
  return {
    accessLevel: accessLevelOf(manifest),
    owner: manifest.oip.creatorPubKey,
    sharedWith: manifest.accessControl.shared_with ?? [],
  }
}

/** The same of what nobody signed. */
export function foreignRule(
  described: Pick<ForeignManifest, 'accessLevel' | 'owner'> = { accessLevel: 'private' },
): AccessRule {
  return { accessLevel: described.accessLevel, owner: described.owner ?? '', sharedWith: [] }
}

/** In the form of a manifest, so that one reader reads both; what is not there is left out. */
export function describeForeign(foreign: ForeignManifest): Record<string, unknown> {
  const { mediaId, name, mime, sizeBytes, createdAt, infoHash, http, ipfsCid, arweaveTxId } = foreign
  const fields = {
    id: mediaId,
    did: `did:gun:media:${mediaId}`,
    name,
    mime,
    size: sizeBytes,
    createdAt,
    transport: {
      bittorrent: infoHash === undefined ? undefined : { infoHash },
      http,
      ipfs: ipfsCid === undefined ? undefined : { cid: ipfsCid },
      arweave: arweaveTxId === undefined ? undefined : { txId: arweaveTxId },
    },
    accessControl: { access_level: foreign.accessLevel, owner_public_key: foreign.owner },
    signed: false,
  }
  return JSON.parse(JSON.stringify(fields)) as Record<string, unknown> // leaves out what is undefined
}

/**
 * What has the form of a manifest and the signature of its publisher; undefined for everything else.
 * @param mediaId when it has to be about this item, 64 hex
 */
export function verified(candidate: unknown, mediaId?: string): Manifest | undefined {
  try {
    return verifyManifest(candidate, { mediaId })
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

/** Of frozen versions those that hold and may be read. */
export function versionsFor(
  values: Readonly<Record<string, GunValue>>,
  mayRead: (manifest: Manifest) => boolean,
): Record<string, GunValue> {
  const entries = Object.entries(values).filter(([hash, text]) => {
    const manifest = verified(readFrozen(text, hash))
    return manifest !== undefined && mayRead(manifest)
  })
  return Object.fromEntries(entries)
}

/**
 * What the network is told of a manifest: its own node, and, when it may be listed, its place in the index and the version itself
 * where that is short enough for GUN.
 */
export function nodesOf(manifest: Manifest, nowMs: number): GunNode[] {
  const { hash, text, fields } = encodeManifest(manifest)
  const hint = souls.hint(manifest.id)
  const nodes = [makeNode(hint, fields, nowMs)]
  if (reachOf(manifest) !== 'listed') return nodes
  nodes.push(makeNode(souls.index, { [manifest.id]: { '#': hint } }, nowMs))
  if (Buffer.byteLength(text) <= FILTER_LIMITS.valueBytes)
    nodes.push(makeNode(souls.versions, { [hash]: text }, nowMs))
  return nodes
}

/** As GUN can hold it: lists and objects become JSON, what is null is left out. */
export function flatten(data: Readonly<Record<string, unknown>>): Record<string, GunValue> {
  const entries = Object.entries(data).filter(([, value]) => value !== null && value !== undefined)
  if (entries.length === 0)
    throw new AppError('BAD_REQUEST', 'There is nothing in “data” that could be kept.')
  if (entries.length > MAX_KEYS)
    throw new AppError('PAYLOAD_TOO_LARGE', `A node has at most ${MAX_KEYS} keys.`)
  return Object.fromEntries(
    entries.map(([key, value]): [string, GunValue] => [
      key,
      // A link stays one; whatever else is nested is text from here on. Scalars pass as they are.
      typeof value === 'object' && !isLink(value) ? JSON.stringify(value) : (value as GunValue),
    ]),
  )
}

/** The access level it speaks of, wherever OIP's forms have it. */
export function statedLevel(data: Readonly<Record<string, unknown>>): unknown {
  const parts = [data, unwrapJson(data['data']), unwrapJson(data['media'])]
  for (const part of parts) {
    if (typeof part !== 'object' || part === null) continue
    const fields = part as Readonly<Record<string, unknown>>
    const access = unwrapJson(fields['accessControl'])
    const level =
      (typeof access === 'object' && access !== null
        ? (access as Readonly<Record<string, unknown>>)['access_level']
        : undefined) ??
      fields['access_level'] ??
      fields['accessLevel']
    if (level !== undefined) return level
  }
  return undefined
}

/** @throws {AppError} `BAD_REQUEST` for a name that nothing of ours has */
export function requireSoul(soul: string): Soul {
  const parsed = parseSoul(soul)
  if (parsed === undefined) throw notOurs()
  return parsed
}

/** @throws {AppError} `FORBIDDEN` when relays must not hear of the item */
export function requireTellable(mediaId: string, isTellable: (mediaId: string) => boolean): void {
  if (!isTellable(mediaId)) throw notPublic()
}

/** `FORBIDDEN`: the item is none that relays may hear of in this way. */
export function notPublic(): AppError {
  return new AppError('FORBIDDEN', 'This item is not public, so the network is not told of it.', {
    hint: 'Nothing was written. Share it encrypted, or make it public, to have others find it.',
  })
}

function notOurs(): AppError {
  return new AppError(
    'BAD_REQUEST',
    'There is no place of that name in what this node keeps of the network.',
    {
      hint: 'Known are media, media:<mediaId> and what is below it, a publisher’s ~<pub>/media, and OIP’s <12 hex>:media_<mediaId>.',
    },
  )
}

/** Why the filter let a value go: `PAYLOAD_TOO_LARGE` for what is too much, `BAD_REQUEST` for what does not belong there. */
export function refusedBy(reason: DropReason): AppError {
  if (reason === 'value-size' || reason === 'keys' || reason === 'too-many') {
    return new AppError('PAYLOAD_TOO_LARGE', 'That is more than a node of the network may hold.', {
      hint: `A value has at most ${FILTER_LIMITS.valueBytes / 1024} KiB, a node at most ${MAX_KEYS} keys.`,
    })
  }
  const why = reason === 'signature' ? 'only its publisher can write there' : 'a value does not belong there'
  return new AppError('BAD_REQUEST', `Nothing was written: ${why}.`)
}
