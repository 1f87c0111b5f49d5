import type { Item, ItemDetail } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName, shortId } from '../format/names.ts'
import { formatAgo, formatMoment, formatSize } from '../format/quantities.ts'
import { itemStateWords } from '../library/item-words.ts'
import { Button } from '../parts/Button.tsx'
import { useNow } from '../parts/use-now.ts'
import { Segmented } from '../parts/Segmented.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { Switch } from '../parts/Switch.tsx'
import { t } from '../strings/t.ts'
import styles from './inspector.module.css'
import { Preview } from './Preview.tsx'

const cx = classesOf(styles)

export interface OverviewTabProps {
  readonly item: Item
  /** Null while it loads. */
  readonly detail: ItemDetail | null
  readonly isPlaying: boolean
}

const READABLE: ReadonlySet<Item['state']> = new Set(['ready', 'seeding', 'paused'])

export function OverviewTab({ item, detail, isPlaying }: OverviewTabProps) {
  const { verbs, bridge } = useApp()
  const nowMs = useNow()
  const ids = [item.mediaId]
  const isPublic = item.accessLevel === 'public'
  const createdAtMs = detail === null ? Number.NaN : Date.parse(detail.createdAt)
  return (
    <>
      <Preview
        name={item.name}
        mime={item.mime}
        url={bridge.mediaUrl(item.mediaId)}
        isThere={READABLE.has(item.state)}
        isPlaying={isPlaying}
      />
      <div className={cx('section')}>
        <div className={cx('state')}>
          <StateLabel {...itemStateWords(item)} />
        </div>
        <div className={cx('buttons')}>
          <Button tone="primary" icon="link" onPress={() => verbs.copyLink(ids)}>
            {t('inspector.copyLink')}
          </Button>
          {item.infoHash !== undefined && (
            <Button icon="magnet" onPress={() => verbs.copyLink(ids, 'magnet')}>
              {t('inspector.copyMagnet')}
            </Button>
          )}
        </div>
        {!isPublic && <p className={cx('consequence')}>{t('inspector.privateLinkNote')}</p>}
      </div>
      <div className={cx('section')}>
        <Segmented
          label={t('inspector.access')}
          value={isPublic ? 'public' : 'private'}
          options={[
            { value: 'private', label: t('access.private'), icon: 'lock' },
            { value: 'public', label: t('access.public'), icon: 'globe' },
          ]}
          onChange={(level) => void verbs.setAccess(item, level)}
        />
        <p className={cx('consequence')}>{t(isPublic ? 'access.publicMeans' : 'access.privateMeans')}</p>
        <Switch
          label={t('inspector.seed')}
          hint={t(isPublic ? 'inspector.seedHint' : 'inspector.seedPrivate')}
          isOn={item.isSeedingWanted}
          isDisabled={!isPublic}
          onChange={(isOn) => verbs.setSeeding(ids, isOn)}
        />
      </div>
      <div className={cx('section')}>
        <dl className={cx('facts')}>
          <dt>{t('fact.size')}</dt>
          <dd>{formatSize(item.sizeBytes)}</dd>
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
        {bridge.platform !== 'browser' && (
          <Button isSmall icon="folder" onPress={() => verbs.showInFolder(item.mediaId)}>
            {t('menu.showInFolder')}
          </Button>
        )}
        <Button isSmall icon="refresh" onPress={() => verbs.verify(ids)}>
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
