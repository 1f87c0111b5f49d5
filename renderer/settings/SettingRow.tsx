import type { ReactNode } from 'react'
import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './settings.module.css'

const cx = classesOf(styles)

export interface SettingNotesProps {
  readonly fixedBy: 'flag' | 'environment' | undefined
  readonly isSaved: boolean
  readonly error: string | undefined
}

/** What there is to say about a setting: fixed elsewhere, just saved, or refused. */
export function SettingNotes({ fixedBy, isSaved, error }: SettingNotesProps) {
  return (
    <>
      {fixedBy !== undefined && (
        <span className={cx('fixed')}>
          <Icon name="lock" size={14} />
          {t(fixedBy === 'flag' ? 'settings.fixedByFlag' : 'settings.fixedByEnvironment')}
        </span>
      )}
      <span role="status" className={cx('status')}>
        {isSaved && (
          <span className={cx('saved')}>
            <Icon name="check" size={14} />
            {t('settings.saved')}
          </span>
        )}
      </span>
      {error !== undefined && (
        <span className={cx('bad')} role="alert">
          {error}
        </span>
      )}
    </>
  )
}

export interface SettingRowProps {
  readonly label: string
  readonly hint?: string
  readonly notes?: ReactNode
  readonly children: ReactNode
}

export function SettingRow({ label, hint, notes, children }: SettingRowProps) {
  return (
    <div className={cx('row')}>
      <div className={cx('split')}>
        <div className={cx('words')}>
          <p className={cx('label')}>{label}</p>
          {hint !== undefined && <p className={cx('hint')}>{hint}</p>}
          {notes}
        </div>
        <div className={cx('control')}>{children}</div>
      </div>
    </div>
  )
}
