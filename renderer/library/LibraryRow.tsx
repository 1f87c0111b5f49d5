import { memo, type MouseEvent } from 'react'
import type { Item } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { formatRate, formatSize } from '../format/quantities.ts'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { t } from '../strings/t.ts'
import { accessWords } from './access-words.ts'
import { itemStateWords } from './item-words.ts'
import styles from './library.module.css'
import { Thumbnail } from './Thumbnail.tsx'

const cx = classesOf(styles)

export interface LibraryRowProps {
  readonly item: Item | undefined
  readonly index: number
  readonly offsetPx: number
  readonly isSelected: boolean
  readonly isCursor: boolean
  readonly thumbnailUrl: string
  readonly mayLoadThumbnail: boolean
  readonly onPick: (event: MouseEvent, index: number) => void
  readonly onOpen: (index: number) => void
  readonly onMenu: (at: { x: number; y: number }, index: number) => void
}

export const rowId = (index: number): string => `library-row-${index}`

export const LibraryRow = memo(function LibraryRow(props: LibraryRowProps) {
  const { item, index, isSelected, isCursor, onPick, onOpen, onMenu } = props
  const state = item === undefined ? undefined : itemStateWords(item)
  const access = item === undefined ? undefined : accessWords(item)
  return (
    <div
      id={rowId(index)}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      aria-busy={item === undefined || undefined}
      aria-label={
        item === undefined || state === undefined || access === undefined
          ? t('library.loadingRow')
          : t('library.rowLabel', {
              name: displayName(item.name),
              access: access.text,
              state: state.text,
              size: formatSize(item.plainSizeBytes ?? item.sizeBytes),
            })
      }
      className={cx('row', isSelected && 'isSelected', isCursor && 'isCursor')}
      style={{ transform: `translateY(${props.offsetPx}px)` }}
      onMouseDown={(event) => {
        if (event.button === 0) onPick(event, index)
      }}
      onDoubleClick={() => onOpen(index)}
      onContextMenu={(event) => {
        event.preventDefault()
        onMenu({ x: event.clientX, y: event.clientY }, index)
      }}
    >
      {item === undefined || state === undefined || access === undefined ? (
        <>
          <span role="gridcell" />
          <span role="gridcell" className={cx('cell')}>
            <span className={cx('bone', 'boneName')} />
          </span>
          <span role="gridcell" />
          <span role="gridcell" className={cx('midOnly')} />
          <span role="gridcell" className={cx('cell')}>
            <span className={cx('bone', 'boneState')} />
          </span>
        </>
      ) : (
        <>
          <span role="gridcell">
            <Thumbnail
              key={item.mediaId}
              mime={item.mime}
              sizeBytes={item.sizeBytes}
              url={props.thumbnailUrl}
              mayLoad={props.mayLoadThumbnail}
            />
          </span>
          <span role="gridcell" className={cx('name')}>
            <Name name={item.name} />
          </span>
          <span role="gridcell" className={cx('access', access.look)} title={access.text}>
            <Icon name={access.icon} size={16} />
            {access.others !== undefined && <span className={cx('others')}>{access.others}</span>}
          </span>
          <span role="gridcell" className={cx('cell', 'number', 'quiet', 'midOnly')}>
            {formatSize(item.plainSizeBytes ?? item.sizeBytes)}
          </span>
          <span role="gridcell" className={cx('cell', 'state')}>
            <StateLabel {...state} />
          </span>
          <span
            role="gridcell"
            className={cx('cell', 'number', 'wideOnly', item.peers === 0 ? 'faint' : 'quiet')}
          >
            {item.peers === 0 ? '–' : item.peers}
          </span>
          <span
            role="gridcell"
            className={cx('cell', 'number', 'wideOnly', item.uploadedBytes === 0 ? 'faint' : 'quiet')}
            title={item.uploadRateBytesPerSec > 0 ? formatRate(item.uploadRateBytesPerSec) : undefined}
          >
            {item.uploadedBytes === 0 ? '–' : formatSize(item.uploadedBytes)}
          </span>
          <span
            role="gridcell"
            className={cx('more')}
            onMouseDown={(event) => {
              // A press on the button keeps a larger selection together.
              if (isSelected) event.stopPropagation()
            }}
          >
            <button
              type="button"
              className={cx('moreButton')}
              tabIndex={-1}
              aria-label={t('library.moreFor', { name: displayName(item.name) })}
              onClick={(event) => {
                const box = event.currentTarget.getBoundingClientRect()
                onMenu({ x: box.right, y: box.bottom }, index)
              }}
            >
              <Icon name="more" size={16} />
            </button>
          </span>
        </>
      )}
    </div>
  )
})
