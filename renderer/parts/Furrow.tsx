import { classesOf } from '../class-names.ts'
import styles from './furrow.module.css'

const cx = classesOf(styles)

export interface FurrowProps {
  /** 0…1; null = not known yet. */
  readonly ratio01: number | null
  readonly label: string
  readonly tone?: 'good' | 'bad' | 'quiet'
}

/** Progress, sown seed by seed. */
export function Furrow({ ratio01, label, tone = 'good' }: FurrowProps) {
  const percent = ratio01 === null ? undefined : Math.round(Math.min(1, Math.max(0, ratio01)) * 100)
  return (
    <span
      className={cx('furrow')}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <span
        className={cx(
          'sown',
          tone === 'bad' && 'bad',
          tone === 'quiet' && 'quiet',
          percent === undefined && 'waiting',
        )}
        style={percent === undefined ? undefined : { inlineSize: `round(down, ${percent}%, 9px)` }}
      />
    </span>
  )
}
