import { useRef, type KeyboardEvent } from 'react'
import { classesOf } from '../class-names.ts'
import { Icon, type IconName } from './Icon.tsx'
import styles from './segmented.module.css'

const cx = classesOf(styles)

export interface SegmentedProps<V extends string> {
  readonly label: string
  readonly value: V
  readonly options: readonly { readonly value: V; readonly label: string; readonly icon?: IconName }[]
  readonly isDisabled?: boolean
  readonly onChange: (value: V) => void
}

/** One of a few, all in sight: a radio group. */
export function Segmented<V extends string>({
  label,
  value,
  options,
  isDisabled,
  onChange,
}: SegmentedProps<V>) {
  const root = useRef<HTMLDivElement>(null)
  const handleKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const here = options.findIndex((option) => option.value === value)
    const index = (here + step + options.length) % options.length
    const next = options[index]
    if (next === undefined) return
    onChange(next.value)
    root.current?.querySelectorAll('button')[index]?.focus()
  }
  return (
    <div ref={root} role="radiogroup" aria-label={label} className={cx('group')} onKeyDown={handleKeyDown}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          disabled={isDisabled}
          className={cx('option', option.value === value && 'isOn')}
          onClick={() => onChange(option.value)}
        >
          {option.icon !== undefined && <Icon name={option.icon} size={15} />}
          {option.label}
        </button>
      ))}
    </div>
  )
}
