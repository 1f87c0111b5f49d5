import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { t } from '../strings/t.ts'
import styles from './library-empty.module.css'
import { WelcomePanel } from './WelcomePanel.tsx'

const cx = classesOf(styles)

/** The first screen of a new library: what to do, and what does not happen by itself. */
export function LibraryEmpty() {
  const app = useApp()
  return (
    <div className={cx('empty')}>
      <svg className={cx('field')} viewBox="0 0 320 140" aria-hidden="true" focusable="false">
        <path className={cx('soil')} d="M0 96c54-16 108-16 160 0s108 16 160 0v44H0z" />
        <path
          className={cx('furrow')}
          d="M14 112c48-13 98-13 146 1s98 14 146 1M34 124c42-9 84-9 126 1s84 10 126 1"
        />
        <g className={cx('sprout')}>
          <path d="M160 98V58" />
          <path className={cx('leaf')} d="M160 62c0-20-15-32-40-32 0 23 15 35 40 32z" />
          <path className={cx('leafBack')} d="M160 74c0-18 13-29 38-29 0 22-14 32-38 29z" />
        </g>
        <path className={cx('seeds')} d="M62 92h.01M92 87h.01M228 103h.01M258 104h.01" />
      </svg>
      <h2 className={cx('title')}>{t('empty.title')}</h2>
      <p className={cx('text')}>{t('empty.text')}</p>
      <div className={cx('actions')}>
        <Button tone="primary" icon="plus" onPress={() => app.verbs.addFromPicker()}>
          {t('add.files')}
        </Button>
        <Button icon="link" onPress={() => app.shell.openSheet({ kind: 'paste-link', link: '' })}>
          {t('add.pasteLink')}
        </Button>
      </div>
      <WelcomePanel />
    </div>
  )
}
