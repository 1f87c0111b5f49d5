import type { ErrorShape } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { errorWords } from '../strings/error-words.ts'
import styles from './error-text.module.css'

const cx = classesOf(styles)

export interface ErrorTextProps {
  readonly error: ErrorShape | null
}

/** What went wrong and what to do, beside what was tried. */
export function ErrorText({ error }: ErrorTextProps) {
  if (error === null) return null
  const { title, next } = errorWords(error)
  return (
    <p className={cx('problem')} role="alert">
      <strong>{title}.</strong> {error.message === title ? '' : error.message} {next}
    </p>
  )
}
