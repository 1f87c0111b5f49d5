import { useEffect, useState } from 'react'
import type { SowerBridge } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './words.module.css'

const cx = classesOf(styles)

export interface RotateSheetProps {
  readonly onClose: () => void
}

const POINTS = ['rotate.point1', 'rotate.point2', 'rotate.point3', 'rotate.point4'] as const

/** “My keys may be known”: what it does, what it can't, and the start of it. */
export function RotateSheet({ onClose }: RotateSheetProps) {
  const app = useApp()
  const [count, setCount] = useState<number | null>(null)
  useEffect(() => {
    let isStale = false
    void countOwnEncrypted(app.bridge).then((found) => {
      if (!isStale) setCount(found)
    })
    return () => {
      isStale = true
    }
  }, [app])
  return (
    <ActionSheet
      isWide
      title={t('rotate.title')}
      intro={
        count === null
          ? t('rotate.counting')
          : count === 0
            ? t('rotate.nothing')
            : t('rotate.intro', { count })
      }
      onClose={onClose}
      action={{
        label: t('rotate.confirm'),
        icon: 'key',
        isDisabled: count === null || count === 0,
        onPress: async () => {
          const reply = await app.sharing.rotateAll()
          if (reply.ok) onClose()
          return reply
        },
      }}
      focusedFirst="cancel"
    >
      <ul className={cx('points')}>
        {POINTS.map((key) => (
          <li key={key} className={cx('point')}>
            <Icon name={key === 'rotate.point1' ? 'users' : key === 'rotate.point4' ? 'clock' : 'info'} />
            {t(key)}
          </li>
        ))}
      </ul>
      <p className={cx('warn')}>{t('rotate.words')}</p>
    </ActionSheet>
  )
}

const PAGE = 500

/** How many items get a new key: those that are encrypted and one's own. */
async function countOwnEncrypted(bridge: SowerBridge): Promise<number> {
  let found = 0
  for (let offset = 0; ; offset += PAGE) {
    const reply = await bridge.call('library.list', { filter: 'private', offset, limit: PAGE })
    if (!reply.ok) return found
    found += reply.value.items.filter((item) => item.isOwn && item.protection === 'readable').length
    if (offset + PAGE >= reply.value.total) return found
  }
}
