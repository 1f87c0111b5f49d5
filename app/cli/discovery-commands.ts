import { AppError } from '../contract/index.ts'
import type { FoundItem, MediaKind, Publisher } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import { formatBytes, formatCount, formatDuration, formatTable } from './format.ts'
import { cardOf, findPerson } from './people.ts'

export interface SearchOptions {
  readonly type?: MediaKind
  readonly owner?: string
  readonly followed: boolean
  readonly limit: number
}

/** What names a publisher by itself; anything else is what the user calls them. */
const NAMES_ITSELF = /^(0[23][0-9a-f]{64}|[\w-]{43}\.[\w-]{43}|[0-9a-f]{64}|(did|https?|magnet):.*)$/i

/** `sower follow CARD|KEY|LINK`. */
export async function followCommand(
  context: Context,
  given: string,
  { name }: { readonly name?: string },
): Promise<void> {
  await withNode(context, async (node) => {
    const publisher = await node.call('following.add', {
      publisher: await publisherText(node, given),
      ...(name === undefined ? {} : { name }),
    })
    context.terminal.result(publisher, `You follow ${labelOf(publisher)}.`)
  })
}

/** `sower unfollow PUBLISHER`: in the same words, or the name or fingerprint from the list. */
export async function unfollowCommand(context: Context, given: string): Promise<void> {
  await withNode(context, async (node) => {
    const publisher = await findFollowed(node, given)
    await node.call('following.remove', { pub: publisher.pub })
    context.terminal.result({ unfollowed: publisher.pub }, `You no longer follow ${labelOf(publisher)}.`)
  })
}

/** `sower following`. */
export async function followingCommand(context: Context): Promise<void> {
  await withNode(context, async (node) => {
    const { publishers } = await node.call('following.list', {})
    const rows = publishers.map((each) => [
      each.fingerprint,
      String(each.items),
      each.checkedAtMs === undefined ? 'not yet' : new Date(each.checkedAtMs).toISOString(),
      each.name ?? '',
    ])
    const text =
      rows.length === 0
        ? 'Nobody yet. Follow somebody by their card: “sower follow CARD”.'
        : formatTable([['FINGERPRINT', 'ITEMS', 'CHECKED', 'NAME'], ...rows])
    context.terminal.result(publishers, text)
  })
}

/** `sower search WORDS…`: in what is known, without asking anybody; an id alone is asked about. */
export async function searchCommand(
  context: Context,
  words: readonly string[],
  options: SearchOptions,
): Promise<void> {
  const text = words.join(' ').trim()
  if (text.length > MAX_TEXT) {
    throw new AppError('BAD_REQUEST', 'That is too long to search for.', {
      hint: `Name a few words of the name: at most ${MAX_TEXT} characters.`,
    })
  }
  await withNode(context, async (node) => {
    if (IS_ID.test(text)) {
      const { item } = await node.call('discovery.item', { id: text })
      context.terminal.result([resultOf(item)], formatTable([HEADER, rowOf(item)]))
      return
    }
    const { items } = await node.call('discovery.search', {
      text,
      isFollowedOnly: options.followed,
      limit: options.limit,
      ...(options.type === undefined ? {} : { kind: options.type }),
      ...(options.owner === undefined ? {} : { owner: await ownerOf(node, options.owner) }),
    })
    const table = items.length === 0 ? 'Nothing known matches.' : formatTable([HEADER, ...items.map(rowOf)])
    context.terminal.result(items.map(resultOf), table)
  })
}

/** As the contract takes it. */
const MAX_TEXT = 200
const IS_ID = /^(did:gun:media:)?[0-9a-f]{64}$/
const HEADER = ['MEDIAID', 'SIZE', 'COPIES', 'PUBLISHER', 'NAME']

function rowOf({ mediaId, sizeBytes, copies, isHeld, owner, ownerName, name }: FoundItem): string[] {
  const others = copiesText(copies, Date.now())
  return [
    mediaId,
    formatBytes(sizeBytes),
    isHeld ? `${others}, here` : others,
    ownerName ?? owner.slice(0, 12),
    name,
  ]
}

/** `2 nodes (4m 0s ago), 5 in swarm (2h 3m ago)`: who says it, and how long ago; `?` when nobody was asked. */
export function copiesText(copies: FoundItem['copies'], nowMs: number): string {
  const age = (atMs: number | undefined): string =>
    atMs === undefined ? '' : ` (${formatDuration(nowMs - atMs)} ago)`
  const { presence, presenceAtMs, swarm, swarmAtMs } = copies
  const parts = [
    presence > 0 || presenceAtMs !== undefined ? `${formatCount(presence, 'node')}${age(presenceAtMs)}` : '',
    swarm === undefined ? '' : `${swarm} in swarm${age(swarmAtMs)}`,
  ].filter((part) => part !== '')
  return parts.length === 0 ? '?' : parts.join(', ')
}

/** The same names as in every other answer. */
function resultOf({ sizeBytes, accessLevel, createdAtMs, ...item }: FoundItem): object {
  return {
    ...item,
    did: `did:gun:media:${item.mediaId}`,
    size: sizeBytes,
    access_level: accessLevel,
    createdAt: new Date(createdAtMs).toISOString(),
  }
}

async function publisherText(node: NodeConnection, given: string): Promise<string> {
  const card = await cardOf(given)
  if (card !== undefined) return card.trim()
  if (NAMES_ITSELF.test(given)) return given
  const { contacts } = await node.call('contacts.list', {})
  return findPerson(contacts, given, 'your contacts').owner
}

async function findFollowed(node: NodeConnection, given: string): Promise<Publisher> {
  const called = await followedAs(node, given)
  if (called !== undefined) return called
  const card = await cardOf(given)
  if (card !== undefined || NAMES_ITSELF.test(given)) {
    const publisher = await node.call('discovery.publisher', { publisher: card?.trim() ?? given })
    if (publisher.isFollowed) return publisher
  }
  throw new AppError('NOT_FOUND', `You don’t follow “${given}”.`, { hint: 'See whom with: sower following' })
}

/**
 * Who among those one follows has this name or fingerprint.
 * @throws {AppError} `BAD_REQUEST` when several have that name
 */
async function followedAs(node: NodeConnection, given: string): Promise<Publisher | undefined> {
  const { publishers } = await node.call('following.list', {})
  const wanted = given.trim().toLowerCase()
  const found = publishers.filter(
    ({ fingerprint, name = '' }) => fingerprint.toLowerCase() === wanted || name.toLowerCase() === wanted,
  )
  if (found.length > 1) {
    throw new AppError('BAD_REQUEST', `Several of those you follow are called “${given}”.`, {
      hint: `Name the one you mean by the fingerprint: ${found.map(toldApart).join(', ')}.`,
    })
  }
  return found[0]
}

function toldApart({ fingerprint, items }: Publisher): string {
  return `${fingerprint} (${formatCount(items, 'item')})`
}

async function ownerOf(node: NodeConnection, given: string): Promise<string> {
  const followed = await followedAs(node, given)
  if (followed?.owner !== undefined) return followed.owner
  const text = await publisherText(node, given)
  const { owner } = await node.call('discovery.publisher', { publisher: text })
  // What is no owner key is refused by the search, in its own words.
  return owner ?? text
}

function labelOf({ name, fingerprint }: Publisher): string {
  return name === undefined ? fingerprint : `${name} (${fingerprint})`
}
