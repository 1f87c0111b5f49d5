import { useState } from 'react'
import { useDesktop, useNode, useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './banner.module.css'

const cx = classesOf(styles)

/** One line over the view while the engine comes back, or while the wallet can't be opened. */
export function EngineBanner() {
  const app = useApp()
  const engine = useDesktop((state) => state.engine)
  const wallet = useNode((state) => state.status?.wallet)
  const [putAway, setPutAway] = useState<string>()
  if (engine.state === 'restarting') {
    return (
      <div className={cx('banner')} role="status">
        <span className={cx('spinner')} aria-hidden="true" />
        <p className={cx('text')}>{t('engine.restartingText')}</p>
      </div>
    )
  }
  if (engine.state !== 'running' || wallet === undefined || putAway === wallet.state) return null
  // A wallet that works may still have something to say, such as that only file permissions protect it.
  if (wallet.state === 'ready' && wallet.message === undefined) return null
  const canRetry = wallet.state === 'locked' || wallet.state === 'denied' || wallet.state === 'absent'
  return (
    <div className={cx('banner', 'warn')} role="status">
      <Icon name="key" />
      <p className={cx('text')}>
        {wallet.state !== 'ready' && <strong>{t(`wallet.${wallet.state}`)}</strong>}{' '}
        {wallet.message ?? t('wallet.publicStillWorks')}
      </p>
      {canRetry && (
        <Button
          isSmall
          onPress={async () => {
            const reply = app.report(await app.bridge.call('vault.unlock', {}))
            await app.node.reload()
            return reply.ok && reply.value.state === 'ready'
          }}
        >
          {t('action.retry')}
        </Button>
      )}
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
