import type { EngineHandlers } from './contract/index.ts'
import { notYet } from './engine-not-yet.ts'
import type { HandlersInit } from './engine-types.ts'

type VaultCall = Extract<keyof EngineHandlers, `vault.${string}` | `contacts.${string}`>

/** The wallet, its backup, and the people one knows. */
export function vaultHandlers({ vault, contacts }: HandlersInit): Pick<EngineHandlers, VaultCall> {
  return {
    'vault.token': async () => vault.issueToken(),
    'vault.unlock': async () => vault.retry(),
    'vault.create': notYet,
    'vault.reveal': notYet,
    'vault.askWords': notYet,
    'vault.confirmWords': notYet,
    'vault.exportBackup': notYet,
    'vault.restore': notYet,
    'vault.card': notYet,
    'contacts.list': async () => ({ contacts: contacts.list() }),
    'contacts.add': async ({ card, name }) => contacts.add(card, name),
    'contacts.rename': async ({ owner, name }) => contacts.rename(owner, name),
    'contacts.remove': async ({ owner }) => {
      contacts.remove(owner)
      return {}
    },
  }
}
