import { useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { Transfer } from '../../app/contract/index.ts'
import { useApp, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatDuration, formatRate } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { Furrow } from '../parts/Furrow.tsx'
import { isLive } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import { TransferList } from './TransferList.tsx'
import styles from './transfers.module.css'

const cx = classesOf(styles)

const FOLDED = ['waiting', 'finished'] as const

/** What is being added or fetched just now; stays when something failed, leaves by itself when all went well. */
export function TransferDrawer() {
  const app = useApp()
  const { transfers, inDrawer, isDrawerOpen } = useTransfers(useShallow((state) => state))
  const shown = useMemo(
    () => [...inDrawer].map((id) => transfers.get(id)).filter((one) => one !== undefined),
    [transfers, inDrawer],
  )
  if (shown.length === 0) return null
  const summary = summaryOf(shown)
  return (
    <section className={cx('drawer')} aria-label={t('drawer.label')} data-region="drawer" tabIndex={-1}>
      <div className={cx('bar')}>
        <span className={cx('barText')} role="status">
          {summary.text}
        </span>
        {summary.live > 0 && (
          <>
            <span className={cx('barFurrow')}>
              <Furrow ratio01={summary.ratio01} label={t('drawer.progress')} />
            </span>
            <span className={cx('barFigures')}>{summary.figures}</span>
          </>
        )}
        <span className={cx('push')} />
        {shown.length > summary.live && (
          <Button tone="quiet" isSmall onPress={() => app.transfers.putAway()}>
            {t('drawer.putAway')}
          </Button>
        )}
        <Button
          tone="quiet"
          isSmall
          icon={isDrawerOpen ? 'chevron' : 'chevronUp'}
          label={t(isDrawerOpen ? 'drawer.fold' : 'drawer.unfold')}
          onPress={() => app.transfers.setDrawerOpen(!isDrawerOpen)}
        />
      </div>
      {isDrawerOpen && <TransferList transfers={shown} label={t('drawer.list')} foldedFirst={FOLDED} />}
    </section>
  )
}

function summaryOf(shown: readonly Transfer[]) {
  let live = 0
  let failed = 0
  let bytesDone = 0
  let bytesTotal = 0
  let rate = 0
  for (const transfer of shown) {
    if (isLive(transfer)) live += 1
    if (transfer.state === 'failed') failed += 1
    if (transfer.state === 'failed' || transfer.state === 'cancelled') continue
    bytesTotal += transfer.bytesTotal ?? 0
    bytesDone += transfer.state === 'done' ? (transfer.bytesTotal ?? 0) : transfer.bytesDone
    rate += transfer.state === 'active' ? transfer.rateBytesPerSec : 0
  }
  const finished = shown.length - live - failed
  const text =
    live > 0
      ? t('drawer.working', { done: finished, count: shown.length })
      : failed > 0
        ? t('drawer.someFailed', { count: failed })
        : t('drawer.allDone', { count: finished })
  const etaMs = rate > 0 ? ((bytesTotal - bytesDone) / rate) * 1000 : undefined
  return {
    text,
    live,
    ratio01: bytesTotal === 0 ? null : bytesDone / bytesTotal,
    figures: [
      rate > 0 ? formatRate(rate) : '',
      etaMs === undefined ? '' : t('transfer.left', { time: formatDuration(etaMs) }),
    ]
      .filter(Boolean)
      .join(' · '),
  }
}
