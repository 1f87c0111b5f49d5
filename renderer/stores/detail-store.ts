import { createStore, type StoreApi } from 'zustand/vanilla'
import type { ErrorShape, ItemDetail, MediaId, SowerBridge } from '../../app/contract/index.ts'

export interface DetailState {
  readonly mediaId: MediaId | null
  readonly detail: ItemDetail | null
  readonly error: ErrorShape | null
}

export interface DetailStore {
  readonly store: StoreApi<DetailState>
  /** Follows one item (null = none): loaded now, again when it changes, and every few seconds for its peers. */
  follow(mediaId: MediaId | null): void
  dispose(): void
}

const PEERS_EVERY_MS = 2_000

/** Everything about the item that the inspector shows. */
export function createDetailStore(bridge: SowerBridge): DetailStore {
  const store = createStore<DetailState>(() => ({ mediaId: null, detail: null, error: null }))
  let timer: ReturnType<typeof setInterval> | undefined
  let isLoading = false

  const load = async () => {
    const { mediaId } = store.getState()
    if (mediaId === null || isLoading) return
    isLoading = true
    const reply = await bridge.call('library.get', { mediaId })
    isLoading = false
    const now = store.getState().mediaId
    if (now !== mediaId) return void load()
    store.setState(reply.ok ? { detail: reply.value, error: null } : { detail: null, error: reply.error })
  }

  const stop = bridge.on('library.changed', ({ items, isReset }) => {
    const { mediaId } = store.getState()
    if (isReset || items.some((item) => item.mediaId === mediaId)) void load()
  })
  return {
    store,
    follow: (mediaId) => {
      if (mediaId === store.getState().mediaId) return
      clearInterval(timer)
      store.setState({ mediaId, detail: null, error: null })
      if (mediaId === null) return
      void load()
      // What comes of it is in the detail; nobody is asked about what is private.
      void bridge.call('discovery.copies', { mediaIds: [mediaId] })
      timer = setInterval(() => void load(), PEERS_EVERY_MS)
    },
    dispose: () => {
      stop()
      clearInterval(timer)
    },
  }
}
