import type { Item, ItemDetail } from '../../app/contract/index.ts'
import { useApp, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { saidWords, seenWords } from '../discover/found-words.ts'
import { displayName, mediaKind, shortId } from '../format/names.ts'
import { formatAgo, formatMoment, formatSize } from '../format/quantities.ts'
import { abilitiesOf } from '../library/item-abilities.ts'
import { itemStateWords } from '../library/item-words.ts'
import { Button } from '../parts/Button.tsx'
import { useNow } from '../parts/use-now.ts'
import { StateLabel } from '../parts/StateLabel.tsx'
import { selectRekeyOf } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import { AccessSection } from './AccessSection.tsx'
import styles from './inspector.module.css'
import { Preview } from './Preview.tsx'
import { SealedNotice } from './SealedNotice.tsx'

const cx = classesOf(styles)

export interface OverviewTabProps {
  readonly item: Item
  /** Null while it loads. */
  readonly detail: ItemDetail | null
  readonly isPlaying: boolean
}

const PLAYED: ReadonlySet<string> = new Set(['video', 'audio'])

export function OverviewTab({ item, detail, isPlaying }: OverviewTabProps) {
  const { verbs, bridge, sharing, shell } = useApp()
  const nowMs = useNow()
  const ids = [item.mediaId]
  const isInTheClear = item.protection === 'none'
  const can = abilitiesOf(
    item,
    useTransfers((state) => selectRekeyOf(state, item.mediaId) !== undefined),
  )
  const hasKey = isInTheClear || item.protection === 'readable'
  const isCountable = item.accessLevel === 'public' || (item.accessLevel !== 'private' && !isInTheClear)
  const isKeptBack = isInTheClear && item.accessLevel !== 'public'
  const createdAtMs = detail === null ? Number.NaN : Date.parse(detail.createdAt)
  return (
    <>
      {hasKey ? (
        <Preview
          name={item.name}
          mime={item.mime}
          url={bridge.mediaUrl(item.mediaId)}
          isThere={can.isReadable}
          isPlaying={isPlaying}
        />
      ) : (
        <SealedNotice item={item} detail={detail} />
      )}
      <div className={cx('section')}>
        <div className={cx('state')}>
          <StateLabel {...itemStateWords(item)} />
        </div>
        <div className={cx('buttons')}>
          <Button tone={hasKey ? 'primary' : 'plain'} icon="link" onPress={() => verbs.copyLink(ids)}>
            {t('inspector.copyLink')}
          </Button>
          {can.linkWithKey && (
            <Button icon="key" onPress={() => shell.openSheet({ kind: 'key-link', item })}>
              {t('secret.linkWithKey')}
            </Button>
          )}
          {can.hasMagnet && (
            <Button icon="magnet" onPress={() => verbs.copyLink(ids, 'magnet')}>
              {t('inspector.copyMagnet')}
            </Button>
          )}
        </div>
        {isKeptBack && <p className={cx('consequence')}>{t('inspector.privateLinkNote')}</p>}
      </div>
      <AccessSection item={item} detail={detail} />
      <div className={cx('section')}>
        <dl className={cx('facts')}>
          <dt>{t('fact.size')}</dt>
          <dd>{formatSize(item.plainSizeBytes ?? item.sizeBytes)}</dd>
          <dt>{t('fact.kind')}</dt>
          <dd>{item.mime}</dd>
          <dt>{t('fact.hash')}</dt>
          <dd>
            <span className={cx('hash')} title={item.mediaId}>
              {shortId(item.mediaId)}
              <Button
                tone="quiet"
                isSmall
                icon="copy"
                label={t('inspector.copyHash')}
                onPress={() => verbs.copyText(item.mediaId, t('copy.hashDone'))}
              />
            </span>
          </dd>
          <dt>{t('fact.uploaded')}</dt>
          <dd>{formatSize(item.uploadedBytes)}</dd>
          <dt>{t('fact.lastServed')}</dt>
          <dd>
            {item.lastServedAtMs === undefined ? t('fact.never') : formatAgo(item.lastServedAtMs, nowMs)}
          </dd>
          {detail !== null && isCountable && (
            <>
              <dt>{t('copies.said')}</dt>
              <dd>{saidWords(detail.copies, nowMs)}</dd>
              <dt>{t('copies.seen')}</dt>
              <dd>{seenWords(detail.copies, nowMs)}</dd>
            </>
          )}
          <dt>{t('fact.added')}</dt>
          <dd>{formatMoment(item.addedAtMs)}</dd>
        </dl>
      </div>
      {detail !== null && (
        <div className={cx('section')}>
          <dl className={cx('facts')}>
            <dt>{t('fact.owner')}</dt>
            <dd>
              <span className={cx('hash')} title={detail.owner}>
                {shortId(detail.owner)}
              </span>{' '}
              {item.isOwn && t('fact.you')}
            </dd>
            <dt>{t('fact.manifest')}</dt>
            <dd>
              {Number.isNaN(createdAtMs)
                ? t('fact.manifestVersion', { version: detail.manifestVersion })
                : t('fact.manifestSigned', {
                    version: detail.manifestVersion,
                    date: formatMoment(createdAtMs),
                  })}
            </dd>
          </dl>
        </div>
      )}
      <div className={cx('section', 'buttons')}>
        {can.isReadable && bridge.platform !== 'browser' && (
          <Button isSmall icon="down" onPress={() => sharing.saveCopy(item)}>
            {t('secret.saveCopy')}
          </Button>
        )}
        {can.isReadable && PLAYED.has(mediaKind(item.mime)) && (
          <Button isSmall icon="play" onPress={() => sharing.copyPlayUrl(item.mediaId)}>
            {t('secret.copyPlayUrl')}
          </Button>
        )}
        {bridge.platform !== 'browser' && (
          <Button isSmall icon="folder" onPress={() => verbs.showInFolder(item.mediaId)}>
            {t('menu.showInFolder')}
          </Button>
        )}
        <Button isSmall icon="refresh" isDisabled={!can.verify} onPress={() => verbs.verify(ids)}>
          {t('menu.verify')}
        </Button>
        <Button
          isSmall
          tone="danger"
          icon="trash"
          label={t('inspector.removeThis', { name: displayName(item.name) })}
          onPress={() => verbs.askRemove(ids)}
        >
          {t('menu.removeThis')}
        </Button>
      </div>
    </>
  )
}
