import type { ReactNode } from 'react'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import { About } from './About.tsx'
import { AddressListSetting } from './AddressListSetting.tsx'
import { ConnectionSettings } from './ConnectionSettings.tsx'
import { FindingSettings } from './FindingSettings.tsx'
import { GatewaySettings } from './GatewaySettings.tsx'
import { MediaFolderSetting } from './MediaFolderSetting.tsx'
import { gigabyteText, parseGigabytes, parseTracker } from './parse-setting.ts'
import { SharingSettings } from './SharingSettings.tsx'
import { TextSetting } from './TextSetting.tsx'
import { WindowSettings } from './WindowSettings.tsx'
import page from '../parts/page.module.css'
import styles from './settings.module.css'

const cx = classesOf(page, styles)

const NONE: readonly string[] = []

export function SettingsView() {
  const app = useApp()
  const needsRestart = useNode((state) => state.settings?.needsRestart ?? NONE)
  const isBrowser = app.bridge.platform === 'browser'
  const section = (title: string, children: ReactNode) => (
    <section className={cx('section')}>
      <h2 className={cx('sectionTitle')}>{title}</h2>
      <div className={cx('card')}>{children}</div>
    </section>
  )
  return (
    <div className={cx('page')}>
      <h1 className={cx('title')}>{t('view.settings')}</h1>
      {needsRestart.length > 0 && (
        <div className={cx('restart')} role="status">
          <Icon name="refresh" />
          <p>{t('settings.needsRestart')}</p>
          {!isBrowser && (
            <Button
              isSmall
              onPress={async () => app.report(await app.bridge.call('desktop.restartEngine', {}))}
            >
              {t('settings.restartNow')}
            </Button>
          )}
        </div>
      )}
      <WindowSettings />
      {section(
        t('settings.storage'),
        <>
          <MediaFolderSetting />
          <TextSetting
            name="reserveBytes"
            label={t('settings.reserve')}
            hint={t('settings.reserveHint')}
            unit="GB"
            problem={t('settings.sizeBad')}
            toText={gigabyteText}
            parse={parseGigabytes}
          />
        </>,
      )}
      {section(t('settings.sharing'), <SharingSettings />)}
      {section(t('settings.finding'), <FindingSettings />)}
      {section(
        t('settings.trackers'),
        <AddressListSetting
          name="trackers"
          hint={t('settings.trackersHint')}
          none={t('network.noTrackers')}
          newLabel={t('settings.trackerNew')}
          placeholder="wss://tracker.example.org"
          bad={t('settings.trackerBad')}
          parse={parseTracker}
          longest={Number.POSITIVE_INFINITY}
        />,
      )}
      {section(t('settings.gateways'), <GatewaySettings />)}
      {section(t('settings.connections'), <ConnectionSettings />)}
      {section(t('settings.about'), <About />)}
    </div>
  )
}
