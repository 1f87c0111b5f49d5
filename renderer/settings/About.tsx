import { useApp, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { shortId } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { t } from '../strings/t.ts'
import { SettingRow } from './SettingRow.tsx'
import styles from './settings.module.css'

const cx = classesOf(styles)

/** What runs here, and where to look when something is wrong. */
export function About() {
  const app = useApp()
  const status = useNode((state) => state.status)
  const isBrowser = app.bridge.platform === 'browser'
  return (
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
    </>
  )
}
