import { useEffect, useState } from 'react'
import type { Item } from '../../app/contract/index.ts'
import { useApp, useContacts } from '../app-context.ts'
import { PeoplePicker } from '../contacts/PeoplePicker.tsx'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Button } from '../parts/Button.tsx'
import { t } from '../strings/t.ts'

export interface ShareSheetProps {
  readonly item: Item
  readonly onClose: () => void
}

/** Picks people for an encrypted item, or encrypts one that is in the clear, for oneself and whoever is picked. */
export function ShareSheet({ item, onClose }: ShareSheetProps) {
  const app = useApp()
  const contacts = useContacts((state) => state.contacts)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [already, setAlready] = useState<ReadonlySet<string>>(new Set())
  const isEncrypted = item.protection !== 'none'
  const { mediaId } = item
  const name = displayName(item.name)
  useEffect(() => {
    if (!isEncrypted) return
    let isStale = false
    void app.bridge.call('sharing.people', { mediaId }).then((reply) => {
      if (!isStale && reply.ok) setAlready(new Set(reply.value.people.map((person) => person.owner)))
    })
    return () => {
      isStale = true
    }
  }, [app, mediaId, isEncrypted])
  const isEverybodyIn = contacts.length > 0 && contacts.every((contact) => already.has(contact.owner))
  const share = async () => {
    const reply = isEncrypted
      ? await app.sharing.addPeople(mediaId, [...chosen])
      : await app.sharing.encrypt(mediaId, [...chosen])
    if (reply.ok) onClose()
    return reply
  }
  return (
    <ActionSheet
      title={t(isEncrypted ? 'share.title' : 'encrypt.title')}
      intro={t(isEncrypted ? 'share.intro' : 'encrypt.intro', { name })}
      onClose={onClose}
      action={{
        label: isEncrypted ? t('share.confirm', { count: chosen.size }) : t('encrypt.confirm'),
        icon: isEncrypted ? 'users' : 'lock',
        isDisabled: isEncrypted && chosen.size === 0,
        onPress: share,
      }}
    >
      {isEverybodyIn ? (
        <p>{t('share.none')}</p>
      ) : (
        <PeoplePicker chosen={chosen} without={already} hasOnlyMe={!isEncrypted} onChange={setChosen} />
      )}
      {isEncrypted && (
        <div>
          <Button
            isSmall
            tone="quiet"
            icon="key"
            onPress={() => app.shell.openSheet({ kind: 'conditions', item })}
          >
            {t('share.byCondition')}
          </Button>
        </div>
      )}
    </ActionSheet>
  )
}
