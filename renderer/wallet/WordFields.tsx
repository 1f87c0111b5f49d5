import { useRef } from 'react'
import { classesOf } from '../class-names.ts'
import { t } from '../strings/t.ts'
import shared from '../parts/text-field.module.css'
import styles from './words.module.css'

const cx = classesOf(shared, styles)

export interface WordFieldsProps {
  readonly words: readonly string[]
  /** Positions from 1. */
  readonly wrong: ReadonlySet<number>
  readonly onChange: (words: readonly string[]) => void
}

/** One field per word; a pasted phrase spreads over them, and a space goes on to the next. */
export function WordFields({ words, wrong, onChange }: WordFieldsProps) {
  const root = useRef<HTMLDivElement>(null)
  const focusAt = (index: number) =>
    root.current?.querySelectorAll<HTMLInputElement>('input')[Math.min(index, words.length - 1)]?.focus()
  const set = (index: number, text: string) => {
    const given = text.toLowerCase().split(/\s+/).filter(Boolean)
    if (given.length <= 1) {
      onChange(words.map((word, i) => (i === index ? text.trim().slice(0, 32).toLowerCase() : word)))
      if (/\s$/.test(text) && given.length === 1) focusAt(index + 1)
      return
    }
    onChange(words.map((word, i) => given[i - index]?.slice(0, 32) ?? word))
    focusAt(index + given.length)
  }
  return (
    <div ref={root} className={cx('fields')} dir="ltr">
      {words.map((word, index) => {
        const isWrong = wrong.has(index + 1)
        const noteId = `word-note-${index}`
        return (
          <div key={index} className={cx('wordField')}>
            <span className={cx('box', isWrong && 'isBad')}>
              <span className={cx('number')} aria-hidden="true">
                {index + 1}
              </span>
              <input
                className={cx('input')}
                type="text"
                value={word}
                aria-label={t('words.position', { position: index + 1 })}
                aria-invalid={isWrong || undefined}
                aria-describedby={isWrong ? noteId : undefined}
                data-autofocus={index === 0 || undefined}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                onChange={(event) => set(index, event.target.value)}
              />
            </span>
            {isWrong && (
              <span id={noteId} className={cx('note', 'bad')} role="alert">
                {t('restore.wordWrong')}
              </span>
            )}
          </div>
        )
      })}
    </div>
  )
}
