import type { Contact } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { RemoveSheet } from '../parts/RemoveSheet.tsx'
import { t } from '../strings/t.ts'

export interface RemoveContactSheetProps {
  readonly contact: Contact
  readonly onClose: () => void
}

/** Says what it does not do before it does it. */
export function RemoveContactSheet({ contact, onClose }: RemoveContactSheetProps) {
  const app = useApp()
  return (
    <RemoveSheet
      title={t('contacts.removeTitle', { name: displayName(contact.name) })}
      intro={t('contacts.removeText')}
      keepLabel={t('unshare.keep')}
      removeLabel={t('contacts.removeConfirm')}
      icon="trash"
      onRemove={() => app.sharing.removeContact(contact)}
      onClose={onClose}
    />
  )
}
