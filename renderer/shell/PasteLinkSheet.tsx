import { useEffect, useState } from 'react'
import type { EngineResult, ErrorShape } from '../../app/contract/index.ts'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { shortId } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { Switch } from '../parts/Switch.tsx'
import { TextField } from '../parts/TextField.tsx'
import { isCard } from '../stores/shell-store.ts'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import styles from './sheets.module.css'

const cx = classesOf(styles)

export interface PasteLinkSheetProps {
  readonly link: string
  readonly onClose: () => void
}

type Inspected = EngineResult<'fetching.inspect'>
/** What the engine said about exactly `link`. */
type Finding =
  | { readonly link: string; readonly kind: 'known'; readonly what: Inspected }
  | { readonly link: string; readonly kind: 'bad'; readonly error: ErrorShape }

const INSPECT_AFTER_MS = 180

/** A pasted link: says what it is before anything is contacted, then fetches it. */
export function PasteLinkSheet({ link: given, onClose }: PasteLinkSheetProps) {
  const app = useApp()
  const isSeedingByDefault = useNode((state) => state.settings?.values.isSeedingAfterGet ?? true)
  const [text, setText] = useState(given)
  const [from, setFrom] = useState('')
  const [seedChoice, setSeedChoice] = useState<boolean | null>(null)
  const [finding, setFinding] = useState<Finding | null>(null)
  const [startError, setStartError] = useState<ErrorShape | null>(null)
  const link = text.trim()
  const isSeedingWanted = seedChoice ?? isSeedingByDefault

  useEffect(() => {
    if (link === '') return
    let isStale = false
    const timer = setTimeout(() => {
      void app.bridge.call('fetching.inspect', { link }).then((reply) => {
        if (isStale) return
        setFinding(
          reply.ok ? { link, kind: 'known', what: reply.value } : { link, kind: 'bad', error: reply.error },
        )
      })
    }, INSPECT_AFTER_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [app, link])

  const current = finding !== null && finding.link === link ? finding : null
  const sources = from.split(/[\s,]+/).filter((one) => one !== '')
  const start = async () => {
    const reply = await app.bridge.call('fetching.start', { link, from: sources, isSeedingWanted })
    if (!reply.ok) {
      setStartError(reply.error)
      return false
    }
    onClose()
    app.transfers.setDrawerOpen(true)
    return true
  }
  const held = current?.kind === 'known' && current.what.isHeld
  return (
    <ActionSheet
      isWide
      title={t('paste.title')}
      intro={t('paste.intro')}
      onClose={onClose}
      action={{
        label: t(held ? 'paste.startHeld' : 'paste.start'),
        icon: 'down',
        isDisabled: current?.kind !== 'known',
        onPress: start,
      }}
    >
      <TextField
        label={t('paste.label')}
        placeholder="sower://media/…   magnet:?xt=…   https://…"
        value={text}
        isMultiline
        isMono
        isFocusedFirst
        onChange={(value) => {
          if (isCard(value)) return app.shell.openLink(value.slice(0, 16_384))
          setText(value.slice(0, 16_384))
          setStartError(null)
        }}
      />
      <div aria-live="polite">
        {link !== '' && current === null && <p className={cx('wait')}>{t('paste.reading')}</p>}
        {current?.kind === 'bad' && <Problem error={current.error} />}
        {current?.kind === 'known' && <Found what={current.what} />}
        {startError !== null && <Problem error={startError} />}
      </div>
      <TextField
        label={t('paste.from')}
        hint={t('paste.fromHint')}
        placeholder="https://media.example.org   203.0.113.7:6881"
        value={from}
        isMono
        onChange={setFrom}
      />
      <Switch
        label={t('paste.seedAfter')}
        hint={t(isSeedingWanted ? 'paste.seedAfterOn' : 'paste.seedAfterOff')}
        isOn={isSeedingWanted}
        onChange={setSeedChoice}
      />
    </ActionSheet>
  )
}

function Problem({ error }: { readonly error: ErrorShape }) {
  const { title, next } = errorWords(error)
  return (
    <p className={cx('problem')} role="alert">
      <strong>{title}</strong> {error.message === title ? '' : error.message} {next}
    </p>
  )
}

function Found({ what }: { readonly what: Inspected }) {
  const id = what.mediaId ?? what.infoHash
  return (
    <div className={cx('found')}>
      {what.name !== undefined && <Name name={what.name} className={cx('foundName')} />}
      <dl className={cx('facts')}>
        <dt>{t('paste.kind')}</dt>
        <dd>{t(`paste.kind.${what.kind}`)}</dd>
        {id !== undefined && (
          <>
            <dt>{t(what.mediaId === undefined ? 'paste.infoHash' : 'paste.hash')}</dt>
            <dd>{shortId(id)}</dd>
          </>
        )}
        <dt>{t('paste.trackers')}</dt>
        <dd>
          {what.trackers.length === 0
            ? t('paste.none')
            : t('paste.trackerCount', { count: what.trackers.length })}
        </dd>
        <dt>{t('paste.sources')}</dt>
        <dd>{what.webSources.length === 0 ? t('paste.none') : what.webSources.join(', ')}</dd>
      </dl>
      {what.isHeld && (
        <p className={cx('held')}>
          <Icon name="check" size={16} />
          {t('paste.held')}
        </p>
      )}
    </div>
  )
}
