import type {
  AccessRule,
  Contact,
  EngineResult,
  Item,
  MediaId,
  Reply,
  SowerBridge,
} from '../../app/contract/index.ts'
import { displayName } from '../format/names.ts'
import { formatMoment } from '../format/quantities.ts'
import { t } from '../strings/t.ts'
import type { ShellStore } from './shell-store.ts'
import type { Toasts } from './toasts.ts'

/** What a user does with who can read what; each says how it went. */
export interface SharingVerbs {
  addPeople(mediaId: MediaId, people: readonly string[]): Promise<Reply<unknown>>
  removePerson(mediaId: MediaId, owner: string, name: string): Promise<Reply<unknown>>
  setConditions(mediaId: MediaId, rule: AccessRule): Promise<Reply<unknown>>
  removeConditions(mediaId: MediaId): Promise<Reply<unknown>>
  encrypt(mediaId: MediaId, people: readonly string[]): Promise<Reply<unknown>>
  rotateAll(): Promise<Reply<unknown>>
  copyLinkWithKey(mediaId: MediaId, expiresAtMs: number | null): Promise<boolean>
  saveCopy(item: Pick<Item, 'mediaId' | 'name'>): Promise<Reply<unknown> | null>
  copyPlayUrl(mediaId: MediaId): Promise<boolean>
  /** What went wrong is for whoever asked to say. */
  openWithLit(mediaId: MediaId): Promise<Reply<unknown>>
  requestAccess(mediaId: MediaId, ownerName: string): Promise<boolean>
  /** Opens a player over the window for a download that can be watched. */
  watch(transferId: string, name: string): Promise<Reply<unknown>>
  copyCard(name: string): Promise<boolean>
  saveCard(name: string): Promise<boolean>
  removeContact(contact: Pick<Contact, 'owner' | 'name'>): Promise<Reply<unknown>>
}

interface Parts {
  readonly bridge: SowerBridge
  readonly toasts: Toasts
  readonly shell: ShellStore
  readonly report: <T>(reply: Reply<T>) => Reply<T>
  readonly copyText: (text: string, saying: string) => Promise<boolean>
}

export function createSharingVerbs({ bridge, toasts, shell, report, copyText }: Parts): SharingVerbs {
  const say = (text: string) => void toasts.show({ tone: 'good', text })
  const card = async (name: string): Promise<EngineResult<'vault.card'> | null> => {
    const reply = report(await bridge.call('vault.card', name.trim() === '' ? {} : { name: name.trim() }))
    return reply.ok ? reply.value : null
  }
  return {
    addPeople: async (mediaId, people) => {
      const reply = report(await bridge.call('sharing.addPeople', { mediaId, people: [...people] }))
      if (reply.ok) say(t('people.added', { count: people.length }))
      return reply
    },
    removePerson: async (mediaId, owner, name) => {
      const reply = report(await bridge.call('sharing.removePeople', { mediaId, people: [owner] }))
      if (reply.ok) say(t('unshare.started', { name: displayName(name) }))
      return reply
    },
    setConditions: async (mediaId, rule) => {
      const reply = report(await bridge.call('sharing.setConditions', { mediaId, rule }))
      if (reply.ok) say(t('conditions.done'))
      return reply
    },
    removeConditions: async (mediaId) => {
      const reply = report(await bridge.call('sharing.removePeople', { mediaId, isWithoutConditions: true }))
      if (reply.ok) say(t('noConditions.started'))
      return reply
    },
    encrypt: async (mediaId, people) => {
      const reply = report(await bridge.call('sharing.encrypt', { mediaId, people: [...people] }))
      if (reply.ok) say(t('encrypt.started'))
      return reply
    },
    rotateAll: async () => {
      const reply = report(await bridge.call('sharing.rotateAll', {}))
      if (reply.ok) {
        const count = reply.value.transferIds.length
        say(count === 0 ? t('rotate.nothing') : t('rotate.started', { count }))
      }
      return reply
    },
    copyLinkWithKey: async (mediaId, expiresAtMs) => {
      const reply = report(
        await bridge.call('sharing.link', {
          mediaId,
          withKey: true,
          ...(expiresAtMs === null ? {} : { expiresAtMs }),
        }),
      )
      return reply.ok && copyText(reply.value.link, t('keyLink.done'))
    },
    saveCopy: async ({ mediaId, name }) => {
      const picked = report(
        await bridge.call('desktop.pickSavePath', { suggestedName: displayName(name).slice(0, 200) }),
      )
      if (!picked.ok) return picked
      if (picked.value.path === null) return null
      // The dialog has asked already whether a file that is there may be replaced.
      const reply = report(
        await bridge.call('library.saveCopy', { mediaId, path: picked.value.path, isReplacing: true }),
      )
      if (reply.ok) say(t('secret.saveStarted'))
      return reply
    },
    copyPlayUrl: async (mediaId) => {
      const reply = report(await bridge.call('library.playUrl', { mediaId }))
      if (!reply.ok) return false
      const { url, expiresAtMs } = reply.value
      return copyText(url, t('secret.playUrlDone', { when: formatMoment(expiresAtMs) }))
    },
    openWithLit: async (mediaId) => {
      const reply = await bridge.call('sharing.openWithLit', { mediaId })
      if (reply.ok) say(t('needs.opened', { name: displayName(reply.value.name) }))
      return reply
    },
    requestAccess: async (mediaId, ownerName) => {
      const reply = report(await bridge.call('sharing.requestAccess', { mediaId }))
      return reply.ok && copyText(reply.value.text, t('needs.requested', { name: ownerName }))
    },
    watch: async (transferId, name) => {
      const reply = report(await bridge.call('library.playUrl', { transferId }))
      if (reply.ok) shell.openSheet({ kind: 'watch', transferId, name })
      return reply
    },
    copyCard: async (name) => {
      const made = await card(name)
      return made !== null && copyText(made.link, t('card.copied'))
    },
    saveCard: async (name) => {
      const made = await card(name)
      if (made === null) return false
      const suggestedName = `${displayName(name).trim() || 'my'}.sowercard`
      const reply = report(await bridge.call('desktop.saveText', { suggestedName, text: made.json }))
      if (reply.ok && reply.value.isSaved) say(t('card.saved'))
      return reply.ok
    },
    removeContact: async ({ owner, name }) => {
      const reply = report(await bridge.call('contacts.remove', { owner }))
      if (reply.ok) say(t('contacts.removed', { name: displayName(name) }))
      return reply
    },
  }
}
