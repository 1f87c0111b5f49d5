import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react'
import { useStore } from 'zustand'
import type { FoundItem } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { useNow } from '../parts/use-now.ts'
import { foundKey, type FoundFeed } from '../stores/found-feed.ts'
import { t } from '../strings/t.ts'
import { FoundRow } from './FoundRow.tsx'
import styles from './found-list.module.css'

const cx = classesOf(styles)

const ROW_PX = 60
/** The next page is asked for when so many rows are left below. */
const AHEAD_ROWS = 12

export interface FoundListProps {
  readonly feed: FoundFeed
  readonly label: string
  readonly hasPublisher: boolean
  readonly onOpen: (item: FoundItem) => void
}

/** Found items, of which only the rows in sight exist; the next page comes as one gets near it. */
export function FoundList({ feed, label, hasPublisher, onOpen }: FoundListProps) {
  const { items, cursor: nextPage, query, hasNews } = useStore(feed.store)
  const scroller = useRef<HTMLDivElement>(null)
  const base = useId()
  const nowMs = useNow()
  const [here, setHere] = useState(-1)
  // oxlint-disable-next-line react/incompatible-library -- its result is used in this render only
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  })
  const rows = virtual.getVirtualItems()
  const last = rows.at(-1)?.index ?? 0
  useEffect(() => {
    if (nextPage !== undefined && last >= items.length - AHEAD_ROWS) void feed.more()
  }, [feed, last, items.length, nextPage])
  const first = rows[0]?.index ?? 0
  useEffect(() => {
    feed.count(items.slice(first, last + 1))
  }, [feed, first, last, items, nowMs])
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 })
  }, [query])

  const handleOpen = (index: number) => {
    const item = items[index]
    if (item !== undefined) onOpen(item)
  }
  const handleKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW_PX) / ROW_PX) - 1)
    const target = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      PageDown: here + page,
      PageUp: here - page,
      Home: 0,
      End: items.length - 1,
    }[event.key]
    if (target !== undefined) {
      event.preventDefault()
      const to = Math.min(items.length - 1, Math.max(0, target))
      setHere(to)
      virtual.scrollToIndex(to)
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      handleOpen(here)
    }
  }
  const isDrawn = rows.some((row) => row.index === here)
  return (
    <div className={cx('box')}>
      {hasNews && (
        <div className={cx('news')}>
          <Button
            isSmall
            icon="up"
            onPress={() => {
              scroller.current?.scrollTo({ top: 0 })
              return feed.reload()
            }}
          >
            {t('discover.news')}
          </Button>
        </div>
      )}
      <div
        ref={scroller}
        className={cx('list')}
        role="listbox"
        tabIndex={0}
        data-region="list"
        aria-label={label}
        aria-activedescendant={isDrawn ? `${base}-${here}` : undefined}
        onScroll={(event) => feed.setAtStart(event.currentTarget.scrollTop < ROW_PX)}
        onFocus={() => {
          if (here < 0) setHere(0)
        }}
        onKeyDown={handleKeyDown}
      >
        <div role="presentation" className={cx('rows')} style={{ blockSize: virtual.getTotalSize() }}>
          {rows.map((row) => {
            const item = items[row.index]
            return item === undefined ? null : (
              <div
                key={foundKey(item)}
                ref={virtual.measureElement}
                role="presentation"
                data-index={row.index}
                className={cx('placed')}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <FoundRow
                  id={`${base}-${row.index}`}
                  item={item}
                  index={row.index}
                  isCursor={row.index === here}
                  nowMs={nowMs}
                  hasPublisher={hasPublisher}
                  onOpen={handleOpen}
                />
              </div>
            )
          })}
        </div>
        <p role="presentation" className={cx('end')}>
          {nextPage === undefined
            ? t('discover.allShown', { count: items.length })
            : t('discover.moreComing')}
        </p>
      </div>
    </div>
  )
}
