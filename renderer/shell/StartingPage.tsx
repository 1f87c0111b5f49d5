import { classesOf } from '../class-names.ts'
import { Furrow } from '../parts/Furrow.tsx'
import { Mark } from '../parts/Mark.tsx'
import { t } from '../strings/t.ts'
import styles from './page.module.css'

const cx = classesOf(styles)

export function StartingPage() {
  return (
    <div className={cx('starting')} role="status">
      <span className={cx('startingMark')}>
        <Mark size={48} />
      </span>
      <p>{t('engine.startingText')}</p>
      <span className={cx('startingBar')}>
        <Furrow ratio01={null} label={t('engine.starting')} />
      </span>
    </div>
  )
}
