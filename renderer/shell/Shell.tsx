import { useEffect, type ReactNode } from 'react'
import { useApp, useDesktop, useShell } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { ContactsView } from '../contacts/ContactsView.tsx'
import { DiscoverView } from '../discover/DiscoverView.tsx'
import { Inspector } from '../inspector/Inspector.tsx'
import { LibraryView } from '../library/LibraryView.tsx'
import { NetworkView } from '../network/NetworkView.tsx'
import { ErrorBoundary } from '../parts/ErrorBoundary.tsx'
import { SettingsView } from '../settings/SettingsView.tsx'
import type { ViewName } from '../stores/shell-store.ts'
import { t } from '../strings/t.ts'
import { TransferDrawer } from '../transfers/TransferDrawer.tsx'
import { TransfersView } from '../transfers/TransfersView.tsx'
import { WalletView } from '../wallet/WalletView.tsx'
import { BackupBanner } from './BackupBanner.tsx'
import { DropZone } from './DropZone.tsx'
import { EngineBanner } from './EngineBanner.tsx'
import { FailedPage } from './FailedPage.tsx'
import { Notices } from './Notices.tsx'
import { Rail } from './Rail.tsx'
import { Sheets } from './Sheets.tsx'
import { handleWindowKey, handleWindowPaste } from './shortcuts.ts'
import styles from './shell.module.css'
import { StartingPage } from './StartingPage.tsx'
import { Toasts } from './Toasts.tsx'
import { TopBar } from './TopBar.tsx'

const cx = classesOf(styles)

const VIEWS: Readonly<Record<ViewName, () => ReactNode>> = {
  library: LibraryView,
  discover: DiscoverView,
  contacts: ContactsView,
  transfers: TransfersView,
  network: NetworkView,
  wallet: WalletView,
  settings: SettingsView,
}

export function Shell() {
  const app = useApp()
  const view = useShell((state) => state.view)
  const isInspectorOpen = useShell((state) => state.isInspectorOpen)
  const engine = useDesktop((state) => state.engine)

  useEffect(() => {
    const handleKey = (event: KeyboardEvent) => handleWindowKey(event, app)
    const handlePaste = (event: ClipboardEvent) => handleWindowPaste(event, app)
    window.addEventListener('keydown', handleKey)
    document.addEventListener('paste', handlePaste)
    return () => {
      window.removeEventListener('keydown', handleKey)
      document.removeEventListener('paste', handlePaste)
    }
  }, [app])

  const View = VIEWS[view]
  // Settings stay reachable while the engine is down: the theme and the way out are this window's own.
  const isDown = engine.state === 'failed' || engine.state === 'stopped'
  const copy = (text: string) => app.verbs.copyText(text, t('copy.detailsDone'))
  return (
    <>
      <div className={cx('shell')}>
        <TopBar />
        <Rail />
        <main className={cx('main')} data-region="main" tabIndex={-1} aria-label={t(`view.${view}`)}>
          <EngineBanner />
          {!isDown && engine.state !== 'starting' && (
            <>
              <BackupBanner />
              <Notices />
            </>
          )}
          <div className={cx('middle')}>
            <div className={cx('view', view !== 'library' && view !== 'discover' && 'scroll')}>
              {isDown && view !== 'settings' ? (
                <FailedPage />
              ) : engine.state === 'starting' && view !== 'settings' ? (
                <StartingPage />
              ) : (
                <ErrorBoundary key={view} onCopy={copy}>
                  <View />
                </ErrorBoundary>
              )}
            </div>
            {view === 'library' && isInspectorOpen && !isDown && engine.state !== 'starting' && (
              <ErrorBoundary key="inspector" onCopy={copy}>
                <Inspector />
              </ErrorBoundary>
            )}
            <Toasts />
          </div>
          {view !== 'transfers' && !isDown && <TransferDrawer />}
        </main>
      </div>
      <Sheets />
      <DropZone />
    </>
  )
}
