import { useState } from 'react'
import type { Item } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { t } from '../strings/t.ts'
import styles from './sharing.module.css'

const cx = classesOf(styles)

export interface KeyLinkSheetProps {
  readonly item: Item
  readonly onClose: () => void
}

const DAY_MS = 86_400_000
const LIVES = { never: null, day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS } as const
type Life = keyof typeof LIVES

/** A link with the key in it: what that means, and until when it asks to be forgotten. */
export function KeyLinkSheet({ item, onClose }: KeyLinkSheetProps) {
  const app = useApp()
  const [life, setLife] = useState<Life>('never')
  const copy = async () => {
    const lifeMs = LIVES[life]
    const expiresAtMs = lifeMs === null ? null : Date.now() + lifeMs
    const isCopied = await app.sharing.copyLinkWithKey(item.mediaId, expiresAtMs)
    if (isCopied) onClose()
    return isCopied
  }
  return (
    <ActionSheet
      isWide
      title={t('keyLink.title')}
      intro={t('keyLink.intro', { name: displayName(item.name) })}
      onClose={onClose}
      action={{
        label: t('keyLink.copy'),
        icon: 'copy',
        onPress: copy,
      }}
      focusedFirst="action"
    >
      <p className={cx('point')}>
        <Icon name="key" />
        {t('keyLink.fragment')}
      </p>
      <div className={cx('group')}>
        <p className={cx('label')}>{t('keyLink.expiry')}</p>
        <Segmented
          label={t('keyLink.expiry')}
          value={life}
          options={[
            { value: 'never', label: t('keyLink.never') },
            { value: 'day', label: t('keyLink.day') },
            { value: 'week', label: t('keyLink.week') },
            { value: 'month', label: t('keyLink.month') },
          ]}
          onChange={setLife}
        />
        <p className={cx('quiet')}>{t(life === 'never' ? 'keyLink.forever' : 'keyLink.expiryMeans')}</p>
      </div>
    </ActionSheet>
  )
}
