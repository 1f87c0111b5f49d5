import type { MediaId } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { RemoveSheet } from '../parts/RemoveSheet.tsx'
import { t } from '../strings/t.ts'

export interface ConfirmRemoveSheetProps {
  readonly mediaIds: readonly MediaId[]
  readonly onClose: () => void
}

/** Many at once are asked about; a few are simply undoable. */
export function ConfirmRemoveSheet({ mediaIds, onClose }: ConfirmRemoveSheetProps) {
  const app = useApp()
  return (
    <RemoveSheet
      title={t('remove.title', { count: mediaIds.length })}
      intro={t('remove.text')}
      keepLabel={t('remove.keep')}
      removeLabel={t('remove.confirm')}
      icon="trash"
      onRemove={() => app.verbs.remove(mediaIds)}
      onClose={onClose}
    />
  )
}
