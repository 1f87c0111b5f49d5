import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Contact, Item, MediaId, Person, SowerBridge } from '../../app/contract/index.ts'

export type ViewName = 'library' | 'discover' | 'contacts' | 'transfers' | 'network' | 'wallet' | 'settings'

/** The view behind each number key, in the order of the rail. */
export const VIEW_ORDER: readonly ViewName[] = [
  'library',
  'discover',
  'contacts',
  'transfers',
  'network',
  'wallet',
  'settings',
]

/** At most one thing lies over the window. */
export type Sheet =
  | { readonly kind: 'none' }
  | { readonly kind: 'paste-link'; readonly link: string }
  | { readonly kind: 'ask-access'; readonly paths: readonly string[] }
  | { readonly kind: 'give-path' }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'close-asked'; readonly uploadingTo: number }
  | { readonly kind: 'confirm-remove'; readonly mediaIds: readonly MediaId[] }
  /** `card`: a link or the content of a card file, to start with. */
  | { readonly kind: 'add-contact'; readonly card: string }
  /** `publisher`: a card, key or link, to start with. */
  | { readonly kind: 'follow'; readonly publisher: string }
  | { readonly kind: 'add-relay' }
  | { readonly kind: 'remove-contact'; readonly contact: Contact }
  /** Picks people for an item that is encrypted, or that is to be. */
  | { readonly kind: 'share'; readonly item: Item }
  | { readonly kind: 'conditions'; readonly item: Item }
  | { readonly kind: 'no-conditions'; readonly item: Item }
  | { readonly kind: 'unshare'; readonly item: Item; readonly person: Person }
  | { readonly kind: 'key-link'; readonly item: Item }
  | { readonly kind: 'watch'; readonly transferId: string; readonly name: string }
  | { readonly kind: 'backup-words' | 'backup-file' | 'restore' | 'new-wallet' | 'unlock' | 'rotate' }

export interface ShellState {
  readonly view: ViewName
  readonly isInspectorOpen: boolean
  /** The item that was opened to be played, not just looked at. */
  readonly playing: MediaId | null
  readonly sheet: Sheet
  /** Raised to put the caret into the search field. */
  readonly searchFocusAsked: number
}

/** `sower://card/…`, or the content of a card file. */
export const isCard = (text: string): boolean => /^\s*(sower:(\/\/)?card\/|\{)/i.test(text)

export interface ShellStore {
  readonly store: StoreApi<ShellState>
  go(view: ViewName): void
  setInspectorOpen(isOpen: boolean): void
  play(mediaId: MediaId): void
  openSheet(sheet: Sheet): void
  /** A link from anywhere: a card goes to the contacts, everything else to the link sheet. */
  openLink(link: string): void
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
  const openLink = (link: string) => {
    if (isCard(link)) store.setState({ view: 'contacts', sheet: { kind: 'add-contact', card: link } })
    else openSheet({ kind: 'paste-link', link })
  }
  const focusSearch = () =>
    store.setState(({ view, searchFocusAsked }) => ({
      view: view === 'discover' ? view : 'library',
      searchFocusAsked: searchFocusAsked + 1,
    }))
  const stops = [
    bridge.on('desktop.linkOpened', ({ link }) => openLink(link)),
    bridge.on('desktop.filesOpened', ({ paths }) => {
      if (paths.length > 0) openSheet({ kind: 'ask-access', paths })
    }),
    bridge.on('desktop.closeAsked', ({ uploadingTo }) => openSheet({ kind: 'close-asked', uploadingTo })),
    bridge.on('desktop.navigate', ({ to }) => {
      switch (to) {
        case 'library':
        case 'discover':
        case 'contacts':
        case 'transfers':
        case 'network':
        case 'wallet':
        case 'settings':
          return store.setState({ view: to })
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
    openLink,
    closeSheet: () => store.setState({ sheet: { kind: 'none' } }),
    focusSearch,
    dispose: () => {
      for (const stop of stops) stop()
    },
  }
}
