import { createStore, type StoreApi } from 'zustand/vanilla'
import type { EngineResult, ErrorShape, FoundItem, Publisher, SowerBridge } from '../../app/contract/index.ts'
import { createFoundFeed, type FoundFeed } from './found-feed.ts'

export type FoundDetail = EngineResult<'discovery.item'>

/** Where one is in Discover. `known`: what the list said, shown until the whole answer is there; it says whose item it is. */
export type DiscoverPlace =
  | { readonly kind: 'feed' }
  | { readonly kind: 'item'; readonly id: string; readonly known: FoundItem | null }
  /** `publisher`: their SEA or owner key. */
  | { readonly kind: 'publisher'; readonly publisher: string }

export interface DiscoverState {
  /** The way here; the last is what is shown. */
  readonly trail: readonly DiscoverPlace[]
  readonly detail: FoundDetail | null
  readonly publisher: Publisher | null
  /** Why what is shown could not be asked for. */
  readonly error: ErrorShape | null
  readonly isAsking: boolean
  readonly following: readonly Publisher[]
  readonly isFollowingLoaded: boolean
}

export interface DiscoverStore {
  readonly store: StoreApi<DiscoverState>
  readonly feed: FoundFeed
  /** Items of the publisher who is shown. */
  readonly theirs: FoundFeed
  open(place: DiscoverPlace): void
  back(): void
  /** Asks again for what is shown. */
  ask(): Promise<void>
  reload(): Promise<void>
  dispose(): void
}

const FEED: DiscoverPlace = { kind: 'feed' }

/** Where somebody looks around in what others published, and whom they follow. */
export function createDiscoverStore(bridge: SowerBridge): DiscoverStore {
  const store = createStore<DiscoverState>(() => ({
    trail: [FEED],
    detail: null,
    publisher: null,
    error: null,
    isAsking: false,
    following: [],
    isFollowingLoaded: false,
  }))
  const feed = createFoundFeed(bridge)
  const theirs = createFoundFeed(bridge)
  /** Raised with every question: an answer to an older one is dropped. */
  let question = 0

  const ask = async () => {
    const place = store.getState().trail.at(-1) ?? FEED
    if (place.kind === 'feed') return
    const mine = ++question
    store.setState({ isAsking: true })
    if (place.kind === 'item') {
      const { id, known } = place
      const reply = await bridge.call('discovery.item', {
        id,
        ...(known === null ? {} : { owner: known.owner }),
      })
      if (mine !== question) return
      store.setState(
        reply.ok
          ? { detail: reply.value, error: null, isAsking: false }
          : { error: reply.error, isAsking: false },
      )
      return
    }
    const before = store.getState().publisher?.owner
    const reply = await bridge.call('discovery.publisher', { publisher: place.publisher })
    if (mine !== question) return
    if (!reply.ok) return store.setState({ error: reply.error, isAsking: false })
    store.setState({ publisher: reply.value, error: null, isAsking: false })
    if (reply.value.owner !== undefined && reply.value.owner !== before) theirs.setOwner(reply.value.owner)
  }
  const show = (trail: readonly DiscoverPlace[]) => {
    question += 1
    store.setState({ trail, detail: null, publisher: null, error: null, isAsking: false })
    theirs.clear()
    void ask()
  }
  const stops = [
    bridge.on('following.changed', ({ publishers }) => {
      store.setState({ following: publishers, isFollowingLoaded: true })
      void ask()
    }),
    bridge.on('discovery.changed', ({ mediaIds, isReset }) => {
      const place = store.getState().trail.at(-1)
      if (isReset || (place?.kind === 'item' && mediaIds.some((id) => place.id.includes(id)))) void ask()
    }),
    bridge.on('library.changed', ({ items, removed }) => {
      const id = store.getState().detail?.item.mediaId
      if (id !== undefined && (removed.includes(id) || items.some((item) => item.mediaId === id))) void ask()
    }),
  ]
  return {
    store,
    feed,
    theirs,
    open: (place) => show(place.kind === 'feed' ? [FEED] : [...store.getState().trail.slice(-20), place]),
    back: () => {
      const { trail } = store.getState()
      if (trail.length > 1) show(trail.slice(0, -1))
    },
    ask,
    reload: async () => {
      const [reply] = await Promise.all([bridge.call('following.list', {}), feed.reload()])
      if (reply.ok) store.setState({ following: reply.value.publishers, isFollowingLoaded: true })
    },
    dispose: () => {
      for (const stop of stops) stop()
      feed.dispose()
      theirs.dispose()
      question += 1
    },
  }
}
