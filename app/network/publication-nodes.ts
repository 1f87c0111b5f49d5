import { canonicalJson, chunkPlaces, type Manifest } from '../manifest/index.ts'
import type { Revocation } from '../sharing/index.ts'
import { emptyFields, encodeManifest } from './codec.ts'
import { FILTER_LIMITS } from './filter.ts'
import { makeNode } from './graph.ts'
import type { GunNode, GunValue } from './graph.ts'
import { reachOf } from './reach.ts'
import { signNode, type SeaSigner } from './sea.ts'
import { souls } from './souls.ts'

/** When nodes are dated, and whose space they lie in as well; without the wallet, nobody's. */
interface Writing {
  readonly state: number
  readonly signer: SeaSigner | undefined
}

/** What is said of an item where everybody looks, and may write. */
export function hintNode(manifest: Manifest, { state, signer }: Writing): GunNode {
  const { fields } = encodeManifest(manifest)
  const hint = signer === undefined ? fields : { ...fields, pub: signer.pub }
  return makeNode(souls.hint(manifest.id), hint, state)
}

/** An item's manifest in its places. @param isSpaceWanted with the link that leads from the publisher's key to their list */
export function manifestNodes(
  manifest: Manifest,
  { state, signer, isSpaceWanted }: Writing & { readonly isSpaceWanted: boolean },
): GunNode[] {
  const { id } = manifest
  const { hash, text, fields } = encodeManifest(manifest)
  const isListed = reachOf(manifest) === 'listed'
  const nodes = [hintNode(manifest, { state, signer })]
  if (isListed) {
    // A longer one lies in parts in the other two places; of what is not listed, stock relays would list the frozen ones.
    if (Buffer.byteLength(text) <= FILTER_LIMITS.valueBytes)
      nodes.push(makeNode(souls.versions, { [hash]: text }, state))
    nodes.push(makeNode(souls.index, { [id]: { '#': souls.hint(id) } }, state))
  }
  if (signer === undefined) return nodes
  const { pub } = signer
  nodes.push(signNode(souls.spaceItem(pub, id), signedFields(fields), state, signer))
  if (isListed)
    nodes.push(signNode(souls.spaceIndex(pub), { [id]: { '#': souls.spaceItem(pub, id) } }, state, signer))
  if (isSpaceWanted)
    nodes.push(signNode(souls.space(pub), { media: { '#': souls.spaceIndex(pub) } }, state, signer))
  return nodes
}

/** That an item is withdrawn, also where OIP looks for deletions. */
export function withdrawalNodes(revocation: Revocation, { state, signer }: Writing): GunNode[] {
  const { mediaId, at, owner } = revocation
  const text = canonicalJson(revocation)
  const deletion = {
    did: `did:gun:media:${mediaId}`,
    deletedAt: at,
    deletedBy: owner,
    timestamp: Date.parse(at),
    revocation: text,
  }
  const nodes = [makeNode(souls.deletion(mediaId), deletion, state)]
  if (signer !== undefined)
    nodes.push(signNode(souls.spaceItem(signer.pub, mediaId), { revocation: text }, state, signer))
  return nodes
}

/**
 * That an item is private now: over everything that was said of it, and over the first bytes of it that may have been put there,
 * goes nothing, and its owner's word. Not where OIP looks for deletions, from which nothing ever comes back.
 * @param manifest as it is now, if it is there; nothing of it is told
 */
export function retractionNodes(
  revocation: Revocation,
  manifest: Manifest | undefined,
  { state, signer }: Writing,
): GunNode[] {
  const { mediaId, owner } = revocation
  const said = { ...emptyFields(), revocation: canonicalJson(revocation) }
  const whose = { id: mediaId, did: `did:gun:media:${mediaId}`, access_level: 'private', owner }
  const nodes = [makeNode(souls.hint(mediaId), { ...said, ...whose }, state)]
  if (signer !== undefined)
    nodes.push(signNode(souls.spaceItem(signer.pub, mediaId), signedFields(said), state, signer))
  const chunks = manifest === undefined ? [] : chunkPlaces(manifest)
  return [...nodes, ...chunks.map(({ index }) => makeNode(souls.chunk(mediaId, index), { data: '' }, state))]
}

/**
 * What of the fields goes into the user's space: the manifest itself, what tells its versions apart, and what its owner says of
 * them. Each value costs every peer that takes it a millisecond of checking its signature, and the others are in the manifest.
 */
function signedFields(fields: Readonly<Record<string, GunValue>>): Record<string, GunValue> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) =>
      /^(?:id|version|hash|parts|manifest(?::\d+)?|revocation)$/.test(name),
    ),
  )
}
