import type { ReactNode } from 'react'
import { classesOf } from '../class-names.ts'
import { Icon, type IconName } from './Icon.tsx'
import styles from './empty-state.module.css'

const cx = classesOf(styles)

export interface EmptyStateProps {
  readonly icon: IconName
  readonly title: ReactNode
  readonly text?: string
  readonly children?: ReactNode
  readonly isAlert?: boolean
}

export function EmptyState({ icon, title, text, children, isAlert }: EmptyStateProps) {
  return (
    <div className={cx('empty')} role={isAlert === true ? 'alert' : undefined}>
      <span className={cx('glyph')}>
        <Icon name={icon} size={30} />
      </span>
      <h2 className={cx('title')}>{title}</h2>
      {text !== undefined && <p className={cx('text')}>{text}</p>}
      {children !== undefined && <div className={cx('actions')}>{children}</div>}
    </div>
  )
}
