import { memo } from 'react'
import type { FoundItem } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { formatAgo, formatSize } from '../format/quantities.ts'
import { accessWords } from '../library/access-words.ts'
import { Thumbnail } from '../library/Thumbnail.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { t } from '../strings/t.ts'
import { copiesWords, ownerWords } from './found-words.ts'
import styles from './found-list.module.css'

const cx = classesOf(styles)

export interface FoundRowProps {
  readonly id: string
  readonly item: FoundItem
  readonly index: number
  readonly isCursor: boolean
  readonly nowMs: number
  /** A list of one publisher need not repeat who that is. */
  readonly hasPublisher: boolean
  readonly onOpen: (index: number) => void
}

export const FoundRow = memo(function FoundRow(props: FoundRowProps) {
  const { item, index, nowMs } = props
  const publisher = ownerWords(item)
  const size = formatSize(item.sizeBytes)
  const age = formatAgo(item.createdAtMs, nowMs)
  const copies = copiesWords(item, nowMs)
  const access = accessWords(item)
  const isHeardOf = item.copies.presence > 0 || (item.copies.swarm ?? 0) > 0
  return (
    <div
      id={props.id}
      role="option"
      aria-selected={props.isCursor}
      aria-posinset={index + 1}
      aria-setsize={-1}
      className={cx('row', props.isCursor && 'isCursor')}
      onClick={() => props.onOpen(index)}
    >
      <Thumbnail mime={item.mime} sizeBytes={item.sizeBytes} url="" mayLoad={false} />
      <span className={cx('words')}>
        <span className={cx('top')}>
          <Name name={item.name} className={cx('name')} />
          {item.isHeld && (
            <span className={cx('mark', 'held')}>
              <Icon name="check" size={13} />
              {t('found.held')}
            </span>
          )}
          {access.look !== 'public' && (
            <span className={cx('mark', 'sealed')}>
              <Icon name={access.icon} size={13} />
              {access.text}
            </span>
          )}
        </span>
        <span className={cx('line')}>
          {props.hasPublisher && (
            <span className={cx('publisher', item.isFollowed && 'isFollowed')}>
              {item.isFollowed ? (
                <span role="img" className={cx('star')} aria-label={t('found.followed')}>
                  <Icon name="star" size={13} />
                </span>
              ) : (
                <Icon name="user" size={13} />
              )}
              <bdi>{publisher}</bdi>
            </span>
          )}
          <span>{size}</span>
          <span title={new Date(item.createdAtMs).toISOString()}>{age}</span>
        </span>
      </span>
      <span className={cx('copies', !isHeardOf && 'faint')}>
        <Icon name={isHeardOf ? 'seed' : 'clock'} size={15} />
        <span>{copies}</span>
      </span>
    </div>
  )
})
