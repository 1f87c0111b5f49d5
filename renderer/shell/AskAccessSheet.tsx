import { useState } from 'react'
import { useApp, useContacts } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { PeoplePicker } from '../contacts/PeoplePicker.tsx'
import { Name } from '../parts/Name.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'
import { AudienceCards } from './AudienceCards.tsx'
import styles from './sheets.module.css'

const cx = classesOf(styles)

export interface AskAccessSheetProps {
  readonly paths: readonly string[]
  readonly onClose: () => void
}

const MOST_NAMES = 4
const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path

/** Files that came without a word on who may have them. */
export function AskAccessSheet({ paths, onClose }: AskAccessSheetProps) {
  const app = useApp()
  const hasContacts = useContacts((state) => state.contacts.length > 0)
  const [people, setPeople] = useState<ReadonlySet<string>>(new Set())
  return (
    <Sheet title={t('ask.title', { count: paths.length })} intro={t('ask.intro')} onClose={onClose}>
      <ul className={cx('names')}>
        {paths.slice(0, MOST_NAMES).map((path) => (
          <li key={path}>
            <Name name={fileName(path)} />
          </li>
        ))}
        {paths.length > MOST_NAMES && (
          <li className={cx('faint')}>{t('ask.more', { count: paths.length - MOST_NAMES })}</li>
        )}
      </ul>
      {hasContacts && (
        <div className={cx('who')}>
          <p className={cx('whoTitle')}>{t('ask.people')}</p>
          <PeoplePicker chosen={people} hasOnlyMe onChange={setPeople} />
        </div>
      )}
      <AudienceCards
        others={people.size}
        onChoose={(audience) => {
          onClose()
          void app.verbs.add(paths, audience, [...people])
        }}
      />
    </Sheet>
  )
}
