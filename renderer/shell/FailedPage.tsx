import { useApp, useDesktop } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import styles from './page.module.css'

const cx = classesOf(styles)

/** The engine can't run: why, what is safe, and the one thing that would help. */
export function FailedPage() {
  const app = useApp()
  const engine = useDesktop((state) => state.engine)
  const { error, fix = 'retry' } = engine
  const words = error === undefined ? undefined : errorWords(error)
  const details = [
    `code: ${error?.code ?? engine.state}`,
    ...(error === undefined ? [] : [`message: ${error.message}`]),
    `restarts: ${engine.restarts}`,
    `platform: ${app.bridge.platform}`,
  ].join('\n')

  // The main process asks for the folder itself, and starts with it.
  const restart = async (how: 'retry' | 'free-port' | 'choose-folder') =>
    app.report(await app.bridge.call('desktop.restartEngine', { fix: how }))
  const main = {
    retry: { label: t('failed.retry'), icon: 'refresh', run: () => restart('retry') },
    'free-port': { label: t('failed.freePort'), icon: 'network', run: () => restart('free-port') },
    'choose-folder': { label: t('failed.chooseFolder'), icon: 'folder', run: () => restart('choose-folder') },
    'open-logs': {
      label: t('failed.openLogs'),
      icon: 'text',
      run: async () => app.report(await app.bridge.call('desktop.openLogs', {})),
    },
  } as const
  const primary = main[fix]
  return (
    <div className={cx('page')} role="alert">
      <span className={cx('glyph')}>
        <Icon name="warning" size={28} />
      </span>
      <h2 className={cx('title')}>{words?.title ?? t('failed.stopped')}</h2>
      {error !== undefined && error.message !== words?.title && <p className={cx('text')}>{error.message}</p>}
      <p className={cx('text')}>{words?.next ?? t('failed.safe')}</p>
      <div className={cx('actions')}>
        <Button tone="primary" icon={primary.icon} onPress={primary.run}>
          {primary.label}
        </Button>
        {fix !== 'retry' && (
          <Button icon="refresh" onPress={main.retry.run}>
            {main.retry.label}
          </Button>
        )}
        <Button icon="copy" onPress={() => app.verbs.copyText(details, t('copy.detailsDone'))}>
          {t('action.copyDetails')}
        </Button>
        {fix !== 'open-logs' && app.bridge.platform !== 'browser' && (
          <Button tone="quiet" onPress={main['open-logs'].run}>
            {t('failed.openLogs')}
          </Button>
        )}
      </div>
      <pre className={cx('details')}>{details}</pre>
    </div>
  )
}
