import { useState } from 'react'
import { useApp } from '../app-context.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { TextField } from '../parts/TextField.tsx'
import { addressProblem, parseRelay } from '../settings/parse-setting.ts'
import { useSetting } from '../settings/save-setting.ts'
import { t } from '../strings/t.ts'

/** The first relay, without a walk through the settings. */
export function AddRelaySheet({ onClose }: { readonly onClose: () => void }) {
  const app = useApp()
  const { value, fixedBy, error, save } = useSetting('gunPeers')
  const [draft, setDraft] = useState('')
  const [problem, setProblem] = useState<string>()
  const relays = value ?? []
  const add = async () => {
    const parsed = parseRelay(draft)
    const wrong = addressProblem(parsed, relays)
    if (parsed === null || wrong !== null) {
      setProblem(t(wrong === 'full' ? 'relay.full' : wrong === 'twice' ? 'relay.twice' : 'relay.bad'))
      return false
    }
    const isOk = await save([...relays, parsed.value])
    if (!isOk) return false
    app.toasts.show({ tone: 'good', text: t('relay.added') })
    onClose()
    return true
  }
  const note = problem ?? error
  return (
    <ActionSheet
      title={t('relay.addTitle')}
      intro={fixedBy === undefined ? t('relay.addIntro') : t('relay.fixed')}
      onClose={onClose}
      action={{
        label: t('settings.trackerAdd'),
        icon: 'plus',
        isDisabled: fixedBy !== undefined || draft.trim() === '',
        onPress: add,
      }}
    >
      <TextField
        label={t('relay.address')}
        placeholder="wss://relay.example.org/gun"
        value={draft}
        isMono
        isFocusedFirst
        isDisabled={fixedBy !== undefined}
        {...(note === undefined ? {} : { error: note })}
        onEnter={add}
        onChange={(text) => {
          setDraft(text)
          setProblem(undefined)
        }}
      />
    </ActionSheet>
  )
}
