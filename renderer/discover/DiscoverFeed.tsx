import { useStore } from 'zustand'
import type { FoundItem } from '../../app/contract/index.ts'
import { useApp, useDiscover, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { isOutOfReach } from '../network/out-of-reach.ts'
import { Button } from '../parts/Button.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import { Icon } from '../parts/Icon.tsx'
import { publisherName } from '../stores/discover-verbs.ts'
import { ALL_FOUND } from '../stores/found-feed.ts'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import chips from '../parts/chips.module.css'
import page from '../parts/page.module.css'
import shared from './discover.module.css'
import styles from './feed.module.css'
import { idInSearch } from './found-words.ts'
import { FoundFilters } from './FoundFilters.tsx'
import { FoundList } from './FoundList.tsx'

const cx = classesOf(chips, page, shared, styles)

/** Everything heard of, newest first, with what narrows it down. */
export function DiscoverFeed() {
  const app = useApp()
  const { feed } = app.discover
  const following = useDiscover((state) => state.following)
  const hasRelay = useNode((state) => state.settings === null || state.settings.values.gunPeers.length > 0)
  const isAway = useNode((state) => state.status !== null && isOutOfReach(state.status.network))
  const hasItems = useStore(feed.store, (state) => state.items.length > 0)
  const follow = () => app.shell.openSheet({ kind: 'follow', publisher: '' })
  const openItem = (item: FoundItem) => app.discover.open({ kind: 'item', id: item.mediaId, known: item })
  return (
    <>
      <div className={cx('head')}>
        <h1 className={cx('title')}>{t('view.discover')}</h1>
        <span className={cx('headActions')}>
          <Button
            tone="quiet"
            icon="refresh"
            label={t('discover.refresh')}
            onPress={() => app.finding.refresh()}
          />
          <Button icon="star" onPress={follow}>
            {t('discover.follow')}
          </Button>
        </span>
      </div>
      <FoundFilters feed={feed} />
      {following.length > 0 && (
        <div className={cx('following')} role="group" aria-label={t('discover.following')}>
          <span className={cx('followingWord')}>{t('discover.following')}</span>
          {following.map((publisher) => (
            <button
              key={publisher.pub}
              type="button"
              className={cx('chip')}
              title={publisher.fingerprint}
              onClick={() => app.discover.open({ kind: 'publisher', publisher: publisher.pub })}
            >
              <Icon name="user" size={14} />
              <bdi>{publisherName(publisher)}</bdi>
            </button>
          ))}
        </div>
      )}
      {!hasRelay && hasItems && (
        <p className={cx('strip')} role="status">
          {t('discover.noRelayStrip')}
          <Button isSmall onPress={() => app.shell.openSheet({ kind: 'add-relay' })}>
            {t('discover.addRelay')}
          </Button>
        </p>
      )}
      {hasRelay && isAway && (
        <p className={cx('strip')} role="status">
          {t('discover.awayStrip')}
          <Button isSmall onPress={() => app.shell.go('network')}>
            {t('discover.toNetwork')}
          </Button>
        </p>
      )}
      {hasItems ? (
        <FoundList feed={feed} label={t('discover.list')} hasPublisher onOpen={openItem} />
      ) : (
        <div className={cx('scroll')}>
          <NothingFound hasRelay={hasRelay} onFollow={follow} />
        </div>
      )}
    </>
  )
}

function NothingFound({ hasRelay, onFollow }: { readonly hasRelay: boolean; readonly onFollow: () => void }) {
  const app = useApp()
  const { feed } = app.discover
  const { phase, error, query } = useStore(feed.store)
  const follows = useDiscover((state) => state.following.length > 0)
  const isFeedWanted = useNode((state) => state.settings?.values.isFeedWanted !== false)
  if (phase === 'loading') return <div className={cx('waiting')} aria-busy="true" />
  if (phase === 'failed' && error !== null) {
    const { title, next } = errorWords(error)
    return (
      <EmptyState icon="warning" title={title} text={next ?? error.message} isAlert>
        <Button tone="primary" icon="refresh" onPress={() => feed.reload()}>
          {t('action.retry')}
        </Button>
      </EmptyState>
    )
  }
  if (query.isFollowedOnly && !follows) {
    return (
      <EmptyState icon="star" title={t('discover.nobodyTitle')} text={t('discover.nobodyText')}>
        <Button tone="primary" icon="star" onPress={onFollow}>
          {t('discover.follow')}
        </Button>
      </EmptyState>
    )
  }
  if (query.text.trim() !== '' || query.kind !== null || query.isFollowedOnly) {
    const id = idInSearch(query.text)
    const title =
      query.text.trim() !== ''
        ? t('discover.nothing', { name: query.text.trim() })
        : t(query.kind === null ? 'discover.followedNothing' : 'discover.nothingHere')
    return (
      <EmptyState icon="search" title={title} text={t('discover.nothingText')}>
        {id !== null && (
          <Button
            tone="primary"
            icon="relay"
            onPress={() => app.discover.open({ kind: 'item', id, known: null })}
          >
            {t('discover.askFor')}
          </Button>
        )}
        <Button onPress={() => feed.setQuery(ALL_FOUND)}>{t('discover.showAll')}</Button>
      </EmptyState>
    )
  }
  if (!hasRelay) {
    return (
      <EmptyState icon="relay" title={t('discover.noRelayTitle')} text={t('discover.noRelayText')}>
        <Button tone="primary" icon="plus" onPress={() => app.shell.openSheet({ kind: 'add-relay' })}>
          {t('discover.addRelay')}
        </Button>
      </EmptyState>
    )
  }
  return (
    <EmptyState
      icon="compass"
      title={t('discover.emptyTitle')}
      text={t(isFeedWanted ? 'discover.emptyText' : 'discover.feedOff')}
    />
  )
}
