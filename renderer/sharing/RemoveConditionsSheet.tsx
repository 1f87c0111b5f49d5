import type { Item } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { RemoveSheet } from '../parts/RemoveSheet.tsx'
import { t } from '../strings/t.ts'

export interface RemoveConditionsSheetProps {
  readonly item: Item
  readonly onClose: () => void
}

/** What taking the conditions away does, and what it can't undo. */
export function RemoveConditionsSheet({ item, onClose }: RemoveConditionsSheetProps) {
  const app = useApp()
  return (
    <RemoveSheet
      title={t('noConditions.title')}
      intro={t('noConditions.text', { name: displayName(item.name) })}
      keepLabel={t('unshare.keep')}
      removeLabel={t('unshare.confirm')}
      icon="key"
      onRemove={() => app.sharing.removeConditions(item.mediaId)}
      onClose={onClose}
    >
      <p>{t('noConditions.stays')}</p>
      <p>{t('unshare.others')}</p>
    </RemoveSheet>
  )
}
