import { AppError } from '../contract/index.ts'
import type { Item, ItemDetail } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import { formatBytes } from './format.ts'

/**
 * An item as commands print it. Names as in the HTTP API.
 * @param isServed whether a node goes on running: without one nothing is being seeded, whatever the engine of this command does
 */
export function itemResult(item: Item, isServed: boolean): Record<string, unknown> {
  return {
    mediaId: item.mediaId,
    name: item.name,
    size: item.sizeBytes,
    mime: item.mime,
    state: stateOf(item, isServed),
    access_level: item.accessLevel,
    encrypted: item.protection !== 'none',
    protection: item.protection,
    ...(item.hasConditions ? { hasConditions: true } : {}),
    ...(item.plainSizeBytes === undefined ? {} : { plainSize: item.plainSizeBytes }),
    ...(item.infoHash === undefined ? {} : { infoHash: item.infoHash }),
    seed: item.isSeedingWanted,
    own: item.isOwn,
    peers: item.peers,
    uploaded: item.uploadedBytes,
    addedAt: new Date(item.addedAtMs).toISOString(),
  }
}

export function stateOf({ state }: Item, isServed: boolean): Item['state'] {
  return state === 'seeding' && !isServed ? 'ready' : state
}

const PROTECTION_TEXT = {
  none: '',
  readable: ', encrypted',
  locked: ', encrypted (wallet locked)',
  'needs-key': ', encrypted (no key)',
} as const satisfies Record<Item['protection'], string>

/** Who may have it and in which form, for people. */
export function accessText({ accessLevel, protection, hasConditions }: Item): string {
  return accessLevel + PROTECTION_TEXT[protection] + (hasConditions ? ', shared by conditions' : '')
}

/** `itemResult` with what only a single item tells. */
export function detailResult(item: ItemDetail, isServed: boolean): Record<string, unknown> {
  return {
    ...itemResult(item, isServed),
    did: item.did,
    owner: item.owner,
    version: item.manifestVersion,
    ...(item.magnetURI === undefined ? {} : { magnetURI: item.magnetURI }),
    link: item.link,
    path: item.path,
  }
}

/** The same for people. */
export function detailText(item: ItemDetail): string {
  const lines = [
    `${item.name}  ${formatBytes(item.plainSizeBytes ?? item.sizeBytes)}  ${accessText(item)}`,
    `  id      ${item.mediaId}`,
    ...(item.accessLevel === 'public' || item.protection !== 'none' ? [`  link    ${item.link}`] : []),
    ...(item.magnetURI === undefined ? [] : [`  magnet  ${item.magnetURI}`]),
  ]
  return lines.join('\n')
}

const PAGE = 500
const MIN_PREFIX = 6

/** Every item (or everything in the trash), page by page. */
export async function* allItems(node: NodeConnection, isTrashed = false): AsyncGenerator<Item> {
  for (let offset = 0; ; offset += PAGE) {
    const { items, total } = await node.call('library.list', {
      offset,
      limit: PAGE,
      // A node that was started before an update does not know it.
      ...(isTrashed ? { isTrashed } : {}),
    })
    yield* items
    if (items.length === 0 || offset + items.length >= total) return
  }
}

/**
 * What the user named as full mediaIds: the id itself, a link or did with one in it, or the first six or more characters of
 * one that is in the library.
 * @throws {AppError} `BAD_REQUEST`, or `NOT_FOUND` when no item or several begin like that
 */
export async function resolveMediaIds(
  node: NodeConnection,
  names: readonly string[],
  isTrashed = false,
): Promise<Item['mediaId'][]> {
  const ids: Item['mediaId'][] = []
  for (const name of names) ids.push(await resolveMediaId(node, name, isTrashed))
  return [...new Set(ids)]
}

async function resolveMediaId(
  node: NodeConnection,
  name: string,
  isTrashed: boolean,
): Promise<Item['mediaId']> {
  const whole = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/i.exec(name)?.[0]
  // 64 hexadecimal digits are what the brand stands for.
  if (whole !== undefined) return whole.toLowerCase() as Item['mediaId']
  const start = name.toLowerCase()
  if (!/^[0-9a-f]+$/.test(start) || start.length < MIN_PREFIX) {
    throw new AppError('BAD_REQUEST', `“${name}” is not a mediaId.`, {
      hint: `Give the 64 characters “sower ls” shows, or at least the first ${MIN_PREFIX}.`,
    })
  }
  const found: Item['mediaId'][] = []
  for await (const item of allItems(node, isTrashed))
    if (item.mediaId.startsWith(start)) found.push(item.mediaId)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const many = found.length > 1
  throw new AppError(
    'NOT_FOUND',
    many ? `Several items begin with ${start}.` : `No item begins with ${start}.`,
    {
      hint: many
        ? 'Give more of its characters.'
        : '“sower ls” shows what is there, “sower ls --trash” what was removed.',
    },
  )
}
