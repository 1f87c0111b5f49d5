import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from './contract/index.ts'
import type { EngineHandlers, EngineResult, FoundItem, MediaId } from './contract/index.ts'
import { entryOfKnown, entryOfRow } from './engine-catalogue.ts'
import type { HandlersInit } from './engine-types.ts'
import { formatLink, parseLink } from './fetching/index.ts'
import type { ItemRow } from './library/index.ts'
import { canonicalHash, isEncrypted, isTold } from './manifest/index.ts'
import type { Manifest, Reader } from './manifest/index.ts'
import type { KnownItem, Lookup, Network } from './network/index.ts'
import type { CatalogueEntry } from './search/index.ts'

/** For what trackers say of an item; what comes later is there the next time. */
const SWARM_MS = 3000

type DiscoveryCall = Extract<keyof EngineHandlers, `discovery.${string}` | `following.${string}`>
type ItemView = EngineResult<'discovery.item'>
type Presences = ReturnType<Network['knownPresenceOf']>

/** What the network says of what it is not asked about. */
const UNASKED: Pick<Lookup, 'known' | 'foreign' | 'isFresh'> = { isFresh: false }

/** What others published: finding it, and following them. */
export function discoveryHandlers(init: HandlersInit): Pick<EngineHandlers, DiscoveryCall> {
  const { catalogue, keeper, publishers, network, vault, events } = init
  /** Whoever makes these calls is this node's owner. */
  const self = (): Reader => ({ kind: 'bearer', publicKey: vault.owner() ?? '', isNodeOwner: true })
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
    'discovery.item': async ({ id }) => {
      const { mediaId } = parseLink(id)
      if (mediaId === undefined) throw notFound()
      return describe(init, mediaId)
    },
    'discovery.publisher': async ({ publisher }) => publishers.find(publisher),
    'discovery.refresh': async () => {
      await network.refresh()
      await keeper.settled()
      tellFollowing()
      return {}
    },
    'following.list': async () => ({ publishers: publishers.list() }),
    'following.add': async ({ publisher, name }) => {
      const followed = publishers.follow(publisher, name)
      tellFollowing()
      return followed
    },
    'following.remove': async ({ pub }) => {
      publishers.unfollow(pub)
      tellFollowing()
      return {}
    },
  }
}

async function describe(init: HandlersInit, mediaId: string): Promise<ItemView> {
  const { library, network, publishers, keeper, swarm } = init
  const kept = library.get(mediaId, { isTrashIncluded: true })
  // Its id alone tells of it: in the clear, it is the hash of the file.
  const isAsked = kept === undefined || isTold(kept.accessLevel, kept.protection !== 'none')
  const row = kept?.trashedAtMs === undefined ? kept : undefined
  if (!isAsked && row === undefined) throw notFound()
  const [{ known, foreign, isFresh }, presences] = await Promise.all([
    isAsked ? network.lookup(mediaId, row === undefined ? {} : { owner: row.owner }) : UNASKED,
    isAsked ? network.presenceOf(mediaId) : network.knownPresenceOf(mediaId),
  ])
  await keeper.settled()
  if (row === undefined && known?.revocation !== undefined)
    throw new AppError('WITHDRAWN', 'The owner of this item has withdrawn it.')
  const { entry, manifest } = await believed(init, row, known).catch((error: unknown) => {
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
      ...(publisher.pub === '' ? {} : { pub: publisher.pub }),
      isEncrypted: isEncrypted(manifest),
    }),
    manifestVersion: manifest.version,
    publisher,
    roads: roadsOf(manifest, presences),
    conflict:
      known === undefined || known.conflicts.length === 0
        ? []
        : [known.manifest, ...known.conflicts].map(versionOf),
    isFresh,
  }
}

/** What is held says more (its seal may be open) unless the network has a newer version. */
async function believed(
  { library }: HandlersInit,
  row: ItemRow | undefined,
  known: KnownItem | undefined,
): Promise<{ entry: CatalogueEntry; manifest: Manifest }> {
  if (row !== undefined && (known === undefined || known.manifest.version <= row.manifestVersion))
    return { entry: entryOfRow(row, known?.pub), manifest: await library.manifest(row.mediaId) }
  if (known === undefined) throw notFound()
  return { entry: entryOfKnown(known), manifest: known.manifest }
}

function foundItem(
  { library, network, publishers, swarm }: HandlersInit,
  entry: CatalogueEntry,
  isFollowed: boolean,
  presences: Presences = network.knownPresenceOf(entry.mediaId),
): FoundItem {
  const ownerName = publishers.nameOf(entry.owner)
  const seen = entry.infoHash === undefined ? undefined : swarm.counts.of(entry.infoHash)
  return {
    // Out of a row or a verified manifest.
    mediaId: entry.mediaId as MediaId,
    owner: entry.owner,
    ...(ownerName === undefined ? {} : { ownerName }),
    name: entry.name,
    mime: entry.mime,
    sizeBytes: entry.sizeBytes,
    createdAtMs: entry.createdAtMs,
    accessLevel: entry.accessLevel,
    isHeld: library.get(entry.mediaId) !== undefined,
    isFollowed,
    copies: {
      presence: presences.fresh,
      ...(presences.checkedAtMs === undefined ? {} : { presenceAtMs: presences.checkedAtMs }),
      ...(seen === undefined ? {} : { swarm: seen.count, swarmAtMs: seen.atMs }),
    },
  }
}

function isAmong({ owners, pubs }: { readonly owners: readonly string[]; readonly pubs: readonly string[] }) {
  const byOwner = new Set(owners)
  const byPub = new Set(pubs)
  return ({ owner, pub }: CatalogueEntry): boolean =>
    byOwner.has(owner) || (pub !== undefined && byPub.has(pub))
}

function webSourcesOf({ transport }: Manifest): string[] {
  return [...new Set([...(transport?.http ?? []), ...(transport?.bittorrent?.webSeeds ?? [])])]
}

/** By which it could come here, as its manifest and those who have it say; nobody was asked. */
function roadsOf(manifest: Manifest, { peers }: Presences): ItemView['roads'] {
  const { transport, chunks } = manifest
  const others = peers.filter(({ isSelf, isFresh }) => !isSelf && isFresh)
  const hosts = new Set(
    [...webSourcesOf(manifest), ...others.flatMap(({ endpoints }) => endpoints)].flatMap(hostOf),
  )
  return [
    ...(transport?.bittorrent === undefined ? [] : [{ kind: 'torrent' as const, label: 'swarm' }]),
    ...[...hosts].map((label) => ({ kind: 'http' as const, label })),
    ...(transport?.ipfs === undefined ? [] : [{ kind: 'ipfs' as const, label: transport.ipfs.cid }]),
    ...(transport?.arweave === undefined
      ? []
      : [{ kind: 'arweave' as const, label: transport.arweave.txId }]),
    ...(chunks?.hashes === undefined ? [] : [{ kind: 'gun' as const, label: 'relays' }]),
  ]
}

function hostOf(url: string): string[] {
  return URL.canParse(url) ? [new URL(url).host] : []
}

function versionOf(manifest: Manifest): ItemView['conflict'][number] {
  return {
    hash: Buffer.from(canonicalHash(manifest)).toString('hex'),
    name: manifest.name ?? '',
    createdAt: manifest.createdAt,
  }
}

function notFound(): AppError {
  return new AppError(
    'NOT_FOUND',
    'Nobody has told the network of this item, as far as this node has heard.',
    {
      hint: 'Check the id, and whether a relay is connected.',
    },
  )
}
