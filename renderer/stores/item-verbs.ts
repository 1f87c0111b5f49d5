import type { AccessLevel, EngineArgs, Item, MediaId, Reply, SowerBridge } from '../../app/contract/index.ts'
import { displayName } from '../format/names.ts'
import { t } from '../strings/t.ts'
import type { ShellStore } from './shell-store.ts'
import type { Toasts } from './toasts.ts'
import { isLive, type TransfersStore } from './transfers-store.ts'

export type Audience = Extract<AccessLevel, 'public' | 'private'>

/** What a user does with items; each says how it went. Resolves to whether it worked. */
export interface ItemVerbs {
  addFromPicker(): Promise<void>
  /** Public, or encrypted for oneself and `people` (owner keys of contacts). */
  add(paths: readonly string[], audience: Audience, people: readonly string[]): Promise<Reply<unknown>>
  copyLink(mediaIds: readonly MediaId[], kind?: 'link' | 'magnet'): Promise<boolean>
  copyText(text: string, saying: string): Promise<boolean>
  askRemove(mediaIds: readonly MediaId[]): void
  remove(mediaIds: readonly MediaId[]): Promise<boolean>
  setSeeding(mediaIds: readonly MediaId[], isSeedingWanted: boolean): Promise<Reply<unknown>>
  setAccess(item: Pick<Item, 'mediaId' | 'name'>, accessLevel: Audience): Promise<Reply<unknown>>
  verify(mediaIds: readonly MediaId[]): Promise<Reply<unknown>>
  showInFolder(mediaId: MediaId): Promise<Reply<unknown>>
}

interface Parts {
  readonly bridge: SowerBridge
  readonly toasts: Toasts
  readonly shell: ShellStore
  readonly transfers: TransfersStore
  readonly report: <T>(reply: Reply<T>) => Reply<T>
}

/** More than this many at once is asked about first (see `askRemove`). */
export const ASK_ABOVE = 20

export function createItemVerbs({ bridge, toasts, shell, transfers, report }: Parts): ItemVerbs {
  const copyText: ItemVerbs['copyText'] = async (text, saying) => {
    const reply = report(await bridge.call('desktop.copyText', { text }))
    if (reply.ok) toasts.show({ tone: 'good', text: saying })
    return reply.ok
  }

  /** Undo of an add: what is still running is cancelled, what is finished (and was not there before) is removed. */
  const undoAdd = async (ids: readonly string[]) => {
    const known = transfers.store.getState().transfers
    const finished: MediaId[] = []
    for (const id of ids) {
      const transfer = known.get(id)
      if (transfer === undefined || isLive(transfer)) {
        report(await bridge.call('transfers.cancel', { id }))
      } else if (transfer.state === 'done' && transfer.mediaId !== undefined && !transfer.isDuplicate) {
        finished.push(transfer.mediaId)
      }
    }
    if (finished.length > 0) report(await bridge.call('library.remove', { mediaIds: finished }))
    toasts.show({ tone: 'plain', text: t('add.undone', { count: ids.length }) })
  }

  const remove: ItemVerbs['remove'] = async (mediaIds) => {
    const reply = report(await bridge.call('library.remove', { mediaIds: [...mediaIds] }))
    if (!reply.ok) return false
    const { removed } = reply.value
    if (removed.length === 0) return true
    toasts.show({
      tone: 'plain',
      text: t('remove.done', { count: removed.length }),
      action: {
        label: t('action.undo'),
        run: () => {
          void bridge.call('library.restore', { mediaIds: removed }).then((back) => {
            if (report(back).ok)
              toasts.show({ tone: 'good', text: t('remove.undone', { count: removed.length }) })
          })
        },
      },
    })
    return true
  }

  return {
    addFromPicker: async () => {
      if (bridge.platform === 'browser') return shell.openSheet({ kind: 'give-path' })
      const reply = report(await bridge.call('desktop.pickFiles', {}))
      if (reply.ok && reply.value.paths.length > 0) {
        shell.openSheet({ kind: 'ask-access', paths: reply.value.paths })
      }
    },
    add: async (paths, audience, people) => {
      const args: EngineArgs<'library.add'> =
        audience === 'public'
          ? { paths: [...paths], accessLevel: 'public' }
          : { paths: [...paths], accessLevel: 'private', isEncrypted: true, people: [...people] }
      const reply = report(await bridge.call('library.add', args))
      if (reply.ok) {
        const ids = reply.value.transferIds
        toasts.show({
          tone: 'plain',
          text: t(
            audience === 'public'
              ? 'add.startedPublic'
              : people.length > 0
                ? 'add.startedShared'
                : 'add.startedPrivate',
            { count: ids.length },
          ),
          action: { label: t('action.undo'), run: () => void undoAdd(ids) },
        })
      }
      return reply
    },
    copyText,
    copyLink: async (mediaIds, kind = 'link') => {
      const replies = await Promise.all(
        mediaIds.slice(0, 200).map((mediaId) => bridge.call('sharing.link', { mediaId })),
      )
      const lines: string[] = []
      for (const reply of replies) {
        if (!report(reply).ok || !reply.ok) return false
        const line = kind === 'magnet' ? reply.value.magnetURI : reply.value.link
        if (line !== undefined) lines.push(line)
      }
      if (lines.length === 0) {
        toasts.show({ tone: 'plain', text: t('copy.noMagnet') })
        return false
      }
      return copyText(
        lines.join('\n'),
        t(kind === 'magnet' ? 'copy.magnetDone' : 'copy.linkDone', { count: lines.length }),
      )
    },
    askRemove: (mediaIds) => {
      if (mediaIds.length === 0) return
      if (mediaIds.length > ASK_ABOVE) shell.openSheet({ kind: 'confirm-remove', mediaIds })
      else void remove(mediaIds)
    },
    remove,
    setSeeding: async (mediaIds, isSeedingWanted) =>
      report(await bridge.call('library.setSeeding', { mediaIds: [...mediaIds], isSeedingWanted })),
    setAccess: async (item, accessLevel) => {
      const reply = report(await bridge.call('library.setAccess', { mediaId: item.mediaId, accessLevel }))
      if (reply.ok) {
        const name = displayName(item.name)
        toasts.show({
          tone: 'good',
          text: t(accessLevel === 'public' ? 'access.nowPublic' : 'access.nowPrivate', { name }),
        })
      }
      return reply
    },
    verify: async (mediaIds) => report(await bridge.call('library.verify', { mediaIds: [...mediaIds] })),
    showInFolder: async (mediaId) => report(await bridge.call('desktop.showItem', { mediaId })),
  }
}
