import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { createPortal } from 'react-dom'
import { classesOf } from '../class-names.ts'
import { Icon, type IconName } from './Icon.tsx'
import styles from './menu.module.css'

const cx = classesOf(styles)

export type MenuEntry =
  | { readonly kind: 'rule' }
  | {
      readonly kind: 'item'
      readonly label: string
      readonly icon?: IconName
      readonly keys?: string
      readonly isDisabled?: boolean
      readonly isDanger?: boolean
      readonly run: () => void
    }

export interface MenuProps {
  readonly label: string
  readonly entries: readonly MenuEntry[]
  /** Viewport position of the corner it hangs from. */
  readonly at: { readonly x: number; readonly y: number }
  readonly onClose: () => void
}

const EDGE_PX = 8

/** A pop-up menu: arrows, Home, End and first letters move, Escape and Tab close and give the focus back. */
export function Menu({ label, entries, at, onClose }: MenuProps) {
  const root = useRef<HTMLDivElement>(null)
  const [place, setPlace] = useState({ x: at.x, y: at.y })

  useLayoutEffect(() => {
    const box = root.current?.getBoundingClientRect()
    if (box === undefined) return
    setPlace({
      x: Math.max(EDGE_PX, Math.min(at.x, window.innerWidth - box.width - EDGE_PX)),
      y: Math.max(EDGE_PX, Math.min(at.y, window.innerHeight - box.height - EDGE_PX)),
    })
  }, [at.x, at.y])

  useEffect(() => {
    const before = document.activeElement
    root.current?.querySelector<HTMLButtonElement>('button:not(:disabled)')?.focus({ preventScroll: true })
    const handleOutside = (event: Event) => {
      if (event.target instanceof Node && root.current?.contains(event.target) === true) return
      onClose()
    }
    document.addEventListener('pointerdown', handleOutside, true)
    window.addEventListener('blur', onClose)
    window.addEventListener('resize', onClose)
    return () => {
      document.removeEventListener('pointerdown', handleOutside, true)
      window.removeEventListener('blur', onClose)
      window.removeEventListener('resize', onClose)
      if (before instanceof HTMLElement && document.activeElement === document.body) {
        before.focus({ preventScroll: true })
      }
    }
    // oxlint-disable-next-line react/exhaustive-deps -- opened once; the caller's closure may change meanwhile
  }, [])

  const handleKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation()
    const buttons = [...(root.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? [])]
    const here = buttons.findIndex((button) => button === document.activeElement)
    const focusAt = (index: number) => {
      event.preventDefault()
      buttons[(index + buttons.length) % buttons.length]?.focus()
    }
    if (event.key === 'ArrowDown') focusAt(here + 1)
    else if (event.key === 'ArrowUp') focusAt(here - 1)
    else if (event.key === 'Home') focusAt(0)
    else if (event.key === 'End') focusAt(buttons.length - 1)
    else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault()
      onClose()
    } else if (event.key.length === 1 && event.key !== ' ') {
      const letter = event.key.toLocaleLowerCase()
      const next = [...buttons.slice(here + 1), ...buttons.slice(0, here + 1)].find(
        (button) => button.textContent?.trim().toLocaleLowerCase().startsWith(letter) === true,
      )
      if (next !== undefined) focusAt(buttons.indexOf(next))
    }
  }
  return createPortal(
    <div
      ref={root}
      role="menu"
      aria-label={label}
      className={cx('menu')}
      style={{ left: place.x, top: place.y }}
      onKeyDown={handleKeyDown}
      onContextMenu={(event) => event.preventDefault()}
    >
      {entries.map((entry, index) =>
        entry.kind === 'rule' ? (
          <div key={index} role="separator" className={cx('rule')} />
        ) : (
          <button
            key={entry.label}
            type="button"
            role="menuitem"
            tabIndex={-1}
            className={cx('item', entry.isDanger === true && 'danger')}
            disabled={entry.isDisabled}
            onClick={() => {
              onClose()
              entry.run()
            }}
          >
            <span className={cx('glyph')}>
              {entry.icon === undefined ? null : <Icon name={entry.icon} size={16} />}
            </span>
            {entry.label}
            {entry.keys !== undefined && <span className={cx('keys')}>{entry.keys}</span>}
          </button>
        ),
      )}
    </div>,
    document.body,
  )
}
