import type { Item, Person } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { RemoveSheet } from '../parts/RemoveSheet.tsx'
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
    <RemoveSheet
      title={t('unshare.title', { name })}
      intro={t('unshare.text', { name })}
      keepLabel={t('unshare.keep')}
      removeLabel={t('unshare.confirm')}
      icon="key"
      onRemove={() => app.sharing.removePerson(item.mediaId, person.owner, name)}
      onClose={onClose}
    >
      <p>{t('unshare.others')}</p>
      {item.hasConditions && <p>{t('unshare.conditions', { name })}</p>}
    </RemoveSheet>
  )
}
