import { useState } from 'react'
import type { ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'

export interface AddContactSheetProps {
  readonly card: string
  readonly onClose: () => void
}

/** A card by link or file; the engine checks its signature before anybody is added. */
export function AddContactSheet({ card: given, onClose }: AddContactSheetProps) {
  const app = useApp()
  const [card, setCard] = useState(given)
  const [name, setName] = useState('')
  const [error, setError] = useState<ErrorShape | null>(null)
  const isComplete = card.trim() !== ''
  const take = (text: string) => {
    setCard(text.slice(0, 16_384))
    setError(null)
  }
  const add = async () => {
    const called = name.trim()
    const reply = await app.bridge.call('contacts.add', {
      card: card.trim(),
      ...(called === '' ? {} : { name: called }),
    })
    setError(reply.ok ? null : reply.error)
    if (!reply.ok) return false
    await app.contacts.reload()
    app.toasts.show({ tone: 'good', text: t('addContact.done', { name: displayName(reply.value.name) }) })
    app.shell.go('contacts')
    onClose()
    return true
  }
  const openFile = async () => {
    const reply = await app.bridge.call('desktop.openText', {})
    setError(reply.ok ? null : reply.error)
    if (reply.ok && reply.value.text !== null) take(reply.value.text)
    return reply.ok
  }
  return (
    <ActionSheet
      title={t('addContact.title')}
      intro={t('addContact.intro')}
      onClose={onClose}
      action={{
        label: t('addContact.confirm'),
        icon: 'plus',
        isDisabled: !isComplete,
        onPress: add,
      }}
    >
      <TextField
        label={t('addContact.label')}
        placeholder="sower://card/…"
        value={card}
        isMultiline
        isMono
        isFocusedFirst={given === ''}
        onChange={take}
      />
      <div>
        <Button isSmall icon="folder" onPress={openFile}>
          {t('addContact.open')}
        </Button>
      </div>
      <TextField
        label={t('addContact.name')}
        hint={t('addContact.nameHint')}
        value={name}
        isFocusedFirst={given !== ''}
        onEnter={() => isComplete && add()}
        onChange={(value) => setName(value.slice(0, 200))}
      />
      <ErrorText error={error} />
    </ActionSheet>
  )
}
