import { useEffect, useState } from 'react'
import type { ErrorShape, Publisher } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import shared from './discover.module.css'
import styles from './publisher.module.css'

const cx = classesOf(page, shared, styles)

export interface FollowSheetProps {
  readonly publisher: string
  readonly onClose: () => void
}

/** What the engine said about exactly `text`. */
type Finding =
  { readonly text: string; readonly who: Publisher } | { readonly text: string; readonly error: ErrorShape }

const LOOK_AFTER_MS = 200

/** A card, key or link: says who that is before one follows them. */
export function FollowSheet({ publisher: given, onClose }: FollowSheetProps) {
  const app = useApp()
  const [typed, setTyped] = useState(given)
  const [name, setName] = useState('')
  const [finding, setFinding] = useState<Finding | null>(null)
  const [followError, setFollowError] = useState<ErrorShape | null>(null)
  const text = typed.trim()
  useEffect(() => {
    if (text === '') return
    let isStale = false
    const timer = setTimeout(() => {
      void app.bridge.call('discovery.publisher', { publisher: text }).then((reply) => {
        if (isStale) return
        setFinding(reply.ok ? { text, who: reply.value } : { text, error: reply.error })
      })
    }, LOOK_AFTER_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [app, text])
  const current = finding !== null && finding.text === text ? finding : null
  const who = current !== null && 'who' in current ? current.who : null
  const follow = async () => {
    const reply = await app.finding.follow(text, name)
    setFollowError(reply.ok ? null : reply.error)
    if (!reply.ok) return false
    onClose()
    app.shell.go('discover')
    app.discover.open({ kind: 'publisher', publisher: reply.value.pub })
    return true
  }
  const isReady = who !== null && !who.isFollowed
  return (
    <ActionSheet
      title={t('follow.title')}
      intro={t('follow.intro')}
      onClose={onClose}
      action={{
        label: t('follow.confirm'),
        icon: 'star',
        isDisabled: !isReady,
        onPress: follow,
      }}
    >
      <TextField
        label={t('follow.label')}
        placeholder={t('follow.placeholder')}
        value={typed}
        isMultiline
        isMono
        isFocusedFirst
        onChange={(value) => {
          setTyped(value.slice(0, 16_384))
          setFollowError(null)
        }}
      />
      <div aria-live="polite">
        {text !== '' && current === null && <p className={cx('quiet')}>{t('follow.looking')}</p>}
        {current !== null && 'error' in current && <ErrorText error={current.error} />}
        {who !== null && (
          <div className={cx('who')}>
            <p className={cx('whoName')}>
              <bdi>{who.name === undefined ? t('publisher.unnamed') : displayName(who.name)}</bdi>
            </p>
            <Fingerprint value={who.fingerprint} />
            <p className={cx('heroLine')}>
              <StateLabel
                tone={who.isContact ? 'good' : 'idle'}
                icon={who.isContact ? 'users' : 'info'}
                text={t(who.isContact ? 'publisher.contact' : 'publisher.stranger')}
              />
              <span>{t('publisher.items', { count: who.items })}</span>
            </p>
            {who.isFollowed && <p>{t('follow.already')}</p>}
          </div>
        )}
      </div>
      <TextField
        label={t('follow.name')}
        value={name}
        onEnter={() => isReady && follow()}
        onChange={(value) => setName(value.slice(0, 200))}
      />
      <ErrorText error={followError} />
    </ActionSheet>
  )
}
