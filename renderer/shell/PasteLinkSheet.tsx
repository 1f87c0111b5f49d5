import { useCallback, useState } from 'react'
import type { EngineResult, ErrorShape } from '../../app/contract/index.ts'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { shortId } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { Switch } from '../parts/Switch.tsx'
import { TextField } from '../parts/TextField.tsx'
import { useLookUp } from '../parts/use-look-up.ts'
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

/** A pasted link: says what it is before anything is contacted, then fetches it. */
export function PasteLinkSheet({ link: given, onClose }: PasteLinkSheetProps) {
  const app = useApp()
  const isSeedingByDefault = useNode((state) => state.settings?.values.isSeedingAfterGet ?? true)
  const [text, setText] = useState(given)
  const [from, setFrom] = useState('')
  const [seedChoice, setSeedChoice] = useState<boolean | null>(null)
  const [startError, setStartError] = useState<ErrorShape | null>(null)
  const link = text.trim()
  const isSeedingWanted = seedChoice ?? isSeedingByDefault
  const inspect = useCallback((asked: string) => app.bridge.call('fetching.inspect', { link: asked }), [app])
  const found = useLookUp(link, inspect)
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
  const isHeld = found?.ok === true && found.value.isHeld
  return (
    <ActionSheet
      isWide
      title={t('paste.title')}
      intro={t('paste.intro')}
      onClose={onClose}
      action={{
        label: t(isHeld ? 'paste.startHeld' : 'paste.start'),
        icon: 'down',
        isDisabled: found?.ok !== true,
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
        {link !== '' && found === null && <p className={cx('wait')}>{t('paste.reading')}</p>}
        {found?.ok === false && <Problem error={found.error} />}
        {found?.ok === true && <Found what={found.value} />}
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
