import { useCallback, useEffect, useState } from 'react'
import type { EngineResult, ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import styles from './words.module.css'
import { wrongPositions } from './wrong-words.ts'

const cx = classesOf(styles)

export interface BackupWordsSheetProps {
  readonly onClose: () => void
}

type Step = 'explain' | 'show' | 'ask' | 'done'

/** Explains, shows the words once they are asked for, asks three of them back. The words leave with the window's focus. */
export function BackupWordsSheet({ onClose }: BackupWordsSheetProps) {
  const app = useApp()
  const [step, setStep] = useState<Step>('explain')
  const [positions, setPositions] = useState<readonly number[]>([])
  const [error, setError] = useState<ErrorShape | null>(null)

  const ask = async () => {
    const reply = await app.bridge.call('vault.askWords', {})
    if (!reply.ok) {
      setError(reply.error)
      return reply
    }
    setPositions(reply.value.positions)
    setError(null)
    setStep('ask')
    return reply
  }
  switch (step) {
    case 'explain':
      return (
        <Sheet
          key={step}
          title={t('words.title')}
          onClose={onClose}
          foot={
            <>
              <Button tone="quiet" onPress={onClose}>
                {t('action.cancel')}
              </Button>
              <Button tone="primary" isFocusedFirst onPress={() => setStep('show')}>
                {t('words.begin')}
              </Button>
            </>
          }
        >
          <ul className={cx('points')}>
            {(['words.explain1', 'words.explain2', 'words.explain3'] as const).map((key, index) => (
              <li key={key} className={cx('point')}>
                <Icon name={index === 0 ? 'key' : index === 1 ? 'text' : 'check'} />
                {t(key)}
              </li>
            ))}
          </ul>
        </Sheet>
      )
    case 'show':
      return <ShowWords key={step} error={error} onWritten={ask} onClose={onClose} />
    case 'ask':
      return (
        <AskWords
          key={step}
          positions={positions}
          onBack={() => setStep('show')}
          onClose={onClose}
          onDone={() => setStep('done')}
        />
      )
    case 'done':
      return (
        <Sheet
          key={step}
          title={t('words.doneTitle')}
          intro={t('words.doneText')}
          onClose={onClose}
          foot={
            <Button tone="primary" icon="check" isFocusedFirst onPress={onClose}>
              {t('words.done')}
            </Button>
          }
        />
      )
  }
}

interface ShowWordsProps {
  readonly error: ErrorShape | null
  readonly onWritten: () => Promise<unknown>
  readonly onClose: () => void
}

function ShowWords({ error: askError, onWritten, onClose }: ShowWordsProps) {
  const app = useApp()
  const [shown, setShown] = useState<EngineResult<'vault.reveal'> | null>(null)
  const [wasShown, setWasShown] = useState(false)
  const [error, setError] = useState<ErrorShape | null>(null)
  const hide = useCallback(() => setShown(null), [])
  useEffect(() => {
    const handleVisibility = () => {
      if (document.visibilityState === 'hidden') hide()
    }
    window.addEventListener('blur', hide)
    document.addEventListener('visibilitychange', handleVisibility)
    return () => {
      window.removeEventListener('blur', hide)
      document.removeEventListener('visibilitychange', handleVisibility)
    }
  }, [hide])
  const reveal = async () => {
    const reply = await app.bridge.call('vault.reveal', {})
    setError(reply.ok ? null : reply.error)
    if (!reply.ok) return false
    setShown(reply.value)
    setWasShown(true)
    return true
  }
  return (
    <Sheet
      isWide
      title={t('words.title')}
      onClose={onClose}
      foot={
        <>
          {shown !== null && (
            <Button tone="quiet" icon="eye" onPress={hide}>
              {t('words.hide')}
            </Button>
          )}
          <Button tone="primary" isDisabled={!wasShown} onPress={onWritten}>
            {t('words.written')}
          </Button>
        </>
      }
    >
      {shown === null ? (
        <div className={cx('hidden')}>
          <Icon name="lock" size={26} />
          <p>{t('words.hidden')}</p>
          <Button icon="eye" isFocusedFirst onPress={reveal}>
            {t('words.show')}
          </Button>
        </div>
      ) : (
        <>
          <ol
            className={cx('words', shown.words.length > 12 && 'many')}
            aria-label={t('words.list')}
            dir="ltr"
          >
            {shown.words.map((word, index) => (
              <li key={index} className={cx('word')}>
                <span className={cx('number')}>{index + 1}</span>
                <bdi>{word}</bdi>
              </li>
            ))}
          </ol>
          {shown.hasPassphrase && <p className={cx('warn')}>{t('words.passphraseToo')}</p>}
        </>
      )}
      <ErrorText error={error ?? askError} />
    </Sheet>
  )
}

interface AskWordsProps {
  readonly positions: readonly number[]
  readonly onBack: () => void
  readonly onClose: () => void
  readonly onDone: () => void
}

function AskWords({ positions, onBack, onClose, onDone }: AskWordsProps) {
  const app = useApp()
  const [answers, setAnswers] = useState<Readonly<Record<number, string>>>({})
  const [error, setError] = useState<ErrorShape | null>(null)
  const wrong = wrongPositions(error)
  const wordAt = (position: number) => (answers[position] ?? '').trim().toLowerCase()
  const check = async () => {
    const reply = await app.bridge.call('vault.confirmWords', {
      answers: positions.map((position) => ({ position, word: wordAt(position) })),
    })
    setError(reply.ok ? null : reply.error)
    if (!reply.ok) return false
    await app.node.reload()
    onDone()
    return true
  }
  const isComplete = positions.every((position) => wordAt(position) !== '')
  return (
    <Sheet
      title={t('words.askTitle')}
      intro={t('words.askIntro')}
      onClose={onClose}
      foot={
        <>
          <Button tone="quiet" onPress={onBack}>
            {t('words.back')}
          </Button>
          <Button tone="primary" isDisabled={!isComplete} onPress={check}>
            {t('words.check')}
          </Button>
        </>
      }
    >
      {positions.map((position, index) => (
        <TextField
          key={position}
          label={t('words.position', { position })}
          value={answers[position] ?? ''}
          isFocusedFirst={index === 0}
          {...(wrong.has(position) ? { error: t('words.wrongHere') } : {})}
          onEnter={() => isComplete && check()}
          onChange={(value) => setAnswers((before) => ({ ...before, [position]: value.slice(0, 32) }))}
        />
      ))}
      {wrong.size === 0 && <ErrorText error={error} />}
    </Sheet>
  )
}
