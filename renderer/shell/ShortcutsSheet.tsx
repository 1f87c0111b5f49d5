import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'
import { shortcutGroups } from './shortcut-list.ts'
import styles from './sheets.module.css'

const cx = classesOf(styles)

export interface ShortcutsSheetProps {
  readonly onClose: () => void
}

export function ShortcutsSheet({ onClose }: ShortcutsSheetProps) {
  const { bridge } = useApp()
  return (
    <Sheet isWide title={t('shortcuts.title')} onClose={onClose}>
      <div className={cx('keys')}>
        {shortcutGroups(bridge.platform).map((group) => (
          <section key={group.title}>
            <h3 className={cx('keyTitle')}>{group.title}</h3>
            <ul>
              {group.rows.map((row) => (
                <li key={row.text} className={cx('keyRow')}>
                  <span>{row.text}</span>
                  <span className={cx('caps')}>
                    {row.keys.map((key) => (
                      <kbd key={key} className={cx('cap')}>
                        {key}
                      </kbd>
                    ))}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Sheet>
  )
}
