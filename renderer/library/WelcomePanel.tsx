import { useApp, useMemory, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './welcome-panel.module.css'

const cx = classesOf(styles)

/** The identity step of a fresh profile: it was made; back it up, bring another back, or leave it for later. */
export function WelcomePanel() {
  const app = useApp()
  const wallet = useNode((state) => state.status?.wallet)
  const isWelcomed = useMemory((state) => state.isWelcomed)
  if (wallet?.state !== 'ready' || wallet.isBackedUp || !wallet.isReplaceable || isWelcomed) return null
  return (
    <section className={cx('panel')} aria-labelledby="welcome-title">
      <span className={cx('glyph')}>
        <Icon name="key" size={22} />
      </span>
      <div className={cx('words')}>
        <h3 id="welcome-title" className={cx('title')}>
          {t('welcome.title')}
        </h3>
        <p>{t('welcome.text')}</p>
        <div className={cx('actions')}>
          <Button isSmall icon="text" onPress={() => app.shell.openSheet({ kind: 'backup-words' })}>
            {t('welcome.backup')}
          </Button>
          <Button isSmall icon="undo" onPress={() => app.shell.openSheet({ kind: 'restore' })}>
            {t('welcome.restore')}
          </Button>
          <Button
            tone="quiet"
            isSmall
            onPress={() => {
              app.memory.setWelcomed()
              app.memory.remindLater(Date.now())
            }}
          >
            {t('welcome.later')}
          </Button>
        </div>
      </div>
    </section>
  )
}
