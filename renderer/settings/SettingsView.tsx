import type { ReactNode } from 'react'
import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { shortId } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import { AddressListSetting } from './AddressListSetting.tsx'
import { FindingSettings } from './FindingSettings.tsx'
import { GatewaySettings } from './GatewaySettings.tsx'
import { MediaFolderSetting } from './MediaFolderSetting.tsx'
import {
  gigabyteText,
  parseGigabytes,
  parsePort,
  parsePublicUrl,
  parseRate,
  parseTracker,
  rateText,
} from './parse-setting.ts'
import { SettingRow } from './SettingRow.tsx'
import page from '../parts/page.module.css'
import styles from './settings.module.css'
import { SwitchSetting } from './SwitchSetting.tsx'
import { TextSetting } from './TextSetting.tsx'
import { WindowSettings } from './WindowSettings.tsx'

const cx = classesOf(page, styles)

const NONE: readonly string[] = []

export function SettingsView() {
  const app = useApp()
  const needsRestart = useNode((state) => state.settings?.needsRestart ?? NONE)
  const status = useNode((state) => state.status)
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
      {section(
        t('settings.sharing'),
        <>
          <TextSetting
            name="uploadLimitBytesPerSec"
            label={t('settings.uploadLimit')}
            hint={t('settings.limitHint')}
            unit="MB/s"
            placeholder={t('settings.noLimit')}
            problem={t('settings.rateBad')}
            toText={rateText}
            parse={parseRate}
          />
          <TextSetting
            name="downloadLimitBytesPerSec"
            label={t('settings.downloadLimit')}
            unit="MB/s"
            placeholder={t('settings.noLimit')}
            problem={t('settings.rateBad')}
            toText={rateText}
            parse={parseRate}
          />
          <SwitchSetting
            name="isSeedingAfterGet"
            label={t('settings.seedAfterGet')}
            hint={t('settings.seedAfterGetHint')}
          />
        </>,
      )}
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
      {section(
        t('settings.connections'),
        <>
          <TextSetting
            name="peerPort"
            label={t('settings.peerPort')}
            hint={t('settings.peerPortHint')}
            problem={t('settings.portBad')}
            toText={(port) => (port === undefined ? '' : String(port))}
            parse={parsePort}
          />
          <TextSetting
            name="port"
            label={t('settings.port')}
            hint={t('settings.portHint')}
            problem={t('settings.portBad')}
            toText={(port) => (port === undefined ? '' : String(port))}
            parse={parsePort}
          />
          <TextSetting
            name="publicUrl"
            label={t('settings.publicUrl')}
            hint={t('settings.publicUrlHint')}
            isWide
            isMono
            placeholder="https://media.example.org"
            problem={t('settings.urlBad')}
            toText={(url) => url ?? ''}
            parse={parsePublicUrl}
          />
          <SwitchSetting name="isUpnpEnabled" label={t('settings.upnp')} hint={t('settings.upnpHint')} />
          <SwitchSetting name="isDhtEnabled" label={t('settings.dht')} hint={t('settings.dhtHint')} />
          <SwitchSetting name="isLsdEnabled" label={t('settings.lsd')} hint={t('settings.lsdHint')} />
          <SwitchSetting name="isPexEnabled" label={t('settings.pex')} hint={t('settings.pexHint')} />
        </>,
      )}
      {section(
        t('settings.about'),
        <>
          <SettingRow label={t('settings.version')}>{status?.version}</SettingRow>
          <SettingRow label={t('network.nodeId')}>
            <span className={cx('path')} title={status?.nodeId}>
              {shortId(status?.nodeId ?? '')}
            </span>
          </SettingRow>
          <SettingRow label={t('settings.help')}>
            <span className={cx('split')}>
              <Button icon="keyboard" onPress={() => app.shell.openSheet({ kind: 'shortcuts' })}>
                {t('shortcuts.title')}
              </Button>
              {!isBrowser && (
                <Button
                  icon="text"
                  onPress={async () => app.report(await app.bridge.call('desktop.openLogs', {}))}
                >
                  {t('failed.openLogs')}
                </Button>
              )}
            </span>
          </SettingRow>
        </>,
      )}
    </div>
  )
}
