import { useId } from 'react'
import { classesOf } from '../class-names.ts'
import styles from './text-field.module.css'

const cx = classesOf(styles)

export interface TextFieldProps {
  readonly label: string
  readonly isLabelHidden?: boolean
  readonly value: string
  readonly placeholder?: string
  readonly hint?: string
  readonly error?: string
  readonly unit?: string
  readonly isMultiline?: boolean
  readonly isMono?: boolean
  readonly isDisabled?: boolean
  readonly isNumber?: boolean
  /** A password: drawn as dots, kept out of the browser's memory. */
  readonly isSecret?: boolean
  readonly isFocusedFirst?: boolean
  readonly onChange: (value: string) => void
  /** Enter, or leaving the field. */
  readonly onCommit?: () => void
  /** Enter alone: what the sheet's main button does. */
  readonly onEnter?: () => unknown
}

export function TextField(props: TextFieldProps) {
  const { label, value, hint, error, unit, onChange, onCommit } = props
  const id = useId()
  const note = error ?? hint
  const shared = {
    id,
    className: cx('input', props.isMono === true && 'mono'),
    value,
    placeholder: props.placeholder,
    disabled: props.isDisabled,
    'data-autofocus': props.isFocusedFirst === true || undefined,
    spellCheck: false,
    autoComplete: props.isSecret === true ? 'new-password' : 'off',
    'aria-invalid': error !== undefined || undefined,
    'aria-describedby': note === undefined ? undefined : `${id}-note`,
    onBlur: onCommit,
  }
  return (
    <div className={cx('field')}>
      <label htmlFor={id} className={cx(props.isLabelHidden === true ? 'isHidden' : 'label')}>
        {label}
      </label>
      <span className={cx('box', error !== undefined && 'isBad')}>
        {props.isMultiline === true ? (
          <textarea {...shared} rows={3} onChange={(event) => onChange(event.target.value)} />
        ) : (
          <input
            {...shared}
            type={props.isSecret === true ? 'password' : 'text'}
            inputMode={props.isNumber === true ? 'decimal' : undefined}
            onChange={(event) => onChange(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter') return
              onCommit?.()
              if (props.onEnter === undefined) return
              // What follows may move the focus to a button, which this very key would press.
              event.preventDefault()
              void props.onEnter()
            }}
          />
        )}
        {unit !== undefined && <span className={cx('unit')}>{unit}</span>}
      </span>
      {note !== undefined && (
        <span
          id={`${id}-note`}
          className={cx(error === undefined ? 'hint' : 'error')}
          role={error === undefined ? undefined : 'alert'}
        >
          {note}
        </span>
      )}
    </div>
  )
}
