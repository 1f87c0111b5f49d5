import { useApp, useLibrary, useMemory, useNode, useShell } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { useNow } from '../parts/use-now.ts'
import { t } from '../strings/t.ts'
import styles from './banner.module.css'

const cx = classesOf(styles)

/** A wallet without a backup: said calmly until it has one. It can be put off only while nothing private depends on it. */
export function BackupBanner() {
  const app = useApp()
  const nowMs = useNow()
  const wallet = useNode((state) => state.status?.wallet)
  const view = useShell((state) => state.view)
  const { quietUntilMs, isWelcomed } = useMemory((state) => state)
  const hasPrivate = useLibrary((state) => state.hasPrivate)
  if (wallet === undefined || wallet.state !== 'ready' || wallet.isBackedUp || view === 'wallet') return null
  // The first words on it are the empty library's.
  if (wallet.isReplaceable && !isWelcomed) return null
  if (!hasPrivate && nowMs < quietUntilMs) return null
  return (
    <div className={cx('banner', 'warn')} role="status">
      <Icon name="key" />
      <p className={cx('text')}>
        <strong>{t('backup.banner')}</strong> {t('backup.bannerText')}
      </p>
      <Button isSmall onPress={() => app.shell.openSheet({ kind: 'backup-words' })}>
        {t('backup.now')}
      </Button>
      {!hasPrivate && (
        <Button
          tone="quiet"
          isSmall
          icon="close"
          label={t('backup.later')}
          onPress={() => app.memory.remindLater(Date.now())}
        />
      )}
    </div>
  )
}
