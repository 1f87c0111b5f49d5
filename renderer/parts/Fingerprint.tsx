import { classesOf } from '../class-names.ts'
import styles from './fingerprint.module.css'

const cx = classesOf(styles)

export interface FingerprintProps {
  /** Groups with hyphens between. */
  readonly value: string
  readonly isLarge?: boolean
}

/** A key in a form to read aloud: groups that stay together, the same from left to right in every language. */
export function Fingerprint({ value, isLarge }: FingerprintProps) {
  return (
    <bdi dir="ltr" className={cx('fingerprint', isLarge === true && 'large')}>
      {value.split('-').map((group, index) => (
        <span key={index} className={cx('group')}>
          {index === 0 ? group : `-${group}`}
        </span>
      ))}
    </bdi>
  )
}
