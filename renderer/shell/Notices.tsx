import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import type { Notice } from '../../app/contract/index.ts'
import { t } from '../strings/t.ts'
import styles from './banner.module.css'

const cx = classesOf(styles)

const NONE: readonly Notice[] = []
const MOST_SHOWN = 2

/** Things the user should know once, newest first, until dismissed. */
export function Notices() {
  const app = useApp()
  const notices = useNode((state) => state.status?.notices ?? NONE)
  const newestFirst = [...notices].sort((a, b) => b.atMs - a.atMs)
  const dismiss = async (ids: readonly string[]) => {
    const replies = await Promise.all(ids.map((id) => app.bridge.call('node.dismissNotice', { id })))
    for (const reply of replies) app.report(reply)
    await app.node.reload()
  }
  const rest = newestFirst.slice(MOST_SHOWN)
  return (
    <>
      {newestFirst.slice(0, MOST_SHOWN).map((notice) => (
        <div
          key={notice.id}
          role="status"
          className={cx('banner', notice.level === 'warning' && 'warn', notice.level === 'error' && 'bad')}
        >
          <Icon name={notice.level === 'info' ? 'info' : 'warning'} />
          <p className={cx('text')}>
            {notice.message} {notice.hint !== undefined && <span className={cx('hint')}>{notice.hint}</span>}
          </p>
          <Button
            tone="quiet"
            isSmall
            icon="close"
            label={t('notice.dismiss')}
            onPress={() => dismiss([notice.id])}
          />
        </div>
      ))}
      {rest.length > 0 && (
        <div className={cx('banner')} role="status">
          <p className={cx('text')}>{t('notice.more', { count: rest.length })}</p>
          <Button tone="quiet" isSmall onPress={() => dismiss(rest.map((notice) => notice.id))}>
            {t('notice.dismissAll')}
          </Button>
        </div>
      )}
    </>
  )
}
