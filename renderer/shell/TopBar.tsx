import { useEffect, useRef, useState } from 'react'
import { useApp, useDesktop, useLibrary, useNode, useShell } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatRate } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Mark } from '../parts/Mark.tsx'
import { Menu } from '../parts/Menu.tsx'
import { t } from '../strings/t.ts'
import { commandKeys } from './shortcut-list.ts'
import shared from '../parts/search.module.css'
import styles from './top-bar.module.css'

const cx = classesOf(shared, styles)

export function TopBar() {
  const engine = useDesktop((state) => state.engine)
  return (
    <header className={cx('bar')} data-region="top">
      <span className={cx('brand')}>
        <Mark />
        <span className={cx('word')}>Sower</span>
      </span>
      <Search />
      <span className={cx('end')}>
        <Traffic />
        <AddButton isDisabled={engine.state !== 'running'} />
      </span>
    </header>
  )
}

function Search() {
  const app = useApp()
  const search = useLibrary((state) => state.query.search)
  const asked = useShell((state) => state.searchFocusAsked)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (asked > 0) input.current?.select()
  }, [asked])
  return (
    <form
      className={cx('search')}
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        document.querySelector<HTMLElement>('[data-region="list"]')?.focus()
      }}
    >
      <Icon name="search" size={16} />
      <input
        ref={input}
        className={cx('searchInput')}
        type="search"
        value={search}
        maxLength={200}
        spellCheck={false}
        placeholder={t('search.placeholder')}
        aria-label={t('search.label')}
        onChange={(event) => {
          app.shell.go('library')
          app.library.setQuery({ search: event.target.value })
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && search !== '') {
            event.preventDefault()
            app.library.setQuery({ search: '' })
          }
        }}
      />
      <kbd className={cx('searchKeys')}>{commandKeys(app.bridge.platform, 'F')}</kbd>
    </form>
  )
}

/** How fast bytes leave and arrive, and the switch that stops all of it. */
function Traffic() {
  const app = useApp()
  const seeding = useNode((state) => state.status?.seeding)
  const engineState = useDesktop((state) => state.engine.state)
  if (seeding === undefined || engineState !== 'running') {
    return (
      <span className={cx('light', engineState === 'failed' ? 'lightBad' : 'lightWait')}>
        <span className={cx('dot')} aria-hidden="true" />
        <span className={cx('lightText')}>{t(`engine.${engineState}`)}</span>
      </span>
    )
  }
  const toggle = async () =>
    app.report(await app.bridge.call(seeding.isPaused ? 'seeding.resume' : 'seeding.pause', {}))
  return (
    <>
      <span className={cx('rates')}>
        <span title={t('traffic.up')}>
          <Icon name="up" size={13} />
          {formatRate(seeding.uploadRateBytesPerSec)}
        </span>
        <span title={t('traffic.down')}>
          <Icon name="down" size={13} />
          {formatRate(seeding.downloadRateBytesPerSec)}
        </span>
      </span>
      <Button
        tone="quiet"
        icon={seeding.isPaused ? 'play' : 'pause'}
        label={t(seeding.isPaused ? 'traffic.resume' : 'traffic.pause')}
        onPress={toggle}
      />
      <span className={cx('light', seeding.isPaused ? 'lightWait' : 'lightGood')}>
        <span className={cx('dot')} aria-hidden="true" />
        <span className={cx('lightText')}>
          {seeding.isPaused
            ? t('traffic.paused')
            : seeding.items === 0
              ? t('traffic.ready')
              : t('traffic.seeding', { count: seeding.items })}
        </span>
      </span>
    </>
  )
}

function AddButton({ isDisabled }: { readonly isDisabled: boolean }) {
  const app = useApp()
  const box = useRef<HTMLSpanElement>(null)
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null)
  return (
    <span ref={box} className={cx('add')}>
      <Button
        tone="primary"
        icon="plus"
        isDisabled={isDisabled}
        onPress={() => void app.verbs.addFromPicker()}
      >
        {t('add.button')}
      </Button>
      <Button
        tone="primary"
        icon="chevron"
        hasMenu
        isDisabled={isDisabled}
        label={t('add.more')}
        onPress={() => {
          const rect = box.current?.getBoundingClientRect()
          setMenuAt({ x: (rect?.right ?? 0) - 230, y: (rect?.bottom ?? 0) + 6 })
        }}
      />
      {menuAt !== null && (
        <Menu
          label={t('add.more')}
          at={menuAt}
          onClose={() => setMenuAt(null)}
          entries={[
            {
              kind: 'item',
              label: t('add.files'),
              icon: 'file',
              keys: commandKeys(app.bridge.platform, 'O'),
              run: () => void app.verbs.addFromPicker(),
            },
            {
              kind: 'item',
              label: t('add.pasteLink'),
              icon: 'link',
              keys: commandKeys(app.bridge.platform, 'V'),
              run: () => app.shell.openSheet({ kind: 'paste-link', link: '' }),
            },
          ]}
        />
      )}
    </span>
  )
}
