import { useState } from 'react'
import type { Contact } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { formatAgo } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './contacts.module.css'

const cx = classesOf(page, styles)

export interface ContactRowProps {
  readonly contact: Contact
  readonly nowMs: number
}

export function ContactRow({ contact, nowMs }: ContactRowProps) {
  const app = useApp()
  const [draft, setDraft] = useState<string | null>(null)
  const { owner, name, cardName } = contact
  const shown = displayName(name)
  const save = async () => {
    const next = draft?.trim() ?? ''
    if (next === '' || next === name) return setDraft(null)
    const reply = app.report(await app.bridge.call('contacts.rename', { owner, name: next }))
    if (reply.ok) setDraft(null)
    return reply
  }
  return (
    <li className={cx('person')}>
      <span className={cx('face')} aria-hidden="true">
        <Icon name="user" size={20} />
      </span>
      <div className={cx('personWords')}>
        {draft === null ? (
          <Name name={name} className={cx('personName')} />
        ) : (
          <div className={cx('renamer')}>
            <TextField
              label={t('contacts.nameLabel')}
              isLabelHidden
              value={draft}
              isFocusedFirst
              onEnter={save}
              onChange={(value) => setDraft(value.slice(0, 200))}
            />
            <Button isSmall icon="check" label={t('contacts.renameDone')} onPress={save} />
            <Button
              tone="quiet"
              isSmall
              icon="close"
              label={t('action.cancel')}
              onPress={() => setDraft(null)}
            />
          </div>
        )}
        <Fingerprint value={contact.fingerprint} />
        <p className={cx('quiet')}>
          {cardName !== undefined && cardName !== name && (
            <>{t('contacts.callsThemselves', { name: displayName(cardName) })} · </>
          )}
          {t('contacts.since', { when: formatAgo(contact.addedAtMs, nowMs) })}
        </p>
      </div>
      {draft === null && (
        <div className={cx('personActions')}>
          <Button
            tone="quiet"
            isSmall
            icon="compass"
            label={t('contacts.published', { name: shown })}
            onPress={() => {
              app.shell.go('discover')
              app.discover.open({ kind: 'publisher', publisher: contact.owner })
            }}
          />
          <Button
            tone="quiet"
            isSmall
            icon="pencil"
            label={t('contacts.rename', { name: shown })}
            onPress={() => setDraft(name)}
          />
          <Button
            tone="quiet"
            isSmall
            icon="trash"
            label={t('contacts.remove', { name: shown })}
            onPress={() => app.shell.openSheet({ kind: 'remove-contact', contact })}
          />
        </div>
      )}
    </li>
  )
}
