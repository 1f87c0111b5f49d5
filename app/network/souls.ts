/** The names of GUN nodes Sower knows, and what each may hold. Anything else is not stored, answered or believed. */

/** Base64url x and y of a P-256 point, joined by a dot: how GUN writes a public key. */
const PUB = '[A-Za-z0-9_-]{43}\\.[A-Za-z0-9_-]{43}'
const ID = '[0-9a-f]{64}'
/** Ours are 40 hex; OIP's are whatever the writer liked. */
const PEER = '[A-Za-z0-9_.-]{1,64}'
const FIELD = '[A-Za-z_][A-Za-z0-9_]{0,31}'

const INDEX = 'media'
const VERSIONS = '#media'
const HINT = new RegExp(`^media[:/](${ID})((?:/${FIELD}){0,5})$`)
const PEERS = new RegExp(`^media[:/](${ID})[:/]peers$`)
const PRESENCE = new RegExp(`^media[:/](${ID})[:/]peers[:/](${PEER})$`)
const CHUNK = new RegExp(`^media:(${ID}):chunks:(\\d{1,5})$`)
const NODE = /^media:nodes:([0-9a-f]{40})$/
const SPACE = new RegExp(`^~(${PUB})$`)
const SPACE_INDEX = new RegExp(`^~(${PUB})/media$`)
const SPACE_ITEM = new RegExp(`^~(${PUB})/media/(${ID})$`)
const RECORD = new RegExp(`^[0-9a-f]{12}:media_(${ID})$`)
const DELETION = new RegExp(`^oip:deleted:records:(did:gun:(?:media:|[0-9a-f]{12}:media_)(${ID}))$`)

export type Soul =
  /** `media`: every public item, by mediaId. */
  | { readonly kind: 'index' }
  /** `#media`: manifests by the hash of their text; nobody can change one. */
  | { readonly kind: 'versions' }
  /** `media:<mediaId>`: what anybody says of an item. `path` is not empty for the nested objects of other writers. */
  | { readonly kind: 'hint'; readonly mediaId: string; readonly path: readonly string[] }
  /** `media:<mediaId>:peers`: links to the records of those who have it. */
  | { readonly kind: 'peers'; readonly mediaId: string }
  | { readonly kind: 'presence'; readonly mediaId: string; readonly nodeId: string }
  | { readonly kind: 'chunk'; readonly mediaId: string; readonly index: number }
  /** `media:nodes:<nodeId>`: one node's heartbeat and the digest of what it has. */
  | { readonly kind: 'node'; readonly nodeId: string }
  /** `~<pub>`, `~<pub>/media`, `~<pub>/media/<mediaId>`: what only that publisher can write. */
  | { readonly kind: 'space'; readonly pub: string }
  | { readonly kind: 'spaceIndex'; readonly pub: string }
  | { readonly kind: 'spaceItem'; readonly pub: string; readonly mediaId: string }
  /** An OIP record, read only. */
  | { readonly kind: 'record'; readonly mediaId: string }
  /** `oip:deleted:records:<did>`. */
  | { readonly kind: 'deletion'; readonly did: string; readonly mediaId: string }

const SEA_KEY = new RegExp(`^${PUB}$`)

/** Whether it has the form of a SEA public key. */
export function isSeaKey(value: unknown): value is string {
  return typeof value === 'string' && SEA_KEY.test(value)
}

/** What a soul is, or undefined when it is none of ours. */
export function parseSoul(soul: string): Soul | undefined {
  if (soul.length > 256) return undefined
  if (soul === INDEX) return { kind: 'index' }
  if (soul === VERSIONS) return { kind: 'versions' }
  return soul.startsWith('~') ? parseSpace(soul) : parseOpen(soul)
}

function parseSpace(soul: string): Soul | undefined {
  const item = SPACE_ITEM.exec(soul)
  if (item?.[1] !== undefined && item[2] !== undefined) {
    return { kind: 'spaceItem', pub: item[1], mediaId: item[2] }
  }
  const index = SPACE_INDEX.exec(soul)?.[1]
  if (index !== undefined) return { kind: 'spaceIndex', pub: index }
  const pub = SPACE.exec(soul)?.[1]
  return pub === undefined ? undefined : { kind: 'space', pub }
}

function parseOpen(soul: string): Soul | undefined {
  const presence = PRESENCE.exec(soul)
  if (presence?.[1] !== undefined && presence[2] !== undefined) {
    return { kind: 'presence', mediaId: presence[1], nodeId: presence[2] }
  }
  const peers = PEERS.exec(soul)?.[1]
  if (peers !== undefined) return { kind: 'peers', mediaId: peers }
  const hint = HINT.exec(soul)
  if (hint?.[1] !== undefined) {
    return { kind: 'hint', mediaId: hint[1], path: (hint[2] ?? '').split('/').filter((part) => part !== '') }
  }
  const chunk = CHUNK.exec(soul)
  if (chunk?.[1] !== undefined) return { kind: 'chunk', mediaId: chunk[1], index: Number(chunk[2]) }
  const node = NODE.exec(soul)?.[1]
  if (node !== undefined) return { kind: 'node', nodeId: node }
  const record = RECORD.exec(soul)?.[1]
  if (record !== undefined) return { kind: 'record', mediaId: record }
  const deletion = DELETION.exec(soul)
  if (deletion?.[1] !== undefined && deletion[2] !== undefined) {
    return { kind: 'deletion', did: deletion[1], mediaId: deletion[2] }
  }
  return undefined
}

/** Whether its nodes are lists of links that may grow without end, and are therefore only ever read in pages. */
export function isList(soul: Soul): boolean {
  return (
    soul.kind === 'index' || soul.kind === 'versions' || soul.kind === 'spaceIndex' || soul.kind === 'peers'
  )
}

/** The same of a name. */
export function isListSoul(name: string): boolean {
  const soul = parseSoul(name)
  return soul !== undefined && isList(soul)
}

export const souls = {
  index: INDEX,
  versions: VERSIONS,
  hint: (mediaId: string) => `media:${mediaId}`,
  /** As the plan's nested path has it: read, never written. */
  nestedHint: (mediaId: string) => `media/${mediaId}`,
  /** OIP's, read only. */
  record: (recordOf: string, mediaId: string) => `${recordOf}:media_${mediaId}`,
  peers: (mediaId: string) => `media:${mediaId}:peers`,
  presence: (mediaId: string, nodeId: string) => `media:${mediaId}:peers:${nodeId}`,
  chunk: (mediaId: string, index: number) => `media:${mediaId}:chunks:${index}`,
  node: (nodeId: string) => `media:nodes:${nodeId}`,
  space: (pub: string) => `~${pub}`,
  spaceIndex: (pub: string) => `~${pub}/media`,
  spaceItem: (pub: string, mediaId: string) => `~${pub}/media/${mediaId}`,
  deletion: (mediaId: string) => `oip:deleted:records:did:gun:media:${mediaId}`,
} as const
