import { useApp, useContacts, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { useNow } from '../parts/use-now.ts'
import { t } from '../strings/t.ts'
import { OwnCard } from '../wallet/OwnCard.tsx'
import { walletTrouble } from '../wallet/wallet-words.ts'
import { WalletFixButton } from '../wallet/WalletFixButton.tsx'
import { ContactRow } from './ContactRow.tsx'
import page from '../parts/page.module.css'
import styles from './contacts.module.css'

const cx = classesOf(page, styles)

/** Whom things can be encrypted for, and one's own card to give away. */
export function ContactsView() {
  const app = useApp()
  const contacts = useContacts((state) => state.contacts)
  const isLoaded = useContacts((state) => state.isLoaded)
  const wallet = useNode((state) => state.status?.wallet)
  const nowMs = useNow()
  const trouble = wallet === undefined ? undefined : walletTrouble(wallet)
  const add = () => app.shell.openSheet({ kind: 'add-contact', card: '' })
  return (
    <div className={cx('page')}>
      <div className={cx('head')}>
        <div className={cx('headWords')}>
          <h1 className={cx('title')}>{t('contacts.title')}</h1>
          <p className={cx('intro')}>{t('contacts.intro')}</p>
        </div>
        {contacts.length > 0 && (
          <Button tone="primary" icon="plus" onPress={add}>
            {t('contacts.add')}
          </Button>
        )}
      </div>
      {contacts.length > 0 && (
        <section className={cx('card')} aria-label={t('contacts.list')}>
          <ul>
            {contacts.map((contact) => (
              <ContactRow key={contact.owner} contact={contact} nowMs={nowMs} />
            ))}
          </ul>
          <p className={cx('compare')}>{t('contacts.compare')}</p>
        </section>
      )}
      {isLoaded && contacts.length === 0 && (
        <section className={cx('empty')}>
          <h2 className={cx('emptyTitle')}>{t('contacts.emptyTitle')}</h2>
          <p>{t('contacts.emptyText')}</p>
          <div>
            <Button tone="primary" icon="plus" onPress={add}>
              {t('contacts.add')}
            </Button>
          </div>
        </section>
      )}
      <section className={cx('panel')} aria-labelledby="contacts-card">
        <h2 id="contacts-card" className={cx('cardTitle')}>
          {t('contacts.yourCard')}
        </h2>
        <p className={cx('quiet')}>{t('contacts.yourCardText')}</p>
        {trouble === undefined ? (
          <OwnCard key={wallet?.owner} />
        ) : (
          <div className={cx('trouble')}>
            <p>{trouble.title}</p>
            <WalletFixButton fix={trouble.fix} isSmall />
          </div>
        )}
      </section>
    </div>
  )
}
