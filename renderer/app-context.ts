import { createContext, use } from 'react'
import { useStore } from 'zustand'
import type { App } from './stores/app.ts'
import type { ContactsState } from './stores/contacts-store.ts'
import type { DesktopState } from './stores/desktop-store.ts'
import type { DiscoverState } from './stores/discover-store.ts'
import type { DetailState } from './stores/detail-store.ts'
import type { LibraryState } from './stores/library-store.ts'
import type { NodeState } from './stores/node-store.ts'
import type { ShellState } from './stores/shell-store.ts'
import type { WindowMemoryState } from './stores/window-memory.ts'
import type { TransfersState } from './stores/transfers-store.ts'

export const AppContext = createContext<App | null>(null)

/** The stores and verbs of this window. */
export function useApp(): App {
  const app = use(AppContext)
  if (app === null) throw new Error('useApp is for components inside AppContext')
  return app
}

export const useLibrary = <T>(select: (state: LibraryState) => T): T =>
  useStore(useApp().library.store, select)
export const useContacts = <T>(select: (state: ContactsState) => T): T =>
  useStore(useApp().contacts.store, select)
export const useDiscover = <T>(select: (state: DiscoverState) => T): T =>
  useStore(useApp().discover.store, select)
export const useMemory = <T>(select: (state: WindowMemoryState) => T): T =>
  useStore(useApp().memory.store, select)
export const useTransfers = <T>(select: (state: TransfersState) => T): T =>
  useStore(useApp().transfers.store, select)
export const useNode = <T>(select: (state: NodeState) => T): T => useStore(useApp().node.store, select)
export const useDesktop = <T>(select: (state: DesktopState) => T): T =>
  useStore(useApp().desktop.store, select)
export const useDetail = <T>(select: (state: DetailState) => T): T => useStore(useApp().detail.store, select)
export const useShell = <T>(select: (state: ShellState) => T): T => useStore(useApp().shell.store, select)
