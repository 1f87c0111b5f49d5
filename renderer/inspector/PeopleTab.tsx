import { useEffect, useState } from 'react'
import type { ErrorShape, Item, Person } from '../../app/contract/index.ts'
import { useApp, useContacts, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { Furrow } from '../parts/Furrow.tsx'
import { Icon } from '../parts/Icon.tsx'
import { isLive } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import { progressOf } from '../transfers/transfer-words.ts'
import styles from './people-tab.module.css'

const cx = classesOf(styles)

export interface PeopleTabProps {
  readonly item: Item
}

/** Who can read the item, and for its owner the way to change that. */
export function PeopleTab({ item }: PeopleTabProps) {
  const app = useApp()
  if (item.protection === 'none') {
    const isPublic = item.accessLevel === 'public'
    return (
      <div className={cx('section')}>
        <p className={cx('lead')}>
          <Icon name={isPublic ? 'globe' : 'jar'} />
          {t(isPublic ? 'people.publicText' : 'people.clearText')}
        </p>
        {!isPublic && item.isOwn && (
          <div>
            <Button icon="lock" onPress={() => app.shell.openSheet({ kind: 'share', item })}>
              {t('secret.encrypt')}
            </Button>
          </div>
        )}
      </div>
    )
  }
  return <Readers item={item} />
}

function Readers({ item }: PeopleTabProps) {
  const app = useApp()
  const [people, setPeople] = useState<readonly Person[] | null>(null)
  const [error, setError] = useState<ErrorShape | null>(null)
  // A contact that was renamed is shown by the new name.
  const contacts = useContacts((state) => state.contacts)
  const { mediaId, sharedWith } = item
  const rekey = useTransfers((state) =>
    [...state.transfers.values()].find(
      (one) => one.kind === 'rekey' && one.mediaId === mediaId && isLive(one),
    ),
  )
  const isRekeying = rekey !== undefined
  useEffect(() => {
    let isStale = false
    void app.bridge.call('sharing.people', { mediaId }).then((reply) => {
      if (isStale) return
      if (reply.ok) setPeople(reply.value.people)
      setError(reply.ok ? null : reply.error)
    })
    return () => {
      isStale = true
    }
  }, [app, mediaId, sharedWith, contacts, isRekeying])

  const mayChange = item.isOwn && item.protection === 'readable' && !isRekeying
  return (
    <div className={cx('section')}>
      {rekey !== undefined && (
        <div className={cx('rekey')} role="status">
          <p>{t('people.rekeying')}</p>
          <Furrow ratio01={progressOf(rekey)} label={t('people.rekeying')} />
        </div>
      )}
      <ErrorText error={error} />
      {people === null ? (
        error === null && <p className={cx('quiet')}>{t('people.loading')}</p>
      ) : (
        <ul className={cx('people')} aria-label={t('people.canRead')}>
          {people.map((person) => (
            <li key={person.owner} className={cx('person')}>
              <Icon name={person.isOwner ? 'key' : 'user'} />
              <div className={cx('words')}>
                <span className={cx('name')}>
                  <PersonName person={person} isYou={person.isOwner && item.isOwn} />
                  {person.isOwner && <span className={cx('tag')}>{t('people.owner')}</span>}
                </span>
                <Fingerprint value={person.fingerprint} />
              </div>
              {mayChange && !person.isOwner && (
                <Button
                  tone="quiet"
                  isSmall
                  icon="close"
                  label={t('people.remove', { name: personName(person) })}
                  onPress={() => app.shell.openSheet({ kind: 'unshare', item, person })}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {mayChange && (
        <div>
          <Button icon="plus" onPress={() => app.shell.openSheet({ kind: 'share', item })}>
            {t('people.add')}
          </Button>
        </div>
      )}
      {!item.isOwn && <p className={cx('quiet')}>{t('people.onlyOwner')}</p>}
    </div>
  )
}

const personName = (person: Person): string =>
  person.name === undefined ? person.fingerprint : displayName(person.name)

function PersonName({ person, isYou }: { readonly person: Person; readonly isYou: boolean }) {
  if (isYou) return t('people.you')
  if (person.name === undefined) return <span className={cx('quiet')}>{t('people.stranger')}</span>
  return <bdi>{displayName(person.name)}</bdi>
}
