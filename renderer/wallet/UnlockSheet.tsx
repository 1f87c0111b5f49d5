import { useState } from 'react'
import type { ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'

export interface UnlockSheetProps {
  readonly onClose: () => void
}

/** The passphrase of a wallet that is kept in a file. */
export function UnlockSheet({ onClose }: UnlockSheetProps) {
  const app = useApp()
  const [passphrase, setPassphrase] = useState('')
  const [error, setError] = useState<ErrorShape | null>(null)
  const unlock = async () => {
    const reply = await app.bridge.call('vault.unlock', { passphrase })
    await app.node.reload()
    if (!reply.ok || reply.value.state !== 'ready') {
      setError(
        reply.ok ? { code: 'WALLET_WRONG_PASSPHRASE', message: reply.value.message ?? '' } : reply.error,
      )
      return false
    }
    app.toasts.show({ tone: 'good', text: t('unlock.done') })
    onClose()
    return true
  }
  return (
    <ActionSheet
      title={t('unlock.title')}
      intro={t('unlock.intro')}
      onClose={onClose}
      action={{
        label: t('unlock.confirm'),
        icon: 'key',
        isDisabled: passphrase === '',
        onPress: unlock,
      }}
    >
      <TextField
        label={t('unlock.passphrase')}
        value={passphrase}
        isSecret
        isFocusedFirst
        onEnter={() => passphrase !== '' && unlock()}
        onChange={(value) => {
          setPassphrase(value.slice(0, 1024))
          setError(null)
        }}
      />
      <ErrorText error={error} />
    </ActionSheet>
  )
}
