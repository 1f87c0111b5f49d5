import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, useState } from 'react'
import type { Transfer } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import { GROUP_ORDER, groupOf, type TransferGroup } from './transfer-words.ts'
import { TransferRow, type TransferVerb } from './TransferRow.tsx'
import styles from './transfers.module.css'

const cx = classesOf(styles)

/** Up to here the rows speak for themselves; above they are grouped. */
const UNGROUPED_MOST = 5
const GUESSED_ROW_PX = 72
const GROUP_PX = 34

type Entry =
  | { readonly kind: 'group'; readonly group: TransferGroup; readonly count: number }
  | { readonly kind: 'row'; readonly transfer: Transfer }

function entriesOf(transfers: readonly Transfer[], closed: ReadonlySet<TransferGroup>): Entry[] {
  const row = (transfer: Transfer): Entry => ({ kind: 'row', transfer })
  const byGroup = Map.groupBy(transfers, groupOf)
  const isGrouped = transfers.length > UNGROUPED_MOST
  return GROUP_ORDER.flatMap((group): Entry[] => {
    const members = byGroup.get(group) ?? []
    if (members.length === 0) return []
    if (!isGrouped) return members.map(row)
    const head: Entry = { kind: 'group', group, count: members.length }
    return closed.has(group) ? [head] : [head, ...members.map(row)]
  })
}

export interface TransferListProps {
  readonly transfers: readonly Transfer[]
  readonly label: string
  /** Groups that start folded. */
  readonly foldedFirst?: readonly TransferGroup[]
}

export function TransferList({ transfers, label, foldedFirst = [] }: TransferListProps) {
  const app = useApp()
  const scroller = useRef<HTMLDivElement>(null)
  const [closed, setClosed] = useState<ReadonlySet<TransferGroup>>(new Set(foldedFirst))
  const entries = useMemo(() => entriesOf(transfers, closed), [transfers, closed])
  // oxlint-disable-next-line react/incompatible-library -- its result is used in this render only
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (entries[index]?.kind === 'group' ? GROUP_PX : GUESSED_ROW_PX),
    getItemKey: (index) => {
      const entry = entries[index]
      return entry === undefined ? index : entry.kind === 'group' ? entry.group : entry.transfer.id
    },
    overscan: 6,
  })
  const handleVerb = async (verb: TransferVerb, id: string) => {
    const { bridge } = app
    switch (verb) {
      case 'pause':
        return app.report(await bridge.call('transfers.pause', { id }))
      case 'resume':
        return app.report(await bridge.call('transfers.resume', { id }))
      case 'retry':
        return app.report(await bridge.call('transfers.retry', { id }))
      case 'cancel':
        return app.report(await bridge.call('transfers.cancel', { id }))
      case 'dismiss':
        return app.report(await bridge.call('transfers.dismiss', { id }))
    }
  }
  const handleShow = ({ mediaId }: Transfer) => {
    if (mediaId !== undefined) app.finding.showInLibrary({ mediaId })
  }
  const handlePriority = async (id: string, priority: Transfer['priority']) =>
    app.report(await app.bridge.call('fetching.setPriority', { id, priority }))
  const handleWatch = ({ id, name }: Transfer) => app.sharing.watch(id, name)
  const toggle = (group: TransferGroup) =>
    setClosed((before) => {
      const next = new Set(before)
      if (!next.delete(group)) next.add(group)
      return next
    })
  return (
    <div
      ref={scroller}
      className={cx('list')}
      style={{ blockSize: virtual.getTotalSize() + 1 }}
      role="region"
      aria-label={label}
      tabIndex={0}
    >
      <div className={cx('inner')} style={{ blockSize: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((placed) => {
          const entry = entries[placed.index]
          if (entry === undefined) return null
          return (
            <div
              key={placed.key}
              ref={virtual.measureElement}
              data-index={placed.index}
              className={cx('placed')}
              style={{ transform: `translateY(${placed.start}px)` }}
            >
              {entry.kind === 'group' ? (
                <button
                  type="button"
                  className={cx('group', closed.has(entry.group) && 'closed')}
                  aria-expanded={!closed.has(entry.group)}
                  onClick={() => toggle(entry.group)}
                >
                  <Icon name="chevron" size={16} />
                  {t(`group.${entry.group}`)}
                  <span className={cx('groupCount')}>{entry.count}</span>
                </button>
              ) : (
                <TransferRow
                  transfer={entry.transfer}
                  onVerb={handleVerb}
                  onPriority={handlePriority}
                  onShow={handleShow}
                  onWatch={handleWatch}
                />
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}
