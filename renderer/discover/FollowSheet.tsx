import { useCallback, useState } from 'react'
import type { ErrorShape } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { TextField } from '../parts/TextField.tsx'
import { useLookUp } from '../parts/use-look-up.ts'
import { t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import shared from './discover.module.css'
import styles from './publisher.module.css'

const cx = classesOf(page, shared, styles)

export interface FollowSheetProps {
  readonly publisher: string
  readonly onClose: () => void
}

/** A card, key or link: says who that is before one follows them. */
export function FollowSheet({ publisher: given, onClose }: FollowSheetProps) {
  const app = useApp()
  const [typed, setTyped] = useState(given)
  const [name, setName] = useState('')
  const [followError, setFollowError] = useState<ErrorShape | null>(null)
  const text = typed.trim()
  const ask = useCallback((publisher: string) => app.bridge.call('discovery.publisher', { publisher }), [app])
  const found = useLookUp(text, ask)
  const who = found?.ok === true ? found.value : null
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
        {text !== '' && found === null && <p className={cx('quiet')}>{t('follow.looking')}</p>}
        {found?.ok === false && <ErrorText error={found.error} />}
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
