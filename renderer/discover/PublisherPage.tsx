import { useStore } from 'zustand'
import { useApp, useDiscover, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { formatAgo } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { Icon } from '../parts/Icon.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { useNow } from '../parts/use-now.ts'
import { t } from '../strings/t.ts'
import { BackLink } from './BackLink.tsx'
import page from '../parts/page.module.css'
import shared from './discover.module.css'
import styles from './publisher.module.css'
import { FoundList } from './FoundList.tsx'

const cx = classesOf(page, shared, styles)

/** Somebody who publishes: who they are, whether one follows them, and what of theirs is known. */
export function PublisherPage() {
  const app = useApp()
  const publisher = useDiscover((state) => state.publisher)
  const error = useDiscover((state) => state.error)
  const hasItems = useStore(app.discover.theirs.store, (state) => state.items.length > 0)
  const isLoading = useStore(app.discover.theirs.store, (state) => state.phase === 'loading')
  const self = useNode((state) => state.status?.wallet.owner)
  const nowMs = useNow()
  if (publisher === null) {
    return (
      <div className={cx('person')}>
        <BackLink />
        {error === null ? <p className={cx('quiet')}>{t('follow.looking')}</p> : <ErrorText error={error} />}
      </div>
    )
  }
  const { name, followedAtMs, checkedAtMs } = publisher
  const isSelf = self !== undefined && publisher.owner === self
  return (
    <>
      <div className={cx('person')}>
        <BackLink />
        <header className={cx('hero')}>
          <span className={cx('heroGlyph', 'face')}>
            <Icon name="user" size={28} />
          </span>
          <div className={cx('heroWords')}>
            <h1 className={cx('heroName')}>
              <bdi>
                {isSelf
                  ? t('publisher.self')
                  : name === undefined
                    ? t('publisher.unnamed')
                    : displayName(name)}
              </bdi>
            </h1>
            <Fingerprint value={publisher.fingerprint} />
            <p className={cx('heroLine')}>
              {!isSelf && (
                <StateLabel
                  tone={publisher.isContact ? 'good' : 'idle'}
                  icon={publisher.isContact ? 'users' : 'info'}
                  text={t(publisher.isContact ? 'publisher.contact' : 'publisher.stranger')}
                />
              )}
              <span>{t('publisher.items', { count: publisher.items })}</span>
              <span>
                {checkedAtMs === undefined
                  ? t('publisher.neverChecked')
                  : t('publisher.checked', { when: formatAgo(checkedAtMs, nowMs) })}
              </span>
            </p>
          </div>
          {!isSelf && (
            <div className={cx('heroActions')}>
              {publisher.isFollowed ? (
                <Button icon="close" onPress={() => app.finding.unfollow(publisher)}>
                  {t('follow.stop')}
                </Button>
              ) : (
                <Button
                  tone="primary"
                  icon="star"
                  onPress={async () =>
                    app.report(await app.finding.follow(publisher.pub || (publisher.owner ?? ''), name))
                  }
                >
                  {t('follow.confirm')}
                </Button>
              )}
              <span className={cx('quiet')}>
                {followedAtMs !== undefined && publisher.isFollowed
                  ? t('publisher.followedSince', { when: formatAgo(followedAtMs, nowMs) })
                  : t('publisher.notFollowed')}
              </span>
            </div>
          )}
        </header>
        {!publisher.isContact && !isSelf && <p className={cx('quiet')}>{t('publisher.compare')}</p>}
      </div>
      {hasItems ? (
        <FoundList
          feed={app.discover.theirs}
          label={t('publisher.view')}
          hasPublisher={false}
          onOpen={(item) => app.discover.open({ kind: 'item', id: item.mediaId, known: item })}
        />
      ) : isLoading && publisher.owner !== undefined ? (
        <div className={cx('waiting')} aria-busy="true" />
      ) : (
        <div className={cx('scroll')}>
          <EmptyState
            icon="compass"
            title={t('publisher.none')}
            text={t(publisher.isFollowed ? 'publisher.noneYetText' : 'publisher.noneText')}
          />
        </div>
      )}
    </>
  )
}
