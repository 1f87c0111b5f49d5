import { useEffect, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { useApp, useDetail, useLibrary, useShell } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatSize } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import { Name } from '../parts/Name.tsx'
import { selectItemAt } from '../stores/library-store.ts'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import { BulkPanel } from './BulkPanel.tsx'
import { OverviewTab } from './OverviewTab.tsx'
import { PeersTab } from './PeersTab.tsx'
import { PeopleTab } from './PeopleTab.tsx'
import styles from './inspector.module.css'

const cx = classesOf(styles)

const TABS = ['overview', 'people', 'peers'] as const
type Tab = (typeof TABS)[number]

/** The item the list's cursor is on, beside the list. */
export function Inspector() {
  const app = useApp()
  const [tab, setTab] = useState<Tab>('overview')
  const { item, selectedCount } = useLibrary(
    useShallow((state) => {
      const [only] = state.selected.size === 1 ? state.selected : []
      const picked = only === undefined ? selectItemAt(state, state.cursor) : state.items.get(only)
      return { item: picked, selectedCount: state.selected.size }
    }),
  )
  const { detail, error } = useDetail(useShallow((state) => ({ detail: state.detail, error: state.error })))
  const playing = useShell((state) => state.playing)
  const mediaId = item?.mediaId ?? null
  useEffect(() => {
    app.detail.follow(mediaId)
  }, [app, mediaId])
  useEffect(() => () => app.detail.follow(null), [app])

  const close = () => {
    app.shell.setInspectorOpen(false)
    document.querySelector<HTMLElement>('[data-region="list"]')?.focus()
  }
  const isMany = selectedCount > 1
  const fresh = detail !== null && detail.mediaId === mediaId ? detail : null
  return (
    <aside
      className={cx('inspector')}
      aria-label={t('inspector.label')}
      data-region="inspector"
      tabIndex={-1}
    >
      <div className={cx('head')}>
        <h2 className={cx('name')}>
          {isMany ? (
            t('library.selected', { count: selectedCount })
          ) : item === undefined ? (
            t('inspector.nothing')
          ) : (
            <Name name={item.name} />
          )}
        </h2>
        <Button tone="quiet" isSmall icon="close" label={t('inspector.close')} onPress={close} />
      </div>
      {isMany ? (
        <BulkPanel />
      ) : item === undefined ? (
        <EmptyState icon="panel" title={t('inspector.pick')} text={t('inspector.pickText')} />
      ) : (
        <>
          <div className={cx('tabs')} role="tablist" aria-label={t('inspector.tabs')}>
            {TABS.map((name, index) => (
              <button
                key={name}
                type="button"
                role="tab"
                id={`inspector-tab-${name}`}
                aria-selected={tab === name}
                aria-controls="inspector-panel"
                tabIndex={tab === name ? 0 : -1}
                className={cx('tab', tab === name && 'isHere')}
                onClick={() => setTab(name)}
                onKeyDown={(event) => {
                  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
                  const next =
                    step === undefined ? undefined : TABS[(index + step + TABS.length) % TABS.length]
                  if (next === undefined) return
                  setTab(next)
                  document.getElementById(`inspector-tab-${next}`)?.focus()
                }}
              >
                {t(name === 'people' ? 'people.tab' : `inspector.${name}`)}{' '}
                {name === 'peers' && item.peers > 0 && <span className={cx('tabCount')}>{item.peers}</span>}
                {name === 'people' && item.sharedWith > 0 && (
                  <span className={cx('tabCount')}>{item.sharedWith}</span>
                )}
              </button>
            ))}
          </div>
          <div
            id="inspector-panel"
            role="tabpanel"
            aria-labelledby={`inspector-tab-${tab}`}
            className={cx('scroll')}
            tabIndex={0}
          >
            {error !== null && fresh === null ? (
              <EmptyState
                icon="warning"
                title={errorWords(error).title}
                text={errorWords(error).next ?? error.message}
              />
            ) : tab === 'overview' ? (
              <OverviewTab
                key={item.mediaId}
                item={item}
                detail={fresh}
                isPlaying={playing === item.mediaId}
              />
            ) : tab === 'people' ? (
              <PeopleTab key={item.mediaId} item={item} />
            ) : (
              <PeersTab detail={fresh} uploaded={formatSize(item.uploadedBytes)} />
            )}
          </div>
        </>
      )}
    </aside>
  )
}
