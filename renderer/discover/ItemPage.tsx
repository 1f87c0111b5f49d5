import type { FoundItem } from '../../app/contract/index.ts'
import { useApp, useDiscover, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName, mediaKind } from '../format/names.ts'
import { formatSize } from '../format/quantities.ts'
import { accessWords } from '../library/access-words.ts'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { useNow } from '../parts/use-now.ts'
import { isLive } from '../stores/transfers-store.ts'
import { transferWords } from '../transfers/transfer-words.ts'
import { t } from '../strings/t.ts'
import { BackLink } from './BackLink.tsx'
import kinds from '../parts/media-kinds.module.css'
import page from '../parts/page.module.css'
import shared from './discover.module.css'
import styles from './item-page.module.css'
import { ownerWords } from './found-words.ts'
import { Conflict, CopiesCard, FactsCard, RoadsCard } from './ItemCards.tsx'

const cx = classesOf(kinds, page, shared, styles)

export interface ItemPageProps {
  readonly id: string
  readonly known: FoundItem | null
}

/** Everything there is to know about an item before one has it. */
export function ItemPage({ id, known }: ItemPageProps) {
  const app = useApp()
  const detail = useDiscover((state) => state.detail)
  const error = useDiscover((state) => state.error)
  const isAsking = useDiscover((state) => state.isAsking)
  const nowMs = useNow()
  const item = detail?.item ?? known
  const access = item && accessWords(item)
  return (
    <div className={cx('scroll')}>
      <div className={cx('page')}>
        <div className={cx('pageTop')}>
          <BackLink />
          <span className={cx('fresh')} role="status">
            {isAsking ? t('found.asking') : detail !== null && t(`found.heard.${detail.heard}`)}
          </span>
          <Button
            tone="quiet"
            isSmall
            icon="refresh"
            label={t('found.askAgain')}
            isDisabled={isAsking}
            onPress={() => app.discover.ask()}
          />
        </div>
        <ErrorText error={error} />
        {item !== null && access !== null && (
          <header className={cx('hero')}>
            <span className={cx('heroGlyph', mediaKind(item.mime))}>
              <Icon name={mediaKind(item.mime)} size={28} />
            </span>
            <div className={cx('heroWords')}>
              <h1 className={cx('heroName')}>
                <Name name={item.name} />
              </h1>
              <p className={cx('heroLine')}>
                <button
                  type="button"
                  className={cx('link')}
                  onClick={() =>
                    app.discover.open({
                      kind: 'publisher',
                      publisher: detail?.publisher.pub || item.owner,
                    })
                  }
                >
                  <bdi>
                    {detail?.publisher.name === undefined
                      ? ownerWords(item)
                      : displayName(detail.publisher.name)}
                  </bdi>
                </button>
                <span>{formatSize(item.sizeBytes)}</span>
                {access.look !== 'public' && (
                  <StateLabel tone="plain" icon={access.icon} text={access.text} />
                )}
              </p>
            </div>
          </header>
        )}
        {detail !== null && <Actions item={detail.item} link={detail.link} />}
        {detail !== null && detail.conflict.length > 0 && <Conflict versions={detail.conflict} />}
        {item !== null && <CopiesCard copies={item.copies} nowMs={nowMs} />}
        {detail !== null && <RoadsCard roads={detail.roads} />}
        {item !== null && <FactsCard item={item} detail={detail} nowMs={nowMs} />}
        {item === null && error !== null && <p className={cx('quiet')}>{id}</p>}
      </div>
    </div>
  )
}

function Actions({ item, link }: { readonly item: FoundItem; readonly link: string }) {
  const app = useApp()
  const running = useTransfers((state) =>
    [...state.transfers.values()].find(
      (one) => one.kind === 'get' && one.mediaId === item.mediaId && isLive(one),
    ),
  )
  const copy = (
    <Button icon="link" onPress={() => app.finding.copyLink(link)}>
      {t('found.copyLink')}
    </Button>
  )
  if (item.isHeld) {
    return (
      <section className={cx('actions')}>
        <div className={cx('held')}>
          <StateLabel tone="good" icon="check" text={t('found.held')} />
        </div>
        <div className={cx('buttons')}>
          <Button tone="primary" icon="library" onPress={() => app.finding.showInLibrary(item)}>
            {t('found.open')}
          </Button>
          {copy}
        </div>
      </section>
    )
  }
  if (running !== undefined) {
    return (
      <section className={cx('actions')}>
        <StateLabel {...transferWords(running)} />
        <div className={cx('buttons')}>
          <Button tone="primary" icon="transfers" onPress={() => app.shell.go('transfers')}>
            {t('found.toTransfers')}
          </Button>
          {copy}
        </div>
      </section>
    )
  }
  return (
    <section className={cx('actions')}>
      <div className={cx('choices')}>
        <div className={cx('choice')}>
          <Button tone="primary" icon="down" onPress={() => app.finding.get(link, false)}>
            {t('found.get')}
          </Button>
          <p>{t('found.getText')}</p>
        </div>
        <div className={cx('choice')}>
          <Button icon="sprout" onPress={() => app.finding.get(link, true)}>
            {t('found.host')}
          </Button>
          <p>{t('found.hostText')}</p>
        </div>
      </div>
      <div className={cx('buttons')}>{copy}</div>
    </section>
  )
}
