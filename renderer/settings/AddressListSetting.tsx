import { useState } from 'react'
import type { Settings } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import { addressProblem, type Parsed } from './parse-setting.ts'
import { useSetting } from './save-setting.ts'
import { SettingNotes } from './SettingRow.tsx'
import page from '../parts/page.module.css'
import styles from './settings.module.css'

const cx = classesOf(page, styles)

type ListSetting = { [K in keyof Settings]: Settings[K] extends string[] ? K : never }[keyof Settings]

export interface AddressListSettingProps {
  readonly name: ListSetting
  /** Where the section's title does not say it. */
  readonly title?: string
  readonly hint: string
  /** Said when the list is empty. */
  readonly none: string
  readonly newLabel: string
  readonly placeholder: string
  readonly bad: string
  readonly parse: (text: string) => Parsed<string>
  readonly longest?: number
}

const NONE: readonly string[] = []

/** A list of addresses: each can be taken off, a new one is checked before it is added. */
export function AddressListSetting(props: AddressListSettingProps) {
  const { value, fixedBy, isSaved, error, save } = useSetting(props.name)
  const [draft, setDraft] = useState('')
  const [problem, setProblem] = useState<string>()
  const list = value ?? NONE
  const add = async () => {
    const parsed = props.parse(draft)
    const wrong = addressProblem(parsed, list, props.longest)
    if (parsed === null || wrong !== null) {
      setProblem(
        wrong === 'full' ? t('settings.listFull') : wrong === 'twice' ? t('settings.listTwice') : props.bad,
      )
      return false
    }
    const isOk = await save([...list, parsed.value])
    if (isOk) setDraft('')
    return isOk
  }
  return (
    <div className={cx('row')}>
      {props.title !== undefined && <p className={cx('label')}>{props.title}</p>}
      <p className={cx('hint')}>{props.hint}</p>
      {list.length > 0 && (
        <ul className={cx('trackers')} aria-label={props.title}>
          {list.map((address) => (
            <li key={address} className={cx('tracker')}>
              <bdi className={cx('address')} title={address}>
                {address}
              </bdi>
              {fixedBy === undefined && (
                <Button
                  tone="quiet"
                  isSmall
                  icon="close"
                  label={t('settings.listRemove', { name: address })}
                  onPress={() => save(list.filter((one) => one !== address))}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {list.length === 0 && <p className={cx('hint')}>{props.none}</p>}
      {fixedBy === undefined && (
        <div className={cx('adder')}>
          <TextField
            label={props.newLabel}
            isLabelHidden
            isMono
            placeholder={props.placeholder}
            value={draft}
            {...(problem === undefined ? {} : { error: problem })}
            onEnter={() => draft.trim() !== '' && add()}
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
