import type { Contact } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'

export interface RemoveContactSheetProps {
  readonly contact: Contact
  readonly onClose: () => void
}

/** Says what it does not do before it does it. */
export function RemoveContactSheet({ contact, onClose }: RemoveContactSheetProps) {
  const app = useApp()
  return (
    <Sheet
      title={t('contacts.removeTitle', { name: displayName(contact.name) })}
      intro={t('contacts.removeText')}
      onClose={onClose}
      foot={
        <>
          <Button isFocusedFirst onPress={onClose}>
            {t('unshare.keep')}
          </Button>
          <Button
            tone="danger-fill"
            icon="trash"
            onPress={async () => {
              const reply = await app.sharing.removeContact(contact)
              onClose()
              return reply
            }}
          >
            {t('contacts.removeConfirm')}
          </Button>
        </>
      }
    />
  )
}
