import { useState } from 'react'
import type { EngineArgs, ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import { WordFields } from './WordFields.tsx'
import styles from './words.module.css'
import { wrongPositions } from './wrong-words.ts'

const cx = classesOf(styles)

export interface RestoreSheetProps {
  readonly onClose: () => void
}

const blank = (count: number): readonly string[] => Array.from({ length: count }, () => '')

/** A wallet from its words or a backup file. The engine checks all of it before anything changes. */
export function RestoreSheet({ onClose }: RestoreSheetProps) {
  const app = useApp()
  const [from, setFrom] = useState<'words' | 'file'>('words')
  const [words, setWords] = useState(blank(12))
  const [passphrase, setPassphrase] = useState('')
  const [file, setFile] = useState<string | null>(null)
  const [password, setPassword] = useState('')
  // The engine knows whether the restored wallet is another one than the present, and whether that one owns anything.
  const [mustConfirm, setMustConfirm] = useState(false)
  const [isReplacing, setIsReplacing] = useState(false)
  const [error, setError] = useState<ErrorShape | null>(null)

  const wrong = wrongPositions(error)
  const isComplete = from === 'words' ? words.every((word) => word !== '') : file !== null && password !== ''
  const restore = async () => {
    const args: EngineArgs<'vault.restore'> =
      from === 'words'
        ? { from, words: words.join(' '), passphrase, isReplacing }
        : { from, text: file ?? '', password, isReplacing }
    const reply = await app.bridge.call('vault.restore', args)
    setError(reply.ok ? null : reply.error)
    if (!reply.ok && reply.error.code === 'CONFLICT') setMustConfirm(true)
    if (!reply.ok) return false
    await Promise.all([app.node.reload(), app.library.reload(), app.contacts.reload()])
    app.memory.setWelcomed()
    app.toasts.show({ tone: 'good', text: t('restore.done') })
    onClose()
    return true
  }
  const openFile = async () => {
    const reply = await app.bridge.call('desktop.openText', {})
    setError(reply.ok ? null : reply.error)
    if (reply.ok && reply.value.text !== null) setFile(reply.value.text)
    return reply.ok
  }
  return (
    <ActionSheet
      isWide
      title={t('restore.title')}
      intro={t('restore.intro')}
      onClose={onClose}
      action={{
        label: t('restore.confirm'),
        icon: 'undo',
        isDisabled: !isComplete || (mustConfirm && !isReplacing),
        onPress: restore,
      }}
    >
      <div className={cx('row')}>
        <Segmented
          label={t('restore.from')}
          value={from}
          options={[
            { value: 'words', label: t('restore.words') },
            { value: 'file', label: t('restore.file') },
          ]}
          onChange={(next) => {
            setFrom(next)
            setError(null)
          }}
        />
        {from === 'words' && (
          <Segmented
            label={t('restore.count')}
            value={words.length === 24 ? '24' : '12'}
            options={[
              { value: '12', label: t('restore.count12') },
              { value: '24', label: t('restore.count24') },
            ]}
            onChange={(count) => {
              setWords(blank(Number(count)).map((_, index) => words[index] ?? ''))
              setError(null)
            }}
          />
        )}
      </div>
      {from === 'words' ? (
        <>
          <WordFields
            words={words}
            wrong={wrong}
            onChange={(next) => {
              setWords(next)
              setError(null)
            }}
          />
          <p className={cx('hint')}>{t('restore.paste')}</p>
          <TextField
            label={t('restore.passphrase')}
            value={passphrase}
            isSecret
            onChange={(value) => setPassphrase(value.slice(0, 1024))}
          />
        </>
      ) : (
        <>
          <div className={cx('row')}>
            <Button icon="folder" onPress={openFile}>
              {t('restore.open')}
            </Button>
            <span className={cx('row', 'hint')}>
              {file !== null && <Icon name="check" size={15} />}
              {t(file === null ? 'restore.noFile' : 'restore.opened')}
            </span>
          </div>
          <TextField
            label={t('restore.password')}
            value={password}
            isSecret
            onChange={(value) => setPassword(value.slice(0, 1024))}
          />
        </>
      )}
      {mustConfirm && (
        <div className={cx('warn')}>
          <p>{t('restore.replaces')}</p>
          <label className={cx('check')}>
            <input
              type="checkbox"
              checked={isReplacing}
              onChange={(event) => setIsReplacing(event.target.checked)}
            />
            {t('restore.replaceAnyway')}
          </label>
        </div>
      )}
      {wrong.size === 0 && <ErrorText error={error} />}
      {error?.code === 'BACKUP_NEEDED' && (
        <Button icon="text" onPress={() => app.shell.openSheet({ kind: 'backup-words' })}>
          {t('backup.now')}
        </Button>
      )}
    </ActionSheet>
  )
}
