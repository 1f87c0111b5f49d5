import { useEffect, useId, useRef, type ReactNode } from 'react'
import { classesOf } from '../class-names.ts'
import { t } from '../strings/t.ts'
import { Button } from './Button.tsx'
import styles from './sheet.module.css'

const cx = classesOf(styles)

export interface SheetProps {
  readonly title: string
  readonly intro?: ReactNode
  readonly children?: ReactNode
  readonly foot?: ReactNode
  readonly isWide?: boolean
  readonly onClose: () => void
}

/** A modal sheet: the platform's `<dialog>` keeps focus inside and closes on Escape. */
export function Sheet({ title, intro, children, foot, isWide, onClose }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    // The platform would choose the close button.
    const first = element?.querySelector<HTMLElement>('[data-autofocus]')
    ;(first ?? element)?.focus()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      tabIndex={-1}
      className={cx('sheet', isWide === true && 'wide')}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current) onClose()
      }}
    >
      <div className={cx('head')}>
        <div>
          <h2 id={titleId} className={cx('title')}>
            {title}
          </h2>
          {intro !== undefined && <p className={cx('intro')}>{intro}</p>}
        </div>
        <Button tone="quiet" isSmall icon="close" label={t('action.close')} onPress={onClose} />
      </div>
      {children !== undefined && <div className={cx('body')}>{children}</div>}
      {foot !== undefined && <div className={cx('foot')}>{foot}</div>}
    </dialog>
  )
}
