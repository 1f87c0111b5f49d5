import type { Item, Person } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'

export interface UnshareSheetProps {
  readonly item: Item
  readonly person: Person
  readonly onClose: () => void
}

/** What taking somebody out does, and what it can't undo. */
export function UnshareSheet({ item, person, onClose }: UnshareSheetProps) {
  const app = useApp()
  const name = person.name === undefined ? person.fingerprint : displayName(person.name)
  return (
    <Sheet
      title={t('unshare.title', { name })}
      intro={t('unshare.text', { name })}
      onClose={onClose}
      foot={
        <>
          <Button isFocusedFirst onPress={onClose}>
            {t('unshare.keep')}
          </Button>
          <Button
            tone="danger-fill"
            icon="key"
            onPress={async () => {
              const reply = await app.sharing.removePerson(item.mediaId, person.owner, name)
              onClose()
              return reply
            }}
          >
            {t('unshare.confirm')}
          </Button>
        </>
      }
    >
      <p>{t('unshare.others')}</p>
      {item.hasConditions && <p>{t('unshare.conditions', { name })}</p>}
    </Sheet>
  )
}
