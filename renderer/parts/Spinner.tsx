import { classesOf } from '../class-names.ts'
import styles from './spinner.module.css'

const cx = classesOf(styles)

/** Turns while something works; what it is, is said beside it. */
export function Spinner() {
  return <span className={cx('spinner')} aria-hidden="true" />
}
