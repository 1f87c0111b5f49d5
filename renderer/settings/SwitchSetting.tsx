import type { Settings } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { Switch } from '../parts/Switch.tsx'
import { useSetting } from './save-setting.ts'
import { SettingNotes } from './SettingRow.tsx'
import styles from './settings.module.css'

const cx = classesOf(styles)

type BooleanSetting = { [K in keyof Settings]: Settings[K] extends boolean ? K : never }[keyof Settings]

export interface SwitchSettingProps {
  readonly name: BooleanSetting
  readonly label: string
  readonly hint: string
}

export function SwitchSetting({ name, label, hint }: SwitchSettingProps) {
  const { value, fixedBy, isSaved, error, save } = useSetting(name)
  return (
    <div className={cx('row')}>
      <Switch
        label={label}
        hint={hint}
        isOn={value === true}
        isDisabled={fixedBy !== undefined || value === undefined}
        onChange={save}
      />
      <SettingNotes fixedBy={fixedBy} isSaved={isSaved} error={error} />
    </div>
  )
}
