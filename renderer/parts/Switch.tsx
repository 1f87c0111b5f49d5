import { useId, useState } from 'react'
import { classesOf } from '../class-names.ts'
import styles from './switch.module.css'

const cx = classesOf(styles)

export interface SwitchProps {
  readonly label: string
  readonly hint?: string
  readonly isOn: boolean
  readonly isDisabled?: boolean
  /** While the promise is open the switch is busy; it moves when the engine has agreed. */
  readonly onChange: (isOn: boolean) => unknown
}

export function Switch({ label, hint, isOn, isDisabled, onChange }: SwitchProps) {
  const [isBusy, setIsBusy] = useState(false)
  const id = useId()
  const handleClick = () => {
    if (isBusy) return
    const result = onChange(!isOn)
    if (!(result instanceof Promise)) return
    setIsBusy(true)
    void result.finally(() => setIsBusy(false))
  }
  return (
    <div className={cx('field')}>
      <span className={cx('words')}>
        <span id={id} className={cx('label')}>
          {label}
        </span>
        {hint !== undefined && (
          <span id={`${id}-hint`} className={cx('hint')}>
            {hint}
          </span>
        )}
      </span>
      <button
        type="button"
        role="switch"
        className={cx('track')}
        aria-checked={isOn}
        aria-labelledby={id}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        aria-busy={isBusy || undefined}
        disabled={isDisabled}
        onClick={handleClick}
      />
    </div>
  )
}
