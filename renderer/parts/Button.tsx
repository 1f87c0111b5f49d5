import { useEffect, useRef, useState, type ReactNode } from 'react'
import { classesOf } from '../class-names.ts'
import { Icon, type IconName } from './Icon.tsx'
import { Spinner } from './Spinner.tsx'
import styles from './button.module.css'

const cx = classesOf(styles)

export interface ButtonProps {
  readonly children?: ReactNode
  readonly icon?: IconName
  /** Needed when there is no text. */
  readonly label?: string
  readonly tone?: 'plain' | 'primary' | 'quiet' | 'danger' | 'danger-fill'
  readonly isSmall?: boolean
  readonly isPressed?: boolean
  readonly isDisabled?: boolean
  readonly isSubmit?: boolean
  readonly hasMenu?: boolean
  readonly isFocusedFirst?: boolean
  readonly tabIndex?: number
  /**
   * While a returned promise is open the button shows that it works; afterwards for a moment how it went
   * (`false` or `{ ok: false }` = failed; the reason is told elsewhere).
   */
  readonly onPress?: () => unknown
}

type Phase = 'idle' | 'pending' | 'done' | 'failed'

const isFailure = (value: unknown): boolean =>
  value === false || (typeof value === 'object' && value !== null && 'ok' in value && value.ok === false)

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise

const SHOWN_MS = 1_400

export function Button(props: ButtonProps) {
  const { children, icon, label, tone = 'plain', isSmall, isPressed, isDisabled, onPress } = props
  const [phase, setPhase] = useState<Phase>('idle')
  const isMounted = useRef(true)
  useEffect(() => {
    isMounted.current = true
    return () => {
      isMounted.current = false
    }
  }, [])
  useEffect(() => {
    if (phase !== 'done' && phase !== 'failed') return
    const timer = setTimeout(() => setPhase('idle'), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [phase])

  const handleClick = () => {
    if (phase === 'pending') return
    const result = onPress?.()
    if (!isPromise(result)) return
    setPhase('pending')
    const settle = (next: Phase) => {
      if (isMounted.current) setPhase(next)
    }
    result.then(
      (value) => settle(isFailure(value) ? 'failed' : 'done'),
      () => settle('failed'),
    )
  }
  const shownIcon: IconName | undefined = phase === 'done' ? 'check' : phase === 'failed' ? 'warning' : icon
  return (
    <button
      type={props.isSubmit === true ? 'submit' : 'button'}
      className={cx(
        'button',
        tone === 'primary' && 'primary',
        tone === 'quiet' && 'quiet',
        tone === 'danger' && 'danger',
        tone === 'danger-fill' && 'dangerFill',
        isSmall === true && 'small',
        children === undefined && 'iconOnly',
        isPressed === true && 'pressed',
      )}
      disabled={isDisabled}
      aria-label={label}
      title={children === undefined ? label : undefined}
      aria-pressed={isPressed}
      aria-busy={phase === 'pending' || undefined}
      aria-haspopup={props.hasMenu === true ? 'menu' : undefined}
      data-autofocus={props.isFocusedFirst === true || undefined}
      tabIndex={props.tabIndex}
      onClick={handleClick}
    >
      {phase === 'pending' ? (
        <Spinner />
      ) : (
        shownIcon !== undefined && <Icon name={shownIcon} size={isSmall === true ? 15 : 17} />
      )}
      {children}
    </button>
  )
}
