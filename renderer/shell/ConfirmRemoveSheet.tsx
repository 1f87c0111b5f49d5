import type { MediaId } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { Button } from '../parts/Button.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'

export interface ConfirmRemoveSheetProps {
  readonly mediaIds: readonly MediaId[]
  readonly onClose: () => void
}

/** Many at once are asked about; a few are simply undoable. */
export function ConfirmRemoveSheet({ mediaIds, onClose }: ConfirmRemoveSheetProps) {
  const app = useApp()
  return (
    <Sheet
      title={t('remove.title', { count: mediaIds.length })}
      intro={t('remove.text')}
      onClose={onClose}
      foot={
        <>
          <Button isFocusedFirst onPress={onClose}>
            {t('remove.keep')}
          </Button>
          <Button
            tone="danger-fill"
            icon="trash"
            onPress={async () => {
              const isDone = await app.verbs.remove(mediaIds)
              onClose()
              return isDone
            }}
          >
            {t('remove.confirm')}
          </Button>
        </>
      }
    />
  )
}
