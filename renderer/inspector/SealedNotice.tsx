import { useState } from 'react'
import type { ErrorShape, Item, ItemDetail } from '../../app/contract/index.ts'
import { useApp, useContacts, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName, shortId } from '../format/names.ts'
import { abilitiesOf } from '../library/item-abilities.ts'
import { Button } from '../parts/Button.tsx'
import { ErrorText } from '../parts/ErrorText.tsx'
import { Icon } from '../parts/Icon.tsx'
import { selectNameOf } from '../stores/contacts-store.ts'
import { t } from '../strings/t.ts'
import { walletTrouble } from '../wallet/wallet-words.ts'
import { WalletFixButton } from '../wallet/WalletFixButton.tsx'
import styles from './inspector.module.css'

const cx = classesOf(styles)

export interface SealedNoticeProps {
  readonly item: Item
  readonly detail: ItemDetail | null
}

/** In the place of a preview: why this item can't be read here, whose it is, and what to do about it. */
export function SealedNotice({ item, detail }: SealedNoticeProps) {
  const app = useApp()
  const wallet = useNode((state) => state.status?.wallet)
  const known = useContacts((state) => selectNameOf(state, detail?.owner))
  const trouble = wallet === undefined ? undefined : walletTrouble(wallet)
  if (item.protection === 'locked') {
    return (
      <div className={cx('sealed')}>
        <Icon name="lockAsk" size={26} />
        <h3 className={cx('sealedTitle')}>{t('locked.title')}</h3>
        <p>{t('locked.text')}</p>
        {trouble !== undefined && <WalletFixButton fix={trouble.fix} />}
      </div>
    )
  }
  const owner = known === undefined ? shortId(detail?.owner ?? '') : displayName(known)
  return (
    <div className={cx('sealed')}>
      <Icon name="key" size={26} />
      <h3 className={cx('sealedTitle')}>{t(item.hasConditions ? 'needs.conditionsTitle' : 'needs.title')}</h3>
      <p>{t(item.hasConditions ? 'needs.conditionsText' : 'needs.text')}</p>
      {detail !== null && <p className={cx('sealedOwner')}>{t('needs.owner', { name: owner })}</p>}
      {abilitiesOf(item, false).openWithLit && <OpenWithLit item={item} />}
      <Button
        tone={item.hasConditions ? 'plain' : 'primary'}
        icon="copy"
        onPress={() => app.sharing.requestAccess(item.mediaId, owner)}
      >
        {t('needs.request')}
      </Button>
      <p className={cx('consequence')}>{t('needs.requestHint')}</p>
    </div>
  )
}

/** Asks Lit's network for the key; says meanwhile that it does, and afterwards why it has none. */
function OpenWithLit({ item }: Pick<SealedNoticeProps, 'item'>) {
  const app = useApp()
  const [isAsking, setIsAsking] = useState(false)
  const [error, setError] = useState<ErrorShape | null>(null)
  return (
    <>
      <Button
        tone="primary"
        icon="key"
        onPress={async () => {
          setError(null)
          setIsAsking(true)
          const reply = await app.sharing.openWithLit(item.mediaId)
          setIsAsking(false)
          setError(reply.ok ? null : reply.error)
          return reply
        }}
      >
        {t('needs.openWithLit')}
      </Button>
      {isAsking && (
        <p className={cx('consequence')} role="status">
          {t('needs.asking')}
        </p>
      )}
      <ErrorText error={error} />
    </>
  )
}
