import { classesOf } from '../class-names.ts'
import { t } from '../strings/t.ts'
import { passwordStrength } from './wallet-words.ts'
import styles from './words.module.css'

const cx = classesOf(styles)

const LOOKS = ['weak', 'fair', 'good'] as const

export interface PasswordStrengthProps {
  readonly password: string
}

export function PasswordStrength({ password }: PasswordStrengthProps) {
  if (password === '') return null
  const strength = passwordStrength(password)
  const look = LOOKS[strength]
  return (
    <p className={cx('strength', look)} role="status">
      <span className={cx('meter')} aria-hidden="true">
        {LOOKS.map((name, index) => (
          <span key={name} className={cx('bar', index <= strength && 'isLit')} />
        ))}
      </span>
      {t(`strength.${look}`)}
    </p>
  )
}
