import type { Copies, EngineResult, FoundItem, MediaId } from './contract/index.ts'
import type { HandlersInit } from './engine-types.ts'
import type { ItemRow } from './library/index.ts'
import { isTold } from './manifest/index.ts'
import type { Manifest } from './manifest/index.ts'
import type { Network } from './network/index.ts'
import type { CatalogueEntry } from './search/index.ts'

type Presences = ReturnType<Network['knownPresenceOf']>

/** An entry of the catalogue as the contract shows it. */
export function foundItem(
  init: HandlersInit,
  entry: CatalogueEntry,
  isFollowed: boolean,
  presences?: Presences,
): FoundItem {
  const { library, publishers, view, vault } = init
  const ownerName = publishers.nameOf(entry.owner, entry.pub)
  const held = library.get(entry.mediaId)
  const shown = held && view(held)
  const isOwn = entry.owner === vault.owner()
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
    protection: shown?.protection ?? unheldProtection(entry),
    sharedWith: entry.sharedWith.length,
    hasConditions: shown?.hasConditions ?? false,
    isOwn,
    isHeld: held !== undefined,
    isFollowed,
    copies: copiesOf(init, entry, presences),
  }
}

/** Only what is shared with this node's owner is in the catalogue beside what is everybody's: it is encrypted for them. */
function unheldProtection({ accessLevel }: CatalogueEntry): FoundItem['protection'] {
  return accessLevel === 'public' ? 'none' : 'readable'
}

/** How many others have an item, as far as anybody said. */
export function copiesOf(
  { network, swarm }: Pick<HandlersInit, 'network' | 'swarm'>,
  { mediaId, infoHash }: { readonly mediaId: string; readonly infoHash?: string | undefined },
  presences: Presences = network.knownPresenceOf(mediaId),
): Copies {
  const seen = infoHash === undefined ? undefined : swarm.counts.of(infoHash)
  return {
    presence: presences.fresh,
    ...(presences.checkedAtMs === undefined ? {} : { presenceAtMs: presences.checkedAtMs }),
    ...(seen === undefined ? {} : { swarm: seen.count, swarmAtMs: seen.atMs }),
  }
}

/** Whether relays and trackers may be asked about an item: its id alone tells of it, in the clear it is the hash of the file. */
export function mayAsk(kept: ItemRow | undefined): boolean {
  return kept === undefined || isTold(kept.accessLevel, kept.protection !== 'none')
}

/** Whether something is of one of these publishers. */
export function isAmong({
  owners,
  pubs,
}: {
  readonly owners: readonly string[]
  readonly pubs: readonly string[]
}) {
  const byOwner = new Set(owners)
  const byPub = new Set(pubs)
  return ({ owner, pub }: CatalogueEntry): boolean =>
    byOwner.has(owner) || (pub !== undefined && byPub.has(pub))
}

/** Web addresses its manifest names. */
export function webSourcesOf({ transport }: Manifest): string[] {
  return [...new Set([...(transport?.http ?? []), ...(transport?.bittorrent?.webSeeds ?? [])])]
}

/** By which it could come here, as its manifest and those who have it say; nobody was asked. */
export function roadsOf(manifest: Manifest, { peers }: Presences): EngineResult<'discovery.item'>['roads'] {
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
