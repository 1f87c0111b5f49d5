import type {
  EngineHandlers,
  FoundItem,
  Item,
  MediaKind,
  NodeStatus,
  Publisher,
  TransferSource,
} from '../../app/contract/index.ts'
import { fakeItems } from './fake-items.ts'
import { fakeCardIndex, fakeContact, fakeFingerprint, fakePersonKey } from './fake-people.ts'
import { refuse } from './fake-vault.ts'

const PUBLISHERS = ['Valley Radio', 'Ana Lindqvist', 'Open Rivers', '', 'مكتبة الوادي'] as const
const HOUR_MS = 3_600_000

const kindOf = (mime: string): MediaKind => {
  const top = mime.split('/')[0]
  if (top === 'video' || top === 'audio' || top === 'image' || top === 'text') return top
  return mime === 'application/pdf' ? 'text' : 'other'
}

/** The SEA key and owner key of the publisher of number `index`. */
export const fakePublisherKey = (index: number) => {
  const owner = fakePersonKey(index)
  return { owner, pub: fakeContact(index, 0).pub }
}

export interface FakeNetworkOptions {
  /** How many items others published. */
  readonly found: number
  /** How many of the publishers are followed. */
  readonly following: number
  readonly emit: (name: string, payload: unknown) => void
  readonly held: () => readonly Item[]
  readonly hasRelay: () => boolean
}

type Handlers = Pick<
  EngineHandlers,
  | 'discovery.search'
  | 'discovery.item'
  | 'discovery.copies'
  | 'discovery.publisher'
  | 'discovery.refresh'
  | 'following.list'
  | 'following.add'
  | 'following.remove'
>

/** A made-up network: the same items and publishers each time, nobody behind them. */
export function createFakeNetwork(options: FakeNetworkOptions): Handlers {
  const nowMs = Date.now()
  const count = PUBLISHERS.length
  const followedAt = new Map<string, { name: string | undefined; atMs: number }>()
  for (let index = 0; index < options.following; index++) {
    followedAt.set(fakePublisherKey(index).pub, {
      name: PUBLISHERS[index % count] || undefined,
      atMs: nowMs - (index + 1) * 50 * HOUR_MS,
    })
  }
  const all = fakeItems(options.found, nowMs, 31).map((item, index) => ({ item, from: (index * 7) % count }))
  const describe = ({ item, from }: (typeof all)[number], index: number): FoundItem => {
    const { owner, pub } = fakePublisherKey(from)
    const name = PUBLISHERS[from]
    const isFollowed = followedAt.has(pub)
    return {
      mediaId: item.mediaId,
      owner,
      ...(name === undefined || name === '' ? {} : { ownerName: name }),
      name: item.name,
      mime: item.mime,
      sizeBytes: item.sizeBytes,
      createdAtMs: item.addedAtMs,
      accessLevel: index % 11 === 5 ? 'shared' : 'public',
      protection: index % 11 === 5 ? 'readable' : 'none',
      sharedWith: index % 11 === 5 ? 1 : 0,
      hasConditions: false,
      isOwn: false,
      isHeld: index % 9 === 2 || options.held().some(({ mediaId }) => mediaId === item.mediaId),
      isFollowed,
      copies: {
        presence: index % 5 === 4 ? 0 : 1 + (index % 4),
        ...(index % 15 === 14 ? {} : { presenceAtMs: nowMs - (index + 4) * 60_000 }),
        ...(index % 3 === 0 ? { swarm: 2 + (index % 6), swarmAtMs: nowMs - (index + 2) * 60_000 } : {}),
      },
    }
  }
  const found = () => all.map(describe)
  const publisherOf = (index: number): Publisher => {
    const { owner, pub } = fakePublisherKey(index)
    const followed = followedAt.get(pub)
    const name = followed?.name ?? (PUBLISHERS[index % count] || undefined)
    return {
      pub,
      owner,
      ...(name === undefined ? {} : { name }),
      fingerprint: fakeFingerprint(owner),
      isFollowed: followed !== undefined,
      isContact: index === 1,
      items: all.filter(({ from }) => from === index).length,
      ...(followed === undefined ? {} : { followedAtMs: followed.atMs }),
      ...(followed === undefined ? {} : { checkedAtMs: nowMs - 3 * 60_000 }),
    }
  }
  const indexOf = (text: string): number | null => {
    const card = fakeCardIndex(text)
    if (card !== null) return card
    for (let index = 0; index < count; index++) {
      const { owner, pub } = fakePublisherKey(index)
      if (text === owner || text === pub) return index
    }
    const linked = all.find(({ item }) => text.includes(item.mediaId))
    return linked?.from ?? null
  }
  const listed = () => {
    const publishers = Array.from({ length: count }, (_, index) => publisherOf(index))
    return publishers.filter(({ isFollowed }) => isFollowed)
  }
  const roads: { kind: TransferSource['kind']; label: string }[] = [
    { kind: 'torrent', label: 'swarm' },
    { kind: 'http', label: 'media.example.org' },
    { kind: 'ipfs', label: 'ipfs.example.org' },
    { kind: 'arweave', label: 'arweave.example.net' },
    { kind: 'gun', label: 'gun' },
  ]
  return {
    'discovery.search': ({ text, kind, owner, isFollowedOnly, limit, cursor }) => {
      const words = text.toLocaleLowerCase()
      const matching = found().filter(
        (item) =>
          (words === '' || `${item.name} ${item.ownerName ?? ''}`.toLocaleLowerCase().includes(words)) &&
          (kind === undefined || kindOf(item.mime) === kind) &&
          (owner === undefined || item.owner === owner) &&
          (!isFollowedOnly || item.isFollowed),
      )
      const from = Number(cursor ?? 0)
      const next = from + limit
      return Promise.resolve({
        items: matching.slice(from, next),
        ...(next < matching.length ? { cursor: String(next) } : {}),
      })
    },
    'discovery.item': ({ id }) => {
      const index = all.findIndex(({ item }) => id.includes(item.mediaId))
      const one = all[index]
      if (one === undefined) return refuse('NOT_FOUND', 'No relay knows of this item.')
      const createdAt = new Date(one.item.addedAtMs).toISOString()
      return Promise.resolve({
        item: describe(one, index),
        link: `sower://media/${one.item.mediaId}?v=1&pub=${fakePublisherKey(one.from).pub}`,
        manifestVersion: 1 + (index % 3),
        publisher: publisherOf(one.from),
        roads: index % 5 === 4 ? [] : roads.slice(0, 2 + (index % 4)),
        conflict:
          index !== 3
            ? []
            : [
                { hash: 'a1'.repeat(32), name: one.item.name, createdAt },
                { hash: 'b2'.repeat(32), name: `Other ${one.item.name}`, createdAt },
              ],
        heard: options.hasRelay() ? 'said' : 'nobody',
      })
    },
    'discovery.copies': ({ mediaIds }) =>
      Promise.resolve({
        counts: found()
          .filter(({ mediaId }) => mediaIds.includes(mediaId))
          .map(({ mediaId, copies }) => ({ mediaId, copies })),
      }),
    'discovery.publisher': ({ publisher }) => {
      const index = indexOf(publisher)
      return index === null
        ? refuse('NOT_FOUND', 'Nobody is known by that key.')
        : Promise.resolve(publisherOf(index))
    },
    'discovery.refresh': () => Promise.resolve({}),
    'following.list': () => Promise.resolve({ publishers: listed() }),
    'following.add': ({ publisher, name }) => {
      const index = indexOf(publisher)
      if (index === null) return refuse('NOT_FOUND', 'Nobody is known by that key.')
      const known = PUBLISHERS[index % count] || undefined
      followedAt.set(fakePublisherKey(index).pub, { name: name ?? known, atMs: Date.now() })
      options.emit('following.changed', { publishers: listed() })
      return Promise.resolve(publisherOf(index))
    },
    'following.remove': ({ pub }) => {
      followedAt.delete(pub)
      options.emit('following.changed', { publishers: listed() })
      return Promise.resolve({})
    },
  }
}

/** How GUN does with `relays` listed: the first works, the second does not, the third is being tried. */
export function fakeNetworkStatus(relays: readonly string[], nowMs: number): NodeStatus['network'] {
  const states = ['open', 'waiting', 'connecting'] as const
  return {
    state: relays.length === 0 ? 'off' : 'running',
    relays: relays.map((url, index) => {
      const state = states[index % states.length] ?? 'open'
      return {
        url,
        state,
        sinceMs: nowMs - (index + 2) * HOUR_MS,
        ...(state === 'waiting' ? { error: 'It refused the connection.' } : {}),
      }
    }),
    ...(relays.length === 0 ? {} : { owed: 3 }),
    sockets: relays.length === 0 ? 0 : 2,
    memoryBytes: relays.length === 0 ? 0 : 84_000_000,
    restarts: 0,
    dropped: relays.length === 0 ? {} : { soul: 1204, signature: 17, stale: 88, 'value-size': 2 },
  }
}
