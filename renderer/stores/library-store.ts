import { createStore, type StoreApi } from 'zustand/vanilla'
import type {
  EngineArgs,
  EngineResult,
  ErrorShape,
  Item,
  MediaId,
  SowerBridge,
} from '../../app/contract/index.ts'
import { createSelection, type SelectionState, type SelectionVerbs } from './selection.ts'

export const PAGE_SIZE = 100
const LARGEST_PAGE = 500
const REFRESH_AFTER_MS = 400
const SEARCH_AFTER_MS = 120

type ListArgs = EngineArgs<'library.list'>
export interface LibraryQuery {
  readonly search: string
  readonly filter: NonNullable<ListArgs['filter']>
  readonly sort: NonNullable<ListArgs['sort']>
  readonly direction: NonNullable<ListArgs['direction']>
}

export interface LibraryState extends SelectionState {
  readonly query: LibraryQuery
  readonly phase: 'loading' | 'ready' | 'failed'
  readonly error: ErrorShape | null
  readonly total: number
  readonly counts: EngineResult<'library.list'>['counts']
  /** Something private is in the library, whatever is being searched for. */
  readonly hasPrivate: boolean
  /** Loaded pages of the current list, by page number. */
  readonly pages: ReadonlyMap<number, readonly MediaId[]>
  readonly items: ReadonlyMap<MediaId, Item>
  /** The row somebody came to see; the list scrolls there once. */
  readonly reveal: { readonly index: number } | null
}

export interface LibraryStore extends SelectionVerbs {
  readonly store: StoreApi<LibraryState>
  /** Makes sure that rows `from..to` (inclusive) are loaded or on their way. */
  ensureRange(from: number, to: number): void
  setQuery(patch: Partial<LibraryQuery>): void
  /** Shows the whole list with this item in it, selected. @returns whether it is there */
  show(mediaId: MediaId): Promise<boolean>
  reload(): Promise<void>
  selectAll(): Promise<void>
  dispose(): void
}

export const FIRST_QUERY: LibraryQuery = { search: '', filter: 'all', sort: 'added', direction: 'desc' }
const NO_COUNTS = { all: 0, attention: 0, public: 0, private: 0 }

/** The row at `index` of the current list; undefined while its page is loading. */
export function selectItemAt(state: LibraryState, index: number): Item | undefined {
  const id = state.pages.get(Math.floor(index / PAGE_SIZE))?.[index % PAGE_SIZE]
  return id === undefined ? undefined : state.items.get(id)
}

/** The selected items that are loaded, in list order. */
export function selectSelectedItems(state: LibraryState): Item[] {
  const found: Item[] = []
  for (const id of state.selected) {
    const item = state.items.get(id)
    if (item !== undefined) found.push(item)
  }
  return found
}

/**
 * The library as this window sees it: pages of the engine's list fetched by index as they scroll into view, changes
 * merged as they are told. A list that changed shape is fetched again behind the rows that are showing.
 */
export function createLibraryStore(bridge: SowerBridge): LibraryStore {
  const store = createStore<LibraryState>(() => ({
    query: FIRST_QUERY,
    phase: 'loading',
    error: null,
    total: 0,
    counts: NO_COUNTS,
    hasPrivate: false,
    pages: new Map(),
    items: new Map(),
    reveal: null,
    selected: new Set(),
    cursor: -1,
    anchor: -1,
  }))
  /** Raised whenever answers already under way no longer fit the list. */
  let generation = 0
  let inFlight = new Set<number>()
  let visible = { from: 0, to: PAGE_SIZE - 1 }
  let refreshTimer: ReturnType<typeof setTimeout> | undefined
  let searchTimer: ReturnType<typeof setTimeout> | undefined

  const listArgs = (offset: number, limit: number): ListArgs => {
    const { search, ...rest } = store.getState().query
    return { ...rest, offset, limit, ...(search.trim() === '' ? {} : { search: search.trim() }) }
  }

  async function fetchPages(wanted: readonly number[], isFresh: boolean): Promise<void> {
    const mine = generation
    for (const page of wanted) inFlight.add(page)
    const replies = await Promise.all(
      wanted.map((page) => bridge.call('library.list', listArgs(page * PAGE_SIZE, PAGE_SIZE))),
    )
    if (mine !== generation) return
    for (const page of wanted) inFlight.delete(page)
    const failed = replies.find((reply) => !reply.ok)
    if (failed !== undefined && !failed.ok) {
      store.setState(({ pages }) => ({ error: failed.error, phase: pages.size === 0 ? 'failed' : 'ready' }))
      return
    }
    store.setState((state) => {
      const pages = new Map(isFresh ? [] : state.pages)
      const items = new Map(state.items)
      let { total, counts } = state
      replies.forEach((reply, i) => {
        const page = wanted[i]
        if (!reply.ok || page === undefined) return
        pages.set(
          page,
          reply.value.items.map((item) => item.mediaId),
        )
        for (const item of reply.value.items) items.set(item.mediaId, item)
        total = reply.value.total
        counts = reply.value.counts
      })
      const isWhole = state.query.search.trim() === ''
      const hasPrivate = counts.private > 0 || (!isWhole && state.hasPrivate)
      return { pages, items, total, counts, hasPrivate, phase: 'ready', error: null }
    })
  }

  const pagesOf = (from: number, to: number): number[] => {
    const pages: number[] = []
    for (let page = Math.floor(Math.max(0, from) / PAGE_SIZE); page <= Math.floor(to / PAGE_SIZE); page++) {
      pages.push(page)
    }
    return pages
  }

  const reload = async () => {
    clearTimeout(refreshTimer)
    refreshTimer = undefined
    generation += 1
    inFlight = new Set()
    // An empty list shows no rows at all, and its first page is where the next item appears.
    await fetchPages(pagesOf(visible.from, Math.max(visible.from, visible.to)), true)
  }
  const reloadSoon = () => {
    refreshTimer ??= setTimeout(() => void reload(), REFRESH_AFTER_MS)
  }

  const stopChanged = bridge.on('library.changed', (change) => {
    if (change.isReset) return reloadSoon()
    const state = store.getState()
    const items = new Map(state.items)
    let hasNewShape = change.removed.length > 0
    // One that comes back (an undone removal) must be seen as new.
    for (const id of change.removed) items.delete(id)
    for (const item of change.items) {
      const before = items.get(item.mediaId)
      if (before === undefined || before.accessLevel !== item.accessLevel || before.state !== item.state) {
        hasNewShape = true
      }
      if (before !== undefined) items.set(item.mediaId, item)
    }
    const gone = new Set<MediaId>(change.removed)
    const selected =
      gone.size === 0 ? state.selected : new Set([...state.selected].filter((id) => !gone.has(id)))
    store.setState({ items, selected })
    if (hasNewShape) reloadSoon()
  })

  const idAt = async (index: number): Promise<MediaId | undefined> => {
    const held = selectItemAt(store.getState(), index)
    if (held !== undefined) return held.mediaId
    await fetchPages(pagesOf(index, index), false)
    return selectItemAt(store.getState(), index)?.mediaId
  }
  const idsBetween = async (from: number, to: number): Promise<MediaId[]> => {
    const missing = pagesOf(from, to).filter((page) => !store.getState().pages.has(page))
    if (missing.length > 0) await fetchPages(missing, false)
    const ids: MediaId[] = []
    for (let index = from; index <= to; index++) {
      const item = selectItemAt(store.getState(), index)
      if (item !== undefined) ids.push(item.mediaId)
    }
    return ids
  }

  return {
    store,
    ...createSelection(store, { idAt, idsBetween, total: () => store.getState().total }),
    ensureRange: (from, to) => {
      visible = { from, to }
      const { pages } = store.getState()
      const missing = pagesOf(from, to).filter((page) => !pages.has(page) && !inFlight.has(page))
      if (missing.length > 0) void fetchPages(missing, false)
    },
    setQuery: (patch) => {
      store.setState(({ query }) => ({
        query: { ...query, ...patch },
        reveal: null,
        selected: new Set(),
        cursor: -1,
        anchor: -1,
      }))
      visible = { from: 0, to: PAGE_SIZE - 1 }
      clearTimeout(searchTimer)
      if (patch.search === undefined) void reload()
      else searchTimer = setTimeout(() => void reload(), SEARCH_AFTER_MS)
    },
    show: async (mediaId) => {
      clearTimeout(searchTimer)
      const { sort, direction } = store.getState().query
      store.setState(({ query }) => ({ query: { ...query, search: '', filter: 'all' }, reveal: null }))
      const reply = await bridge.call('library.position', { mediaId, sort, direction })
      const index = reply.ok ? reply.value.index : null
      visible = index === null ? { from: 0, to: PAGE_SIZE - 1 } : { from: index, to: index }
      await reload()
      if (index === null) return false
      store.setState({ selected: new Set([mediaId]), cursor: index, anchor: index, reveal: { index } })
      return true
    },
    reload,
    selectAll: async () => {
      const mine = generation
      const ids: MediaId[] = []
      const { total } = store.getState()
      for (let offset = 0; offset < total; offset += LARGEST_PAGE) {
        // One page after the other: the engine answers others in between.
        const reply = await bridge.call('library.list', listArgs(offset, LARGEST_PAGE))
        if (!reply.ok || mine !== generation) return
        for (const item of reply.value.items) ids.push(item.mediaId)
      }
      store.setState({ selected: new Set(ids) })
    },
    dispose: () => {
      stopChanged()
      clearTimeout(refreshTimer)
      clearTimeout(searchTimer)
      generation += 1
    },
  }
}
