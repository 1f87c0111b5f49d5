import { createStore, type StoreApi } from 'zustand/vanilla'
import type { MediaId, SowerBridge } from '../../app/contract/index.ts'

export type ViewName = 'library' | 'transfers' | 'network' | 'settings'

/** At most one thing lies over the window. */
export type Sheet =
  | { readonly kind: 'none' }
  | { readonly kind: 'paste-link'; readonly link: string }
  | { readonly kind: 'ask-access'; readonly paths: readonly string[] }
  | { readonly kind: 'give-path' }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'close-asked'; readonly uploadingTo: number }
  | { readonly kind: 'confirm-remove'; readonly mediaIds: readonly MediaId[] }

export interface ShellState {
  readonly view: ViewName
  readonly isInspectorOpen: boolean
  /** The item that was opened to be played, not just looked at. */
  readonly playing: MediaId | null
  readonly sheet: Sheet
  /** Raised to put the caret into the search field. */
  readonly searchFocusAsked: number
}

export interface ShellStore {
  readonly store: StoreApi<ShellState>
  go(view: ViewName): void
  setInspectorOpen(isOpen: boolean): void
  play(mediaId: MediaId): void
  openSheet(sheet: Sheet): void
  closeSheet(): void
  focusSearch(): void
  dispose(): void
}

/** Where the user is in the window. `add` from a menu is answered by `onAddAsked`. */
export function createShellStore(bridge: SowerBridge, onAddAsked: () => void): ShellStore {
  const store = createStore<ShellState>(() => ({
    view: 'library',
    isInspectorOpen: false,
    playing: null,
    sheet: { kind: 'none' },
    searchFocusAsked: 0,
  }))
  const openSheet = (sheet: Sheet) => store.setState({ sheet })
  const focusSearch = () =>
    store.setState(({ searchFocusAsked }) => ({ view: 'library', searchFocusAsked: searchFocusAsked + 1 }))
  const stops = [
    bridge.on('desktop.linkOpened', ({ link }) => openSheet({ kind: 'paste-link', link })),
    bridge.on('desktop.filesOpened', ({ paths }) => {
      if (paths.length > 0) openSheet({ kind: 'ask-access', paths })
    }),
    bridge.on('desktop.closeAsked', ({ uploadingTo }) => openSheet({ kind: 'close-asked', uploadingTo })),
    bridge.on('desktop.navigate', ({ to }) => {
      switch (to) {
        case 'library':
        case 'transfers':
        case 'settings':
          return store.setState({ view: to })
        // Where the window has them so far.
        case 'contacts':
        case 'wallet':
          return store.setState({ view: 'settings' })
        case 'add':
          return onAddAsked()
        case 'paste-link':
          return openSheet({ kind: 'paste-link', link: '' })
        case 'search':
          return focusSearch()
        case 'shortcuts':
          return openSheet({ kind: 'shortcuts' })
      }
    }),
  ]
  return {
    store,
    go: (view) => store.setState({ view }),
    setInspectorOpen: (isInspectorOpen) => store.setState({ isInspectorOpen, playing: null }),
    play: (playing) => store.setState({ isInspectorOpen: true, playing }),
    openSheet,
    closeSheet: () => store.setState({ sheet: { kind: 'none' } }),
    focusSearch,
    dispose: () => {
      for (const stop of stops) stop()
    },
  }
}
