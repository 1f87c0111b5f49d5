import { useMemo } from 'react'
import { useApp, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Furrow } from '../parts/Furrow.tsx'
import { isLive } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './wallet.module.css'

const cx = classesOf(page, styles)

/** “My keys may be known”: starts the rotation, and shows how far it is, also after a restart. */
export function RotationCard() {
  const app = useApp()
  const transfers = useTransfers((state) => state.transfers)
  const { total, done, failed, live } = useMemo(() => {
    const rekeys = [...transfers.values()].filter((one) => one.kind === 'rekey' && one.state !== 'cancelled')
    const count = (state: string) => rekeys.filter((one) => one.state === state).length
    return {
      total: rekeys.length,
      done: count('done'),
      failed: count('failed'),
      live: rekeys.filter(isLive).length,
    }
  }, [transfers])
  const isShown = live > 0 || failed > 0
  return (
    <section className={cx('panel')} aria-labelledby="wallet-rotate">
      <h2 id="wallet-rotate" className={cx('cardTitle')}>
        {t('rotate.title')}
      </h2>
      <p className={cx('quiet')}>{t('rotate.cardText')}</p>
      {isShown && (
        <div className={cx('progress')} role="status">
          <p>{t('rotate.progress', { done, count: total })}</p>
          <Furrow ratio01={total === 0 ? null : done / total} label={t('people.rekeying')} />
          {failed > 0 && <p className={cx('problem')}>{t('rotate.failed', { count: failed })}</p>}
        </div>
      )}
      <div className={cx('buttons')}>
        {isShown ? (
          <Button icon="transfers" onPress={() => app.shell.go('transfers')}>
            {t('view.transfers')}
          </Button>
        ) : (
          <Button icon="key" onPress={() => app.shell.openSheet({ kind: 'rotate' })}>
            {t('rotate.start')}
          </Button>
        )}
      </div>
    </section>
  )
}
