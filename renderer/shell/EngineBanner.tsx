import { useState } from 'react'
import { useDesktop, useNode, useShell } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Spinner } from '../parts/Spinner.tsx'
import { t } from '../strings/t.ts'
import { walletTrouble } from '../wallet/wallet-words.ts'
import { WalletFixButton } from '../wallet/WalletFixButton.tsx'
import styles from './banner.module.css'

const cx = classesOf(styles)

/** One line over the view while the engine comes back, or while the wallet can't be opened. */
export function EngineBanner() {
  const engine = useDesktop((state) => state.engine)
  const wallet = useNode((state) => state.status?.wallet)
  const view = useShell((state) => state.view)
  const [putAway, setPutAway] = useState<string>()
  if (engine.state === 'restarting') {
    return (
      <div className={cx('banner')} role="status">
        <Spinner />
        <p className={cx('text')}>{t('engine.restartingText')}</p>
      </div>
    )
  }
  if (engine.state !== 'running' || wallet === undefined || putAway === wallet.state) return null
  const trouble = walletTrouble(wallet)
  // The wallet's own page says it at length.
  if (view === 'wallet') return null
  // A wallet that works may still have something to say, such as that only file permissions protect it.
  if (trouble === undefined && wallet.message === undefined) return null
  return (
    <div className={cx('banner', 'warn')} role="status">
      <Icon name="key" />
      <p className={cx('text')}>
        {trouble !== undefined && <strong>{trouble.title}</strong>}{' '}
        {wallet.message ?? t('wallet.publicStillWorks')}
      </p>
      {trouble !== undefined && <WalletFixButton fix={trouble.fix} isSmall />}
      <Button
        tone="quiet"
        isSmall
        icon="close"
        label={t('action.close')}
        onPress={() => setPutAway(wallet.state)}
      />
    </div>
  )
}
