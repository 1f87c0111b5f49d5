import { useState } from 'react'
import type { Transfer } from '../../app/contract/index.ts'
import { displayName } from '../format/names.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Menu } from '../parts/Menu.tsx'
import { t } from '../strings/t.ts'
import styles from './transfers.module.css'

const cx = classesOf(styles)

export interface PriorityMenuProps {
  readonly transfer: Pick<Transfer, 'id' | 'name' | 'priority'>
  readonly onChoose: (id: string, priority: Transfer['priority']) => Promise<unknown>
}

const PRIORITIES = ['high', 'normal', 'low'] as const

/** Which of several downloads goes first; says so on the button when it is not the usual. */
export function PriorityMenu({ transfer, onChoose }: PriorityMenuProps) {
  const { id, priority } = transfer
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null)
  const label = t('priority.label', { name: displayName(transfer.name) })
  return (
    <span className={cx('priority')}>
      <Button
        tone="quiet"
        isSmall
        hasMenu
        icon={priority === 'high' ? 'up' : priority === 'low' ? 'down' : 'flag'}
        label={priority === 'normal' ? label : `${label}: ${t(`priority.${priority}`)}`}
        onPress={() => {
          const box = document.activeElement?.getBoundingClientRect()
          setMenuAt({ x: box?.left ?? 0, y: (box?.bottom ?? 0) + 4 })
        }}
      >
        {priority === 'normal' ? undefined : t(`priority.${priority}`)}
      </Button>
      {menuAt !== null && (
        <Menu
          label={t('priority.menu')}
          at={menuAt}
          onClose={() => setMenuAt(null)}
          entries={PRIORITIES.map((one) => ({
            kind: 'item',
            label: t(`priority.${one}`),
            ...(one === priority ? { icon: 'check' as const } : {}),
            run: () => void onChoose(id, one),
          }))}
        />
      )}
    </span>
  )
}
