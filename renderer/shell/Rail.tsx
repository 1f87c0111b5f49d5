import { useApp, useNode, useShell, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatSize } from '../format/quantities.ts'
import { Icon, type IconName } from '../parts/Icon.tsx'
import type { ViewName } from '../stores/shell-store.ts'
import { selectLiveCount } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import styles from './rail.module.css'

const cx = classesOf(styles)

const ENTRIES: readonly { readonly view: ViewName; readonly icon: IconName }[] = [
  { view: 'library', icon: 'library' },
  { view: 'discover', icon: 'compass' },
  { view: 'contacts', icon: 'users' },
  { view: 'transfers', icon: 'transfers' },
  { view: 'network', icon: 'network' },
]

export function Rail() {
  const app = useApp()
  const view = useShell((state) => state.view)
  const live = useTransfers(selectLiveCount)
  const media = useNode((state) => state.status?.media)
  const entry = (name: ViewName, icon: IconName, count: number) => (
    <li key={name}>
      <button
        type="button"
        className={cx('entry', view === name && 'isHere')}
        aria-current={view === name ? 'page' : undefined}
        title={t(`view.${name}`)}
        onClick={() => {
          // Pressed where one is already, it leads back to the beginning of the place.
          if (name === 'discover' && view === name) app.discover.open({ kind: 'feed' })
          app.shell.go(name)
        }}
      >
        <Icon name={icon} size={19} />
        <span className={cx('label')}>{t(`view.${name}`)}</span>
        {count > 0 && (
          <span className={cx('count')} aria-label={t('rail.running', { count })}>
            {count}
          </span>
        )}
      </button>
    </li>
  )
  return (
    <nav className={cx('rail')} aria-label={t('rail.label')} data-region="rail">
      <ul className={cx('list')}>
        {ENTRIES.map((one) => entry(one.view, one.icon, one.view === 'transfers' ? live : 0))}
      </ul>
      <ul className={cx('list')}>
        {media !== undefined && (
          <li className={cx('space')}>
            <span className={cx('spaceUsed')}>{t('rail.used', { size: formatSize(media.usedBytes) })}</span>
            {media.freeBytes !== undefined && (
              <span className={cx(media.state === 'low-space' && 'spaceLow')}>
                {t('rail.free', { size: formatSize(media.freeBytes) })}
              </span>
            )}
          </li>
        )}
        {entry('wallet', 'wallet', 0)}
        {entry('settings', 'settings', 0)}
      </ul>
    </nav>
  )
}
