import type { WalletStatus } from '../../app/contract/index.ts'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import { OwnCard } from './OwnCard.tsx'
import { RotationCard } from './RotationCard.tsx'
import { walletTrouble, type WalletTrouble } from './wallet-words.ts'
import { WalletFixButton } from './WalletFixButton.tsx'
import page from '../parts/page.module.css'
import styles from './wallet.module.css'

const cx = classesOf(page, styles)

/** Who one is to others, how that is backed up, and what to do when keys are known. */
export function WalletView() {
  const wallet = useNode((state) => state.status?.wallet)
  if (wallet === undefined) return <EmptyState icon="wallet" title={t('network.loading')} />
  const trouble = walletTrouble(wallet)
  return (
    <div className={cx('page')}>
      <div>
        <h1 className={cx('title')}>{t('view.wallet')}</h1>
        <p className={cx('intro')}>{t('wallet.intro')}</p>
      </div>
      {trouble === undefined ? (
        <>
          <section className={cx('panel')} aria-labelledby="wallet-you">
            <h2 id="wallet-you" className={cx('cardTitle')}>
              {t('wallet.identity')}
            </h2>
            {/* A restored or new wallet has another card. */}
            <OwnCard key={wallet.owner} />
            <p className={cx('storage')}>
              <Icon name={wallet.storage === 'keyfile' ? 'warning' : 'lock'} size={15} />
              {t(`wallet.storage.${wallet.storage}`)}
            </p>
          </section>
          <Backup wallet={wallet} />
          <RotationCard />
        </>
      ) : (
        <Closed trouble={trouble} message={wallet.message} />
      )}
    </div>
  )
}

function Closed({
  trouble,
  message,
}: {
  readonly trouble: WalletTrouble
  readonly message: string | undefined
}) {
  const app = useApp()
  return (
    <section className={cx('closed')} role="alert">
      <span className={cx('glyph', 'warn')}>
        <Icon name="key" size={24} />
      </span>
      <div className={cx('words')}>
        <h2 className={cx('closedTitle')}>{trouble.title}</h2>
        {message !== undefined && message !== trouble.title && <p>{message}</p>}
        <p>{trouble.next}</p>
        <p className={cx('quiet')}>{t('wallet.publicStillWorks')}</p>
        <div className={cx('buttons')}>
          <WalletFixButton fix={trouble.fix} />
          {trouble.fix !== 'restore' && (
            <Button icon="undo" onPress={() => app.shell.openSheet({ kind: 'restore' })}>
              {t('wallet.restoreButton')}
            </Button>
          )}
        </div>
      </div>
    </section>
  )
}

function Backup({ wallet }: { readonly wallet: WalletStatus }) {
  const { shell } = useApp()
  const { isBackedUp } = wallet
  return (
    <section className={cx('panel')} aria-labelledby="wallet-backup">
      <h2 id="wallet-backup" className={cx('cardTitle')}>
        {t('backup.title')}
      </h2>
      <div className={cx('state')}>
        <span className={cx('glyph', isBackedUp ? 'good' : 'warn')}>
          <Icon name={isBackedUp ? 'check' : 'warning'} size={22} />
        </span>
        <div className={cx('words')}>
          <p className={cx('stateTitle')}>{t(isBackedUp ? 'backup.yes' : 'backup.no')}</p>
          <p className={cx('quiet')}>{t(isBackedUp ? 'backup.yesText' : 'backup.noText')}</p>
          <div className={cx('buttons')}>
            <Button
              tone={isBackedUp ? 'plain' : 'primary'}
              icon="text"
              onPress={() => shell.openSheet({ kind: 'backup-words' })}
            >
              {t(isBackedUp ? 'backup.wordsAgain' : 'backup.words')}
            </Button>
            <Button icon="file" onPress={() => shell.openSheet({ kind: 'backup-file' })}>
              {t('backup.file')}
            </Button>
          </div>
        </div>
      </div>
      <div className={cx('more')}>
        <Button tone="quiet" isSmall icon="undo" onPress={() => shell.openSheet({ kind: 'restore' })}>
          {t('wallet.restoreButton')}
        </Button>
        {wallet.isReplaceable && (
          <Button tone="quiet" isSmall icon="plus" onPress={() => shell.openSheet({ kind: 'new-wallet' })}>
            {t('newWallet.button')}
          </Button>
        )}
      </div>
    </section>
  )
}
