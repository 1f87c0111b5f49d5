import { useMemo } from 'react'
import { useApp, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import { isLive, selectNewestFirst } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import { TransferList } from './TransferList.tsx'
import styles from './transfers.module.css'

const cx = classesOf(styles)

export function TransfersView() {
  const app = useApp()
  const all = useTransfers((state) => state.transfers)
  const newestFirst = useMemo(
    () => selectNewestFirst({ transfers: all, inDrawer: new Set(), isDrawerOpen: false }),
    [all],
  )
  const hasFinished = newestFirst.some((transfer) => !isLive(transfer))
  if (newestFirst.length === 0) {
    return (
      <EmptyState icon="transfers" title={t('transfers.none')} text={t('transfers.noneText')}>
        <Button tone="primary" icon="plus" onPress={() => void app.verbs.addFromPicker()}>
          {t('add.files')}
        </Button>
        <Button icon="link" onPress={() => app.shell.openSheet({ kind: 'paste-link', link: '' })}>
          {t('add.pasteLink')}
        </Button>
      </EmptyState>
    )
  }
  return (
    <div className={cx('page')}>
      <div className={cx('pageHead')}>
        <h1 className={cx('title')}>{t('view.transfers')}</h1>
        <span className={cx('push')} />
        {hasFinished && (
          <Button isSmall onPress={async () => app.report(await app.bridge.call('transfers.dismiss', {}))}>
            {t('transfers.clear')}
          </Button>
        )}
      </div>
      <TransferList transfers={newestFirst} label={t('view.transfers')} />
    </div>
  )
}
