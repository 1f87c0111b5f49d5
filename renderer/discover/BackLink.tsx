import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './discover.module.css'

const cx = classesOf(styles)

/** The way back to where one came from. */
export function BackLink() {
  const app = useApp()
  return (
    <button type="button" className={cx('back')} onClick={() => app.discover.back()}>
      <Icon name="back" size={16} />
      {t('discover.back')}
    </button>
  )
}
