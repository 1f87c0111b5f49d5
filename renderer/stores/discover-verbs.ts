import type { FoundItem, Publisher, Reply, SowerBridge } from '../../app/contract/index.ts'
import { displayName } from '../format/names.ts'
import { t } from '../strings/t.ts'
import type { LibraryStore } from './library-store.ts'
import type { ShellStore } from './shell-store.ts'
import type { Toasts } from './toasts.ts'
import type { TransfersStore } from './transfers-store.ts'

/** What a user does with what others published; each says how it went. */
export interface DiscoverVerbs {
  /** `isHosting`: whatever the settings say, it is given on to others once it is here. */
  get(link: string, isHosting: boolean): Promise<Reply<unknown>>
  showInLibrary(item: Pick<FoundItem, 'mediaId'>): void
  copyLink(link: string): Promise<boolean>
  follow(publisher: string, name?: string): Promise<Reply<Publisher>>
  unfollow(publisher: Publisher): Promise<Reply<unknown>>
  refresh(): Promise<Reply<unknown>>
}

interface Parts {
  readonly bridge: SowerBridge
  readonly toasts: Toasts
  readonly shell: ShellStore
  readonly library: LibraryStore
  readonly transfers: TransfersStore
  readonly report: <T>(reply: Reply<T>) => Reply<T>
  readonly copyText: (text: string, saying: string) => Promise<boolean>
}

/** What a publisher is called here: as the user or they themselves say, else by their fingerprint. */
export function publisherName({ name, fingerprint }: Pick<Publisher, 'name' | 'fingerprint'>): string {
  return name === undefined || name.trim() === '' ? fingerprint : displayName(name)
}

export function createDiscoverVerbs(parts: Parts): DiscoverVerbs {
  const { bridge, toasts, shell, library, transfers, report } = parts
  const follow: DiscoverVerbs['follow'] = async (publisher, name) => {
    const reply = await bridge.call('following.add', {
      publisher,
      ...(name === undefined || name.trim() === '' ? {} : { name: name.trim() }),
    })
    if (reply.ok) {
      toasts.show({ tone: 'good', text: t('follow.done', { name: publisherName(reply.value) }) })
    }
    return reply
  }
  return {
    get: async (link, isHosting) => {
      const reply = report(
        await bridge.call('fetching.start', { link, ...(isHosting ? { isSeedingWanted: true } : {}) }),
      )
      if (reply.ok) {
        transfers.setDrawerOpen(true)
        toasts.show({ tone: 'plain', text: t(isHosting ? 'found.hostStarted' : 'found.getStarted') })
      }
      return reply
    },
    showInLibrary: ({ mediaId }) => {
      shell.go('library')
      shell.setInspectorOpen(true)
      void library.show(mediaId).then((isThere) => {
        if (!isThere) toasts.show({ tone: 'plain', text: t('library.notThere') })
      })
    },
    copyLink: (link) => parts.copyText(link, t('copy.linkDone', { count: 1 })),
    follow,
    unfollow: async (publisher) => {
      const reply = report(await bridge.call('following.remove', { pub: publisher.pub }))
      if (reply.ok) {
        const name = publisherName(publisher)
        toasts.show({
          tone: 'plain',
          text: t('follow.undone', { name }),
          action: {
            label: t('action.undo'),
            run: () => void follow(publisher.pub, publisher.name).then(report),
          },
        })
      }
      return reply
    },
    refresh: async () => report(await bridge.call('discovery.refresh', {})),
  }
}
