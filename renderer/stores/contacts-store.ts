import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Contact, SowerBridge } from '../../app/contract/index.ts'

export interface ContactsState {
  /** By name. */
  readonly contacts: readonly Contact[]
  readonly isLoaded: boolean
}

export interface ContactsStore {
  readonly store: StoreApi<ContactsState>
  reload(): Promise<void>
  dispose(): void
}

/** The people this node knows. */
export function createContactsStore(bridge: SowerBridge): ContactsStore {
  const store = createStore<ContactsState>(() => ({ contacts: [], isLoaded: false }))
  const set = (contacts: readonly Contact[]) =>
    store.setState({ contacts: [...contacts].sort((a, b) => a.name.localeCompare(b.name)), isLoaded: true })
  const stop = bridge.on('contacts.changed', ({ contacts }) => set(contacts))
  return {
    store,
    reload: async () => {
      const reply = await bridge.call('contacts.list', {})
      if (reply.ok) set(reply.value.contacts)
    },
    dispose: stop,
  }
}

/** What the user calls the owner of `key`; undefined for somebody who is no contact. */
export function selectNameOf(state: ContactsState, key: string | undefined): string | undefined {
  return state.contacts.find((contact) => contact.owner === key)?.name
}
