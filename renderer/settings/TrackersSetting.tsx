import { useState } from 'react'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import { parseTracker } from './parse-setting.ts'
import { useSetting } from './save-setting.ts'
import { SettingNotes } from './SettingRow.tsx'
import styles from './settings.module.css'

const cx = classesOf(styles)

const NONE: readonly string[] = []

export function TrackersSetting() {
  const { value, fixedBy, isSaved, error, save } = useSetting('trackers')
  const [draft, setDraft] = useState('')
  const [problem, setProblem] = useState<string>()
  const trackers = value ?? NONE
  const add = async () => {
    const parsed = parseTracker(draft)
    if (parsed === null) {
      setProblem(t('settings.trackerBad'))
      return false
    }
    if (trackers.includes(parsed.value)) {
      setProblem(t('settings.trackerTwice'))
      return false
    }
    const isOk = await save([...trackers, parsed.value])
    if (isOk) setDraft('')
    return isOk
  }
  return (
    <div className={cx('row')}>
      <p className={cx('hint')}>{t('settings.trackersHint')}</p>
      <ul className={cx('trackers')}>
        {trackers.map((tracker) => (
          <li key={tracker} className={cx('tracker')}>
            <bdi className={cx('trackerUrl')} title={tracker}>
              {tracker}
            </bdi>
            {fixedBy === undefined && (
              <Button
                tone="quiet"
                isSmall
                icon="close"
                label={t('settings.trackerRemove', { name: tracker })}
                onPress={() => save(trackers.filter((one) => one !== tracker))}
              />
            )}
          </li>
        ))}
      </ul>
      {trackers.length === 0 && <p className={cx('hint')}>{t('network.noTrackers')}</p>}
      {fixedBy === undefined && (
        <div className={cx('adder')}>
          <TextField
            label={t('settings.trackerNew')}
            isLabelHidden
            isMono
            placeholder="wss://tracker.example.org"
            value={draft}
            {...(problem === undefined ? {} : { error: problem })}
            onChange={(text) => {
              setDraft(text)
              setProblem(undefined)
            }}
          />
          <Button icon="plus" isDisabled={draft.trim() === ''} onPress={add}>
            {t('settings.trackerAdd')}
          </Button>
        </div>
      )}
      <SettingNotes fixedBy={fixedBy} isSaved={isSaved} error={error} />
    </div>
  )
}
