import type { ReactNode } from 'react'
import type { FoundItem } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName, shortId } from '../format/names.ts'
import { formatAgo, formatMoment, formatSize } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { Icon } from '../parts/Icon.tsx'
import type { FoundDetail } from '../stores/discover-store.ts'
import { currentLocale, t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './item-cards.module.css'
import { ROAD_ICONS, saidWords, seenWords, shortOwner } from './found-words.ts'

const cx = classesOf(page, styles)

function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={cx('facts')}>
      {facts.map(([term, value]) => (
        <div key={term} className={cx('fact')}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export interface CopiesCardProps {
  readonly copies: FoundItem['copies']
  readonly nowMs: number
}

/** How many have it, by who says so, and how fresh that is. */
export function CopiesCard({ copies, nowMs }: CopiesCardProps) {
  return (
    <section className={cx('card')} aria-labelledby="found-copies">
      <h2 id="found-copies" className={cx('cardTitle')}>
        {t('copies.title')}
      </h2>
      <Facts
        facts={[
          [t('copies.said'), saidWords(copies, nowMs)],
          [t('copies.seen'), seenWords(copies, nowMs)],
        ]}
      />
      <p className={cx('cardText')}>{t('copies.note')}</p>
    </section>
  )
}

export function RoadsCard({ roads }: { readonly roads: FoundDetail['roads'] }) {
  return (
    <section className={cx('card')} aria-labelledby="found-roads">
      <h2 id="found-roads" className={cx('cardTitle')}>
        {t('found.roads')}
      </h2>
      {roads.length === 0 && <p className={cx('cardText')}>{t('found.roadsNone')}</p>}
      <ul className={cx('roads')} aria-labelledby="found-roads">
        {roads.map(({ kind, label }) => (
          <li key={`${kind} ${label}`} className={cx('road')}>
            <Icon name={ROAD_ICONS[kind]} size={16} />
            <span>{t(`road.${kind}`)}</span>
            <bdi className={cx('mono')} title={label}>
              {label === 'swarm' ? t('transfer.swarm') : kind === 'gun' ? '' : label}
            </bdi>
          </li>
        ))}
      </ul>
    </section>
  )
}

export interface ConflictProps {
  readonly versions: FoundDetail['conflict']
}

/** Nothing is chosen for the user: both versions hold, so both are shown. */
export function Conflict({ versions }: ConflictProps) {
  return (
    <section className={cx('conflict')} role="alert">
      <Icon name="warning" />
      <div className={cx('conflictWords')}>
        <h2 className={cx('conflictTitle')}>{t('found.conflictTitle')}</h2>
        <p>{t('found.conflictText')}</p>
        <ul>
          {versions.map(({ hash, name, createdAt }) => {
            const atMs = Date.parse(createdAt)
            return (
              <li key={hash} className={cx('version')}>
                <span>
                  {t('found.conflictEntry', {
                    name: displayName(name),
                    when: Number.isNaN(atMs) ? createdAt : formatMoment(atMs),
                  })}
                </span>
                <bdi className={cx('mono')} title={hash}>
                  {shortId(hash)}
                </bdi>
              </li>
            )
          })}
        </ul>
      </div>
    </section>
  )
}

export interface FactsCardProps {
  readonly item: FoundItem
  readonly detail: FoundDetail | null
  readonly nowMs: number
}

export function FactsCard({ item, detail, nowMs }: FactsCardProps) {
  const { verbs } = useApp()
  const number = new Intl.NumberFormat(currentLocale())
  const facts: (readonly [string, ReactNode])[] = [
    [t('found.type'), item.mime],
    [t('found.size'), formatSize(item.sizeBytes)],
    [
      t('found.publisher'),
      <Fingerprint key="owner" value={detail?.publisher.fingerprint ?? shortOwner(item.owner)} />,
    ],
    [t('found.published'), `${formatMoment(item.createdAtMs)} (${formatAgo(item.createdAtMs, nowMs)})`],
  ]
  if (detail !== null) facts.push([t('found.version'), number.format(detail.manifestVersion)])
  facts.push([
    t('found.hash'),
    <span key="hash" className={cx('hash')}>
      <bdi className={cx('mono')} title={item.mediaId}>
        {shortId(item.mediaId)}
      </bdi>
      <Button
        tone="quiet"
        isSmall
        icon="copy"
        label={t('found.copyHash')}
        onPress={() => verbs.copyText(item.mediaId, t('found.hashDone'))}
      />
    </span>,
  ])
  return (
    <section className={cx('card')} aria-labelledby="found-facts">
      <h2 id="found-facts" className={cx('cardTitle')}>
        {t('found.facts')}
      </h2>
      <Facts facts={facts} />
    </section>
  )
}
