import { useState } from 'react'
import { useApp, useContacts } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import styles from './people-picker.module.css'

const cx = classesOf(styles)

export interface PeoplePickerProps {
  readonly chosen: ReadonlySet<string>
  /** Owner keys that are not offered: they have access already. */
  readonly without?: ReadonlySet<string>
  /** Offers “Only me” as the choice of nobody. */
  readonly hasOnlyMe?: boolean
  readonly onChange: (chosen: ReadonlySet<string>) => void
}

const SEARCH_ABOVE = 12
const NOBODY: ReadonlySet<string> = new Set()

/** Contacts as chips to press. */
export function PeoplePicker({ chosen, without = NOBODY, hasOnlyMe, onChange }: PeoplePickerProps) {
  const app = useApp()
  const contacts = useContacts((state) => state.contacts)
  const [search, setSearch] = useState('')
  const offered = contacts.filter((contact) => !without.has(contact.owner))
  const wanted = search.trim().toLocaleLowerCase()
  const shown = offered.filter(
    (contact) =>
      chosen.has(contact.owner) || wanted === '' || contact.name.toLocaleLowerCase().includes(wanted),
  )
  const toggle = (owner: string) => {
    const next = new Set(chosen)
    if (!next.delete(owner)) next.add(owner)
    onChange(next)
  }
  if (contacts.length === 0) {
    return (
      <div className={cx('none')}>
        <Icon name="users" />
        <p>{t('picker.none')}</p>
        <Button
          isSmall
          onPress={() => {
            app.shell.closeSheet()
            app.shell.go('contacts')
          }}
        >
          {t('picker.toContacts')}
        </Button>
      </div>
    )
  }
  return (
    <div className={cx('picker')}>
      {offered.length > SEARCH_ABOVE && (
        <TextField
          label={t('picker.search')}
          isLabelHidden
          placeholder={t('picker.search')}
          value={search}
          onChange={setSearch}
        />
      )}
      <div className={cx('chips')} role="group" aria-label={t('picker.label')}>
        {hasOnlyMe === true && (
          <button
            type="button"
            className={cx('chip', chosen.size === 0 && 'isOn')}
            aria-pressed={chosen.size === 0}
            onClick={() => onChange(NOBODY)}
          >
            <Icon name="lock" size={15} />
            {t('picker.onlyMe')}
          </button>
        )}
        {shown.map((contact) => {
          const isOn = chosen.has(contact.owner)
          return (
            <button
              key={contact.owner}
              type="button"
              className={cx('chip', isOn && 'isOn')}
              aria-pressed={isOn}
              title={contact.fingerprint}
              onClick={() => toggle(contact.owner)}
            >
              <Icon name={isOn ? 'check' : 'user'} size={15} />
              <bdi>{displayName(contact.name)}</bdi>
            </button>
          )
        })}
      </div>
    </div>
  )
}
