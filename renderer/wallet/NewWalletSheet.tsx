import { useState } from 'react'
import type { ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import styles from './words.module.css'

const cx = classesOf(styles)

export interface NewWalletSheetProps {
  readonly onClose: () => void
}

/** Another wallet while nothing depends on the present one: 24 words or a passphrase for those who want them. */
export function NewWalletSheet({ onClose }: NewWalletSheetProps) {
  const app = useApp()
  const [count, setCount] = useState<'12' | '24'>('12')
  const [passphrase, setPassphrase] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<ErrorShape | null>(null)
  const differs = again !== '' && again !== passphrase
  const make = async () => {
    const reply = await app.bridge.call('vault.create', { words: count === '12' ? 12 : 24, passphrase })
    setError(reply.ok ? null : reply.error)
    if (!reply.ok) return false
    await app.node.reload()
    app.toasts.show({ tone: 'good', text: t('newWallet.done') })
    app.shell.openSheet({ kind: 'backup-words' })
    return true
  }
  return (
    <ActionSheet
      title={t('newWallet.title')}
      intro={t('newWallet.intro')}
      onClose={onClose}
      action={{
        label: t('newWallet.confirm'),
        icon: 'key',
        isDisabled: passphrase !== again,
        onPress: make,
      }}
    >
      <Segmented
        label={t('restore.count')}
        value={count}
        options={[
          { value: '12', label: t('restore.count12') },
          { value: '24', label: t('restore.count24') },
        ]}
        onChange={setCount}
      />
      <p className={cx('hint')}>{t('newWallet.countHint')}</p>
      <TextField
        label={t('newWallet.passphrase')}
        hint={t('newWallet.passphraseHint')}
        value={passphrase}
        isSecret
        onChange={(value) => setPassphrase(value.slice(0, 1024))}
      />
      {passphrase !== '' && (
        <TextField
          label={t('newWallet.again')}
          value={again}
          isSecret
          {...(differs ? { error: t('backupFile.differs') } : {})}
          onChange={(value) => setAgain(value.slice(0, 1024))}
        />
      )}
      <ErrorText error={error} />
    </ActionSheet>
  )
}
