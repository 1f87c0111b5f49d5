import { useEffect, useState } from 'react'
import type { AccessRule, EngineResult, ErrorShape, Item, Person } from '../../app/contract/index.ts'
import { useApp, useContacts, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { Furrow } from '../parts/Furrow.tsx'
import { Icon } from '../parts/Icon.tsx'
import { abilitiesOf } from '../library/item-abilities.ts'
import { ruleLines } from '../sharing/rule-words.ts'
import { selectRekeyOf } from '../stores/transfers-store.ts'
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
        {abilitiesOf(item, false).encrypt && (
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
  const [readers, setReaders] = useState<EngineResult<'sharing.people'> | null>(null)
  const [error, setError] = useState<ErrorShape | null>(null)
  // A contact that was renamed is shown by the new name.
  const contacts = useContacts((state) => state.contacts)
  const { mediaId, sharedWith, hasConditions } = item
  const rekey = useTransfers((state) => selectRekeyOf(state, mediaId))
  const isRekeying = rekey !== undefined
  useEffect(() => {
    let isStale = false
    void app.bridge.call('sharing.people', { mediaId }).then((reply) => {
      if (isStale) return
      if (reply.ok) setReaders(reply.value)
      setError(reply.ok ? null : reply.error)
    })
    return () => {
      isStale = true
    }
  }, [app, mediaId, sharedWith, hasConditions, contacts, isRekeying])

  const mayChange = abilitiesOf(item, isRekeying).changePeople
  return (
    <div className={cx('section')}>
      {rekey !== undefined && (
        <div className={cx('rekey')} role="status">
          <p>{t('people.rekeying')}</p>
          <Furrow ratio01={progressOf(rekey)} label={t('people.rekeying')} />
        </div>
      )}
      <ErrorText error={error} />
      {readers === null ? (
        error === null && <p className={cx('quiet')}>{t('people.loading')}</p>
      ) : (
        <ul className={cx('people')} aria-label={t('people.canRead')}>
          {readers.people.map((person) => (
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
          {readers.conditions !== undefined && <ByConditions rule={readers.conditions.rule} />}
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

/** Whoever Lit's network gives the key to, and for what. */
function ByConditions({ rule }: { readonly rule: AccessRule | undefined }) {
  const lines = rule === undefined ? [t('people.conditionsUnknown')] : ruleLines(rule)
  return (
    <li className={cx('person')}>
      <Icon name="key" />
      <div className={cx('words')}>
        <span className={cx('name')}>{t(lines.length > 1 ? 'people.conditions' : 'people.condition')}</span>
        <ul className={cx('rules')}>
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <span className={cx('quiet')}>{t('people.conditionsHow')}</span>
      </div>
    </li>
  )
}

const personName = (person: Person): string =>
  person.name === undefined ? person.fingerprint : displayName(person.name)

function PersonName({ person, isYou }: { readonly person: Person; readonly isYou: boolean }) {
  if (isYou) return t('people.you')
  if (person.name === undefined) return <span className={cx('quiet')}>{t('people.stranger')}</span>
  return <bdi>{displayName(person.name)}</bdi>
}
