import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from './contract/index.ts'
import type { EngineHandlers, EngineResult } from './contract/index.ts'
import { entryOfKnown, entryOfRow } from './engine-catalogue.ts'
import { CopyAsker } from './engine-copies.ts'
import { foundItem, isAmong, mayAsk, roadsOf, webSourcesOf } from './engine-found.ts'
import type { HandlersInit } from './engine-types.ts'
import { formatLink, parseLink } from './fetching/index.ts'
import type { ItemRow } from './library/index.ts'
import { canonicalHash, isEncrypted } from './manifest/index.ts'
import type { Manifest, Reader } from './manifest/index.ts'
import type { KnownItem, Lookup } from './network/index.ts'
import type { CatalogueEntry } from './search/index.ts'

/** For what trackers say of an item; what comes later is there the next time. */
const SWARM_MS = 3000

type DiscoveryCall = Extract<keyof EngineHandlers, `discovery.${string}` | `following.${string}`>
type ItemView = EngineResult<'discovery.item'>

/** What others published: finding it, and following them. */
export function discoveryHandlers(init: HandlersInit): Pick<EngineHandlers, DiscoveryCall> {
  const { catalogue, keeper, publishers, network, vault, events } = init
  /** Whoever makes these calls is this node's owner. */
  const self = (): Reader => ({ kind: 'bearer', publicKey: vault.owner() ?? '', isNodeOwner: true })
  const copies = new CopyAsker(init)
  const tellFollowing = (): void => events.followingChanged(publishers.list())
  return {
    'discovery.search': async ({ isFollowedOnly, ...query }) => {
      const followed = publishers.followed()
      const page = catalogue.find({ ...query, ...(isFollowedOnly ? { publishers: followed } : {}) }, self())
      const isFollowed = isAmong(followed)
      return {
        items: page.entries.map((entry) => foundItem(init, entry, isFollowed(entry))),
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      }
    },
    'discovery.item': async ({ id, owner }) => {
      const { mediaId } = parseLink(id)
      if (mediaId === undefined) throw notFound('unasked')
      return describe(init, mediaId, owner)
    },
    'discovery.copies': async ({ mediaIds }) => ({ counts: await copies.count(mediaIds) }),
    'discovery.publisher': async ({ publisher }) => publishers.find(publisher),
    'discovery.refresh': async () => {
      await network.refresh()
      await keeper.settled()
      tellFollowing()
      return {}
    },
    'following.list': async () => ({ publishers: publishers.list() }),
    'following.add': async ({ publisher, name }) => publishers.follow(publisher, name),
    'following.remove': async ({ pub }) => {
      publishers.unfollow(pub)
      return {}
    },
  }
}

/** @param publisher whose: the bytes may be published by several */
async function describe(init: HandlersInit, mediaId: string, publisherKey?: string): Promise<ItemView> {
  const { library, network, publishers, keeper, swarm } = init
  const kept = library.get(mediaId, { isTrashIncluded: true })
  const isAsked = mayAsk(kept)
  const held = kept?.trashedAtMs === undefined ? kept : undefined
  if (!isAsked && held === undefined) throw notFound('unasked')
  const row = publisherKey === undefined || publisherKey === held?.owner ? held : undefined
  const owner = publisherKey ?? row?.owner
  const pub = owner === undefined ? '' : publishers.view({ owner }).pub
  const hints = { owner, ...(pub === '' ? {} : { pub }) }
  const [{ known, foreign, heard }, presences] = await Promise.all([
    isAsked ? network.lookup(mediaId, hints) : unasked(network, mediaId, owner),
    isAsked ? network.presenceOf(mediaId) : network.knownPresenceOf(mediaId),
  ])
  await keeper.settled()
  if (row === undefined && known?.revocation !== undefined)
    throw new AppError('WITHDRAWN', 'The owner of this item has withdrawn it.')
  const { entry, manifest } = await believed(init, row, known, heard).catch((error: unknown) => {
    if (foreign === undefined || !(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error
    throw new AppError('NOT_FOUND', 'What the network says of this item is signed by nobody.', {
      hint: 'It can be fetched by its id all the same: bytes are checked against it.',
    })
  })
  const { trackers } = manifest.transport?.bittorrent ?? {}
  if (isAsked && entry.infoHash !== undefined)
    await Promise.race([
      swarm.counts.ask(entry.infoHash, trackers ?? []),
      sleep(SWARM_MS, undefined, { ref: false }),
    ])
  const publisher = publishers.view({ owner: entry.owner, pub: entry.pub })
  return {
    item: foundItem(init, entry, isAmong(publishers.followed())(entry), presences),
    link: formatLink({
      mediaId,
      ...(entry.infoHash === undefined ? {} : { infoHash: entry.infoHash, trackers: trackers ?? [] }),
      webSources: webSourcesOf(manifest),
      // One of them at least: whose manifest is wanted, of several for the same bytes.
      pub: publisher.pub === '' ? entry.owner : publisher.pub,
      isEncrypted: isEncrypted(manifest),
    }),
    manifestVersion: manifest.version,
    publisher,
    roads: roadsOf(manifest, presences),
    conflict:
      known === undefined || known.conflicts.length === 0
        ? []
        : [known.manifest, ...known.conflicts].map(versionOf),
    heard,
  }
}

/** What is known of what nobody is asked about. */
function unasked(
  network: HandlersInit['network'],
  mediaId: string,
  owner: string | undefined,
): Pick<Lookup, 'known' | 'foreign'> & { readonly heard: 'unasked' } {
  const known = network.knownOf(mediaId).find(({ manifest }) => manifest.oip.creatorPubKey === owner)
  return { ...(known === undefined ? {} : { known }), heard: 'unasked' }
}

/** What is held says more (its seal may be open) unless the network has a newer version. */
async function believed(
  { library }: HandlersInit,
  row: ItemRow | undefined,
  known: KnownItem | undefined,
  heard: ItemView['heard'],
): Promise<{ entry: CatalogueEntry; manifest: Manifest }> {
  if (row !== undefined && (known === undefined || known.manifest.version <= row.manifestVersion))
    return { entry: entryOfRow(row, known?.pub), manifest: await library.manifest(row.mediaId) }
  if (known === undefined) throw notFound(heard)
  return { entry: entryOfKnown(known), manifest: known.manifest }
}

function versionOf(manifest: Manifest): ItemView['conflict'][number] {
  return {
    hash: Buffer.from(canonicalHash(manifest)).toString('hex'),
    name: manifest.name ?? '',
    createdAt: manifest.createdAt,
  }
}

function notFound(heard: ItemView['heard']): AppError {
  return new AppError(
    'NOT_FOUND',
    'Nobody has told the network of this item, as far as this node has heard.',
    {
      hint:
        heard === 'nobody'
          ? 'No relay answered. Check whether one is connected.'
          : heard === 'unasked'
            ? 'Check the id.'
            : 'The relays that were asked know nothing of it. Check the id.',
    },
  )
}
