import { classesOf } from '../class-names.ts'
import { Icon, type IconName } from './Icon.tsx'
import styles from './state-label.module.css'

const cx = classesOf(styles)

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'plain'

export interface StateLabelProps {
  readonly tone: Tone
  readonly icon: IconName
  readonly text: string
}

/** A state is always a colour, a picture and words. */
export function StateLabel({ tone, icon, text }: StateLabelProps) {
  return (
    <span className={cx('state', tone)}>
      <span className={cx('glyph')}>
        <Icon name={icon} size={16} />
      </span>
      <span className={cx('text')} title={text}>
        {text}
      </span>
    </span>
  )
}
