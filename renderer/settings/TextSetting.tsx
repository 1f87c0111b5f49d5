import { useState } from 'react'
import type { Settings } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { TextField } from '../parts/TextField.tsx'
import type { Parsed } from './parse-setting.ts'
import { useSetting } from './save-setting.ts'
import { SettingNotes, SettingRow } from './SettingRow.tsx'
import styles from './settings.module.css'

const cx = classesOf(styles)

export interface TextSettingProps<K extends keyof Settings> {
  readonly name: K
  readonly label: string
  readonly hint?: string
  readonly unit?: string
  readonly placeholder?: string
  readonly isWide?: boolean
  readonly isMono?: boolean
  /** Said when `parse` gives null. */
  readonly problem: string
  readonly toText: (value: Settings[K] | undefined) => string
  readonly parse: (text: string) => Parsed<Settings[K]>
}

/** A setting typed as text; kept when the field is left or Enter is pressed, and only when it makes sense. */
export function TextSetting<K extends keyof Settings>(props: TextSettingProps<K>) {
  const { name, label, hint, unit, toText, parse, problem } = props
  const { value, fixedBy, isSaved, error, save } = useSetting(name)
  /** What is being typed; null = show the saved value. */
  const [draft, setDraft] = useState<string | null>(null)
  const [isBad, setIsBad] = useState(false)
  const commit = () => {
    if (draft === null) return
    const parsed = parse(draft)
    setIsBad(parsed === null)
    if (parsed === null) return
    if (draft.trim() === toText(value)) return setDraft(null)
    void save(parsed.value).then((isOk) => {
      if (isOk) setDraft(null)
    })
  }
  return (
    <SettingRow
      label={label}
      {...(hint === undefined ? {} : { hint })}
      notes={<SettingNotes fixedBy={fixedBy} isSaved={isSaved} error={isBad ? problem : error} />}
    >
      <div className={cx(props.isWide === true ? 'wide' : 'narrow')}>
        <TextField
          label={label}
          isLabelHidden
          isNumber={props.isWide !== true}
          isMono={props.isMono === true}
          value={draft ?? toText(value)}
          isDisabled={fixedBy !== undefined || value === undefined}
          {...(unit === undefined ? {} : { unit })}
          {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
          onChange={(text) => {
            setDraft(text)
            setIsBad(false)
          }}
          onCommit={commit}
        />
      </div>
    </SettingRow>
  )
}
