import { useState } from 'react'
import type { ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import { PasswordStrength } from './PasswordStrength.tsx'
import styles from './words.module.css'

const cx = classesOf(styles)

export interface BackupFileSheetProps {
  readonly onClose: () => void
}

const LEAST_LENGTH = 8

/** A backup file: sealed by the engine with a password, saved where the user says. */
export function BackupFileSheet({ onClose }: BackupFileSheetProps) {
  const app = useApp()
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<ErrorShape | null>(null)
  const isShort = password !== '' && password.length < LEAST_LENGTH
  const differs = again !== '' && again !== password
  const isComplete = password.length >= LEAST_LENGTH && again === password
  const save = async () => {
    const sealed = await app.bridge.call('vault.exportBackup', { password })
    if (!sealed.ok) {
      setError(sealed.error)
      return false
    }
    const { fileName, text } = sealed.value
    const saved = await app.bridge.call('desktop.saveText', { suggestedName: fileName, text })
    setError(saved.ok ? null : saved.error)
    if (!saved.ok || !saved.value.isSaved) return false
    const noted = await app.bridge.call('vault.backupSaved', {})
    if (!noted.ok) {
      setError(noted.error)
      return false
    }
    await app.node.reload()
    app.toasts.show({ tone: 'good', text: t('backupFile.saved') })
    onClose()
    return true
  }
  return (
    <ActionSheet
      title={t('backupFile.title')}
      intro={t('backupFile.intro')}
      onClose={onClose}
      action={{
        label: t('backupFile.save'),
        icon: 'file',
        isDisabled: !isComplete,
        onPress: save,
      }}
    >
      <TextField
        label={t('backupFile.password')}
        value={password}
        isSecret
        isFocusedFirst
        {...(isShort ? { hint: t('backupFile.short') } : {})}
        onChange={(value) => setPassword(value.slice(0, 1024))}
      />
      {!isShort && <PasswordStrength password={password} />}
      <TextField
        label={t('backupFile.again')}
        value={again}
        isSecret
        {...(differs ? { error: t('backupFile.differs') } : {})}
        onEnter={() => isComplete && save()}
        onChange={(value) => setAgain(value.slice(0, 1024))}
      />
      <p className={cx('hint')}>{t('backupFile.lostPassword')}</p>
      <ErrorText error={error} />
    </ActionSheet>
  )
}
