import { useState } from 'react'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatSize } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import { useSetting } from './save-setting.ts'
import { SettingNotes } from './SettingRow.tsx'
import styles from './settings.module.css'

const cx = classesOf(styles)

export function MediaFolderSetting() {
  const app = useApp()
  const { value, fixedBy, isSaved, error, save } = useSetting('mediaDir')
  const media = useNode((state) => state.status?.media)
  const [draft, setDraft] = useState<string | null>(null)
  const isBrowser = app.bridge.platform === 'browser'
  const pick = async () => {
    const reply = app.report(await app.bridge.call('desktop.pickFolder', {}))
    return reply.ok && reply.value.path !== null ? save(reply.value.path) : reply
  }
  return (
    <div className={cx('row')}>
      <div className={cx('split')}>
        <div className={cx('words')}>
          <p className={cx('label')}>{t('settings.mediaDir')}</p>
          {!isBrowser && <p className={cx('path')}>{value}</p>}
          {media !== undefined && (
            <p className={cx('hint')}>
              {t('rail.used', { size: formatSize(media.usedBytes) })}
              {media.freeBytes !== undefined && ` · ${t('rail.free', { size: formatSize(media.freeBytes) })}`}
              {media.state !== 'ok' && ` · ${t(`media.${media.state}`)}`}
            </p>
          )}
        </div>
        {!isBrowser && fixedBy === undefined && (
          <Button icon="folder" onPress={pick}>
            {t('settings.chooseFolder')}
          </Button>
        )}
      </div>
      {isBrowser && (
        <TextField
          label={t('settings.mediaDir')}
          isLabelHidden
          isMono
          value={draft ?? value ?? ''}
          isDisabled={fixedBy !== undefined}
          onChange={setDraft}
          onCommit={() => {
            if (draft === null || draft.trim() === value || draft.trim() === '') return setDraft(null)
            void save(draft.trim()).then((isOk) => {
              if (isOk) setDraft(null)
            })
          }}
        />
      )}
      <p className={cx('hint')}>{t('settings.mediaDirHint')}</p>
      <SettingNotes fixedBy={fixedBy} isSaved={isSaved} error={error} />
    </div>
  )
}
