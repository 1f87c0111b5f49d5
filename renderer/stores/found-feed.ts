import { createStore, type StoreApi } from 'zustand/vanilla'
import type { EngineArgs, ErrorShape, FoundItem, MediaKind, SowerBridge } from '../../app/contract/index.ts'

export interface FoundQuery {
  readonly text: string
  readonly kind: MediaKind | null
  readonly isFollowedOnly: boolean
}

export interface FoundState {
  readonly query: FoundQuery
  readonly phase: 'loading' | 'ready' | 'failed'
  readonly error: ErrorShape | null
  /** Newest first, as far as they were asked for. */
  readonly items: readonly FoundItem[]
  /** Where the next page begins; undefined = that was all. */
  readonly cursor: string | undefined
  readonly isLoadingMore: boolean
  /** Something newer is known than what is shown, which stays put while it is being read. */
  readonly hasNews: boolean
}

export interface FoundFeed {
  readonly store: StoreApi<FoundState>
  /** Of one publisher; null = of everybody. */
  setOwner(owner: string | null): void
  /** Shows nothing until it is told whose items. */
  clear(): void
  setQuery(patch: Partial<FoundQuery>): void
  reload(): Promise<void>
  more(): Promise<void>
  /** Has those counted that are looked at and were not lately. */
  count(items: readonly FoundItem[]): void
  /** News go straight into a list that shows its beginning, and are only told of in one that is scrolled. */
  setAtStart(isAtStart: boolean): void
  dispose(): void
}

/** The same bytes published by two are two items. */
export function foundKey({ mediaId, owner }: Pick<FoundItem, 'mediaId' | 'owner'>): string {
  return `${mediaId} ${owner}`
}

export const ALL_FOUND: FoundQuery = { text: '', kind: null, isFollowedOnly: false }
const SEARCH_AFTER_MS = 150
const NEWS_AFTER_MS = 400
/** Rows that are only scrolled past are not counted. */
const COUNT_AFTER_MS = 400
/** The engine asks nobody about an item more often than that. */
const COUNT_AGAIN_MS = 5 * 60_000
/** For an answer that did not come in time. */
const COUNT_PAUSE_MS = 20_000
const MAX_COUNTED = 50
const MAX_REMEMBERED = 2_000

/** What others published, page after page; follows what the engine tells of it. */
export function createFoundFeed(bridge: SowerBridge): FoundFeed {
  const store = createStore<FoundState>(() => ({
    query: ALL_FOUND,
    phase: 'loading',
    error: null,
    items: [],
    cursor: undefined,
    isLoadingMore: false,
    hasNews: false,
  }))
  let owner: string | null = null
  let isUsed = false
  let isAtStart = true
  /** Raised whenever answers already under way no longer fit the list. */
  let generation = 0
  let searchTimer: ReturnType<typeof setTimeout> | undefined
  let newsTimer: ReturnType<typeof setTimeout> | undefined

  const countedAtMs = new Map<string, number>()
  let countTimer: ReturnType<typeof setTimeout> | undefined

  const argsFor = (cursor?: string): EngineArgs<'discovery.search'> => {
    const { text, kind, isFollowedOnly } = store.getState().query
    return {
      text: text.trim(),
      isFollowedOnly,
      ...(kind === null ? {} : { kind }),
      ...(owner === null ? {} : { owner }),
      ...(cursor === undefined ? {} : { cursor }),
    }
  }
  const reload = async () => {
    isUsed = true
    clearTimeout(newsTimer)
    newsTimer = undefined
    const mine = ++generation
    const reply = await bridge.call('discovery.search', argsFor())
    if (mine !== generation) return
    store.setState((state) =>
      reply.ok
        ? { ...reply.value, cursor: reply.value.cursor, ...READ }
        : { error: reply.error, phase: state.items.length === 0 ? 'failed' : 'ready', isLoadingMore: false },
    )
  }
  const restart = () => {
    isAtStart = true
    generation += 1
    store.setState({ phase: 'loading', items: [], cursor: undefined, ...NOTHING_ELSE })
  }
  const tellNews = () => {
    if (!isUsed) return
    newsTimer ??= setTimeout(() => {
      newsTimer = undefined
      if (isAtStart) void reload()
      else store.setState({ hasNews: true })
    }, NEWS_AFTER_MS)
  }
  const mark = (ids: ReadonlySet<string>, isHeld: boolean) => {
    const { items } = store.getState()
    if (!items.some((item) => ids.has(item.mediaId) && item.isHeld !== isHeld)) return
    store.setState({ items: items.map((item) => (ids.has(item.mediaId) ? { ...item, isHeld } : item)) })
  }
  const countNow = async (mediaIds: FoundItem['mediaId'][]) => {
    if (countedAtMs.size > MAX_REMEMBERED) countedAtMs.clear()
    for (const id of mediaIds) countedAtMs.set(id, Date.now())
    const reply = await bridge.call('discovery.copies', { mediaIds })
    if (!reply.ok || reply.value.counts.length === 0) return
    const counts = new Map(reply.value.counts.map(({ mediaId, copies }) => [mediaId, copies]))
    store.setState(({ items }) => ({
      items: items.map((item) => ({ ...item, copies: counts.get(item.mediaId) ?? item.copies })),
    }))
  }
  const stops = [
    bridge.on('discovery.changed', tellNews),
    bridge.on('following.changed', tellNews),
    bridge.on('library.changed', ({ items, removed, isReset }) => {
      if (isReset) return tellNews()
      mark(new Set(items.map(({ mediaId }) => mediaId)), true)
      mark(new Set(removed), false)
    }),
  ]
  return {
    store,
    setOwner: (next) => {
      owner = next
      restart()
      store.setState({ query: ALL_FOUND })
      void reload()
    },
    clear: () => {
      isUsed = false
      restart()
    },
    setQuery: (patch) => {
      store.setState(({ query }) => ({ query: { ...query, ...patch } }))
      isAtStart = true
      clearTimeout(searchTimer)
      if (patch.text === undefined) void reload()
      else searchTimer = setTimeout(() => void reload(), SEARCH_AFTER_MS)
    },
    reload,
    more: async () => {
      const { cursor, isLoadingMore } = store.getState()
      if (cursor === undefined || isLoadingMore) return
      const mine = generation
      store.setState({ isLoadingMore: true })
      const reply = await bridge.call('discovery.search', argsFor(cursor))
      if (mine !== generation) return
      store.setState((state) => {
        if (!reply.ok) return { error: reply.error, cursor: undefined, isLoadingMore: false }
        // What arrived meanwhile can push an item into a second page.
        const known = new Set(state.items.map(foundKey))
        const fresh = reply.value.items.filter((item) => !known.has(foundKey(item)))
        return { items: [...state.items, ...fresh], cursor: reply.value.cursor, isLoadingMore: false }
      })
    },
    count: (items) => {
      clearTimeout(countTimer)
      const nowMs = Date.now()
      const due = items.filter(
        ({ accessLevel, copies }) =>
          accessLevel !== 'private' && nowMs - (copies.presenceAtMs ?? 0) > COUNT_AGAIN_MS,
      )
      const ids = [...new Set(due.map(({ mediaId }) => mediaId))]
        .filter((id) => nowMs - (countedAtMs.get(id) ?? 0) > COUNT_PAUSE_MS)
        .slice(0, MAX_COUNTED)
      if (ids.length > 0) countTimer = setTimeout(() => void countNow(ids), COUNT_AFTER_MS)
    },
    setAtStart: (next) => {
      isAtStart = next
      if (next && store.getState().hasNews) void reload()
    },
    dispose: () => {
      for (const stop of stops) stop()
      clearTimeout(searchTimer)
      clearTimeout(newsTimer)
      clearTimeout(countTimer)
      generation += 1
    },
  }
}

const NOTHING_ELSE = { error: null, isLoadingMore: false, hasNews: false } as const
const READ = { phase: 'ready', ...NOTHING_ELSE } as const
