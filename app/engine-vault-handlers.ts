import type { EngineHandlers } from './contract/index.ts'
import type { HandlersInit } from './engine-types.ts'
import { cardJson, cardLink, fingerprintOf } from './vault/index.ts'

type VaultCall = Extract<keyof EngineHandlers, `vault.${string}` | `contacts.${string}`>

/** The wallet, its backup, and the people one knows. */
export function vaultHandlers({ vault, contacts }: HandlersInit): Pick<EngineHandlers, VaultCall> {
  return {
    'vault.token': async () => vault.issueToken(),
    'vault.unlock': async ({ passphrase }) =>
      passphrase === undefined ? vault.retry() : vault.unlock(passphrase),
    'vault.create': async ({ words, passphrase }) => vault.create(words, passphrase),
    'vault.reveal': async () => vault.reveal(),
    'vault.askWords': async () => ({ positions: await vault.askWords() }),
    'vault.confirmWords': async ({ answers }) => vault.confirmWords(answers),
    'vault.exportBackup': async ({ password }) => vault.exportBackup(password),
    'vault.backupSaved': async () => vault.backupSaved(),
    'vault.restore': async ({ isReplacing, ...source }) => vault.restore(source, isReplacing),
    'vault.card': async ({ name }) => {
      const card = vault.card(name)
      return {
        link: cardLink(card),
        json: cardJson(card),
        owner: card.owner,
        fingerprint: fingerprintOf(card.owner),
      }
    },

    'contacts.list': async () => ({ contacts: contacts.list() }),
    'contacts.add': async ({ card, name }) => contacts.add(card, name),
    'contacts.rename': async ({ owner, name }) => contacts.rename(owner, name),
    'contacts.remove': async ({ owner }) => {
      contacts.remove(owner)
      return {}
    },
  }
}
