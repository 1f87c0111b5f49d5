import { useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { useApp, useLibrary, useNode } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { EmptyState } from '../parts/EmptyState.tsx'
import { Menu, type MenuEntry } from '../parts/Menu.tsx'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import { FilterChips } from './FilterChips.tsx'
import { LibraryEmpty } from './LibraryEmpty.tsx'
import { LibraryGrid } from './LibraryGrid.tsx'
import styles from './library.module.css'

const cx = classesOf(styles)

const ORDERS = [
  { sort: 'added', direction: 'desc', key: 'order.newest' },
  { sort: 'added', direction: 'asc', key: 'order.oldest' },
  { sort: 'name', direction: 'asc', key: 'order.name' },
  { sort: 'size', direction: 'desc', key: 'order.largest' },
  { sort: 'uploaded', direction: 'desc', key: 'order.uploaded' },
] as const

export function LibraryView() {
  const app = useApp()
  const { query, phase, error, total, counts, selectedCount } = useLibrary(
    useShallow((state) => ({
      query: state.query,
      phase: state.phase,
      error: state.error,
      total: state.total,
      counts: state.counts,
      selectedCount: state.selected.size,
    })),
  )
  const mediaState = useNode((state) => state.status?.media.state)
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null)

  if (phase === 'failed' && error !== null) {
    const { title, next } = errorWords(error)
    return (
      <EmptyState icon="warning" title={title} text={next ?? error.message} isAlert>
        <Button tone="primary" icon="refresh" onPress={() => app.library.reload()}>
          {t('action.retry')}
        </Button>
      </EmptyState>
    )
  }
  if (phase === 'ready' && counts.all === 0 && total === 0 && query.search === '' && query.filter === 'all') {
    return <LibraryEmpty />
  }
  const order = ORDERS.find((one) => one.sort === query.sort && one.direction === query.direction)
  const orderEntries: MenuEntry[] = ORDERS.map(({ sort, direction, key }) => ({
    kind: 'item',
    label: t(key),
    ...(order?.key === key ? { icon: 'check' as const } : {}),
    run: () => app.library.setQuery({ sort, direction }),
  }))
  return (
    <div className={cx('view')}>
      <div className={cx('head')}>
        <FilterChips
          filter={query.filter}
          counts={counts}
          onFilter={(filter) => app.library.setQuery({ filter })}
        />
        <span className={cx('summary')}>
          {selectedCount > 1
            ? t('library.selected', { count: selectedCount })
            : t('library.total', { count: total })}
        </span>
        <span className={cx('order')}>
          <Button
            tone="quiet"
            isSmall
            hasMenu
            onPress={() => {
              const box = document.activeElement?.getBoundingClientRect()
              setMenuAt({ x: box?.left ?? 0, y: (box?.bottom ?? 0) + 4 })
            }}
          >
            {t(order?.key ?? 'order.custom')}
            <Icon name="chevron" size={14} />
          </Button>
        </span>
        {menuAt !== null && (
          <Menu label={t('order.label')} entries={orderEntries} at={menuAt} onClose={() => setMenuAt(null)} />
        )}
      </div>
      {mediaState === 'offline' && <EmptyStrip />}
      {phase === 'ready' && total === 0 ? (
        <EmptyState
          icon="search"
          title={query.search === '' ? t('library.noneHere') : t('library.noMatch', { name: query.search })}
          text={t('library.noMatchText')}
        >
          <Button onPress={() => app.library.setQuery({ search: '', filter: 'all' })}>
            {t('library.showAll')}
          </Button>
        </EmptyState>
      ) : (
        <LibraryGrid />
      )}
    </div>
  )
}

/** The media folder is away: the list stays readable and says why nothing plays. */
function EmptyStrip() {
  const dir = useNode((state) => state.status?.media.dir ?? '')
  return (
    <p className={cx('strip')} role="status">
      {t('library.offline', { dir })}
    </p>
  )
}
