import type { ErrorShape, MediaId, Reply, SowerBridge } from '../../app/contract/index.ts'
import { errorWords } from '../strings/error-words.ts'
import { createContactsStore, type ContactsStore } from './contacts-store.ts'
import { createDesktopStore, type DesktopStore } from './desktop-store.ts'
import { createDiscoverStore, type DiscoverStore } from './discover-store.ts'
import { createDiscoverVerbs, type DiscoverVerbs } from './discover-verbs.ts'
import { createDetailStore, type DetailStore } from './detail-store.ts'
import { createLibraryStore, type LibraryStore } from './library-store.ts'
import { createNodeStore, type NodeStore } from './node-store.ts'
import { createSharingVerbs, type SharingVerbs } from './sharing-verbs.ts'
import { createShellStore, type ShellStore } from './shell-store.ts'
import { createToasts, type Toasts } from './toasts.ts'
import { createTransfersStore, type TransfersStore } from './transfers-store.ts'
import { createItemVerbs, type ItemVerbs } from './item-verbs.ts'
import { createWindowMemory, type WindowMemory } from './window-memory.ts'

/** All read models of the window and what a user can do, over one bridge. */
export interface App {
  readonly bridge: SowerBridge
  readonly library: LibraryStore
  readonly contacts: ContactsStore
  readonly discover: DiscoverStore
  readonly transfers: TransfersStore
  readonly node: NodeStore
  readonly desktop: DesktopStore
  readonly detail: DetailStore
  readonly shell: ShellStore
  readonly toasts: Toasts
  readonly memory: WindowMemory
  readonly verbs: ItemVerbs
  readonly sharing: SharingVerbs
  readonly finding: DiscoverVerbs
  /** Says a failed reply out loud; passes every reply through. */
  report<T>(reply: Reply<T>): Reply<T>
  start(): void
  dispose(): void
}

export type { MediaId }

export function createApp(bridge: SowerBridge): App {
  const toasts = createToasts()
  const library = createLibraryStore(bridge)
  const contacts = createContactsStore(bridge)
  const discover = createDiscoverStore(bridge)
  const transfers = createTransfersStore(bridge)
  const node = createNodeStore(bridge)
  const desktop = createDesktopStore(bridge)
  const detail = createDetailStore(bridge)
  const sayError = (error: ErrorShape) => toasts.showError(error, errorWords)
  const report = <T>(reply: Reply<T>): Reply<T> => {
    if (!reply.ok && reply.error.code !== 'CANCELLED') sayError(reply.error)
    return reply
  }
  const shell: ShellStore = createShellStore(bridge, () => void verbs.addFromPicker())
  const verbs: ItemVerbs = createItemVerbs({ bridge, toasts, shell, transfers, report })
  const sharing = createSharingVerbs({
    bridge,
    toasts,
    shell,
    report,
    copyText: (text, saying) => verbs.copyText(text, saying),
  })
  const finding = createDiscoverVerbs({
    bridge,
    toasts,
    shell,
    library,
    transfers,
    report,
    copyText: (text, saying) => verbs.copyText(text, saying),
  })
  const memory = createWindowMemory()

  const reloadAll = () => {
    void library.reload()
    void contacts.reload()
    void discover.reload()
    void transfers.reload()
    void node.reload()
  }
  let wasRunning = false
  const stopFollowing = desktop.store.subscribe(({ engine }) => {
    const isRunning = engine.state === 'running'
    if (isRunning && !wasRunning) reloadAll()
    wasRunning = isRunning
  })

  return {
    bridge,
    library,
    contacts,
    discover,
    transfers,
    node,
    desktop,
    detail,
    shell,
    toasts,
    memory,
    verbs,
    sharing,
    finding,
    report,
    start: () => void desktop.reload(),
    dispose: () => {
      stopFollowing()
      const parts = [library, contacts, discover, transfers, node, desktop, detail, shell, toasts]
      for (const part of parts) part.dispose()
    },
  }
}
