import type { ReactNode } from 'react'
import type { NodeStatus, SettingsView } from '../../app/contract/index.ts'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { shortId } from '../format/names.ts'
import { formatAgo, formatRate, formatSize } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import type { IconName } from '../parts/Icon.tsx'
import { useNow } from '../parts/use-now.ts'
import { StateLabel, type Tone } from '../parts/StateLabel.tsx'
import { currentLocale, t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './network.module.css'
import { RelaysCard } from './RelaysCard.tsx'

const cx = classesOf(page, styles)

const TRACKER_LOOKS: Readonly<
  Record<NodeStatus['trackers'][number]['state'], { readonly tone: Tone; readonly icon: IconName }>
> = {
  working: { tone: 'good', icon: 'check' },
  connecting: { tone: 'plain', icon: 'clock' },
  failing: { tone: 'warn', icon: 'warning' },
  off: { tone: 'idle', icon: 'pause' },
}

/** How this node is connected: only what it knows itself, nothing guessed. */
export function NetworkView() {
  const app = useApp()
  const status = useNode((state) => state.status)
  const settings = useNode((state) => state.settings)
  const nowMs = useNow()
  if (status === null) return <EmptyState icon="network" title={t('network.loading')} />
  const { seeding } = status
  const count = new Intl.NumberFormat(currentLocale())
  const figure = (label: string, value: string) => (
    <div className={cx('figure')}>
      <span className={cx('value')}>{value}</span>
      <span className={cx('label')}>{label}</span>
    </div>
  )
  return (
    <div className={cx('page')}>
      <h1 className={cx('title')}>{t('view.network')}</h1>
      <div className={cx('figures')}>
        {figure(t('network.upNow'), formatRate(seeding.uploadRateBytesPerSec))}
        {figure(t('network.downNow'), formatRate(seeding.downloadRateBytesPerSec))}
        {figure(t('network.peersTcp'), count.format(seeding.peersTcp))}
        {figure(t('network.peersWebrtc'), count.format(seeding.peersWebrtc))}
        {figure(t('network.items'), count.format(seeding.items))}
        {figure(t('network.givenAway'), formatSize(seeding.uploadedBytes))}
      </div>

      <RelaysCard network={status.network} settings={settings} nowMs={nowMs} />
      <section className={cx('card')} aria-labelledby="network-trackers">
        <h2 id="network-trackers" className={cx('cardTitle')}>
          {t('network.trackers')}
        </h2>
        <p className={cx('cardText')}>
          {status.trackers.length === 0 ? t('network.noTrackers') : t('network.trackersText')}
        </p>
        <ul>
          {status.trackers.map((tracker) => (
            <li key={tracker.url} className={cx('tracker')}>
              <bdi className={cx('address')} title={tracker.url}>
                {tracker.url}
              </bdi>
              <StateLabel
                {...TRACKER_LOOKS[tracker.state]}
                text={
                  tracker.state === 'working' && tracker.lastAnsweredAtMs !== undefined
                    ? t('tracker.answered', { when: formatAgo(tracker.lastAnsweredAtMs, nowMs) })
                    : t(`tracker.${tracker.state}`)
                }
              />
              {tracker.message !== undefined && <p className={cx('message')}>{tracker.message}</p>}
            </li>
          ))}
        </ul>
      </section>

      <Reach status={status} settings={settings} />
      <div>
        <Button icon="settings" onPress={() => app.shell.go('settings')}>
          {t('network.toSettings')}
        </Button>
      </div>
    </div>
  )
}

function Reach({
  status,
  settings,
}: {
  readonly status: NodeStatus
  readonly settings: SettingsView | null
}) {
  const values = settings?.values
  const limit = (rate: number | null | undefined) =>
    rate === null || rate === undefined ? t('network.noLimit') : formatRate(rate)
  const total = status.seeding.peersTcp + status.seeding.peersWebrtc
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('network.peersNow'), total === 0 ? t('network.nobody') : t('network.somebody', { count: total })],
    [t('network.peerPort'), String(status.peerPort)],
    [t('network.address'), status.url],
    [t('network.publicUrl'), values?.publicUrl ?? t('network.noPublicUrl')],
    [t('network.upnp'), t(values?.isUpnpEnabled === true ? 'network.upnpOn' : 'network.off')],
    [
      t('network.finding'),
      [
        values?.isDhtEnabled === true ? 'DHT' : '',
        values?.isLsdEnabled === true ? 'LSD' : '',
        values?.isPexEnabled === true ? 'PEX' : '',
      ]
        .filter(Boolean)
        .join(' · ') || t('network.trackersOnly'),
    ],
    [t('network.upLimit'), limit(values?.uploadLimitBytesPerSec)],
    [t('network.downLimit'), limit(values?.downloadLimitBytesPerSec)],
    [
      t('network.nodeId'),
      <span key="id" className={cx('mono')} title={status.nodeId}>
        {shortId(status.nodeId)}
      </span>,
    ],
  ]
  return (
    <section className={cx('card')} aria-labelledby="network-reach">
      <h2 id="network-reach" className={cx('cardTitle')}>
        {t('network.reach')}
      </h2>
      <p className={cx('cardText')}>{t('network.reachText')}</p>
      <dl className={cx('facts')}>
        {facts.map(([term, value]) => (
          <div key={term} className={cx('fact')}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
