import type { DesktopPrefs } from '../../app/contract/index.ts'
import { useApp, useDesktop } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Segmented } from '../parts/Segmented.tsx'
import { Switch } from '../parts/Switch.tsx'
import { t } from '../strings/t.ts'
import { SettingRow } from './SettingRow.tsx'
import page from '../parts/page.module.css'
import styles from './settings.module.css'

const cx = classesOf(page, styles)

/** Choices of this window; they work without an engine. */
export function WindowSettings() {
  const app = useApp()
  const prefs = useDesktop((state) => state.prefs)
  const save = async (patch: Partial<DesktopPrefs>) => app.report(await app.desktop.savePrefs(patch))
  const isBrowser = app.bridge.platform === 'browser'
  return (
    <section className={cx('section')}>
      <h2 className={cx('sectionTitle')}>{t('settings.window')}</h2>
      <div className={cx('card')}>
        <SettingRow label={t('settings.theme')}>
          <Segmented
            label={t('settings.theme')}
            value={prefs.theme}
            options={[
              { value: 'auto', label: t('theme.auto') },
              { value: 'light', label: t('theme.light') },
              { value: 'dark', label: t('theme.dark') },
            ]}
            onChange={(theme) => void save({ theme })}
          />
        </SettingRow>
        {!isBrowser && (
          <>
            <SettingRow label={t('settings.closeAction')} hint={t('settings.closeActionHint')}>
              <Segmented
                label={t('settings.closeAction')}
                value={prefs.closeAction}
                options={[
                  { value: 'ask', label: t('closeAction.ask') },
                  { value: 'tray', label: t('closeAction.tray') },
                  { value: 'quit', label: t('closeAction.quit') },
                ]}
                onChange={(closeAction) => void save({ closeAction })}
              />
            </SettingRow>
            <div className={cx('row')}>
              <Switch
                label={t('settings.startAtLogin')}
                hint={t('settings.startAtLoginHint')}
                isOn={prefs.isStartAtLogin}
                onChange={(isStartAtLogin) => save({ isStartAtLogin })}
              />
            </div>
          </>
        )}
      </div>
    </section>
  )
}
