import type { Item, ItemDetail } from '../../app/contract/index.ts'
import { useApp, useContacts, useTransfers } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName, shortId } from '../format/names.ts'
import { accessWords } from '../library/access-words.ts'
import { abilitiesOf } from '../library/item-abilities.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { Switch } from '../parts/Switch.tsx'
import { selectNameOf } from '../stores/contacts-store.ts'
import { selectRekeyOf } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import styles from './inspector.module.css'

const cx = classesOf(styles)

export interface AccessSectionProps {
  readonly item: Item
  readonly detail: ItemDetail | null
}

/** Who may have the item, what that means, and whether it is offered to others. */
export function AccessSection({ item, detail }: AccessSectionProps) {
  return (
    <div className={cx('section')}>
      {item.protection === 'none' ? <InTheClear item={item} /> : <Sealed item={item} detail={detail} />}
    </div>
  )
}

function InTheClear({ item }: { readonly item: Item }) {
  const { verbs, shell } = useApp()
  const isPublic = item.accessLevel === 'public'
  const isBusy = useTransfers((state) => selectRekeyOf(state, item.mediaId) !== undefined)
  const can = abilitiesOf(item, isBusy)
  const { icon, text, look } = accessWords(item)
  return (
    <>
      {!can.setAccess && (
        <p className={cx('secrecy', look)}>
          <Icon name={icon} />
          {text}
        </p>
      )}
      {can.setAccess && (
        <Segmented
          label={t('inspector.access')}
          value={isPublic ? 'public' : 'private'}
          options={[
            { value: 'private', label: t('access.private'), icon: 'jar' },
            { value: 'public', label: t('access.public'), icon: 'globe' },
          ]}
          onChange={(level) => void verbs.setAccess(item, level)}
        />
      )}
      <p className={cx('consequence')}>{t(isPublic ? 'access.publicMeans' : 'access.privateMeans')}</p>
      {can.encrypt && (
        <div className={cx('clear')}>
          <p className={cx('consequence')}>{t('secret.clear')}</p>
          <Button isSmall icon="lock" onPress={() => shell.openSheet({ kind: 'share', item })}>
            {t('secret.encrypt')}
          </Button>
        </div>
      )}
      <Switch
        label={t('inspector.seed')}
        hint={t(isPublic ? 'inspector.seedHint' : 'inspector.seedPrivate')}
        isOn={item.isSeedingWanted}
        isDisabled={!can.isSeedable}
        onChange={(isOn) => verbs.setSeeding([item.mediaId], isOn)}
      />
    </>
  )
}

function Sealed({ item, detail }: AccessSectionProps) {
  const { verbs } = useApp()
  const owner = useContacts((state) => selectNameOf(state, detail?.owner))
  const { icon, text, look } = accessWords(item)
  const name = detail === null ? undefined : owner === undefined ? shortId(detail.owner) : displayName(owner)
  return (
    <>
      <p className={cx('secrecy', look)}>
        <Icon name={icon} />
        {text}
      </p>
      <p className={cx('consequence')}>
        {item.protection === 'readable' && whoReads(item, name)}{' '}
        {t(item.protection === 'readable' ? 'secret.sealed' : 'secret.sealedHere')}
      </p>
      <Switch
        label={t('secret.seed')}
        hint={t('secret.seedHint')}
        isOn={item.isSeedingWanted}
        onChange={(isOn) => verbs.setSeeding([item.mediaId], isOn)}
      />
    </>
  )
}

/** @param owner of somebody else's item, as soon as it is known */
function whoReads(
  { isOwn, sharedWith: count, hasConditions }: Item,
  owner: string | undefined,
): string | undefined {
  if (!isOwn) return owner === undefined ? undefined : t('secret.theirs', { name: owner })
  if (count > 0) return t(hasConditions ? 'secret.youPeopleAndConditions' : 'secret.youAnd', { count })
  return t(hasConditions ? 'secret.youAndConditions' : 'secret.onlyYou')
}
