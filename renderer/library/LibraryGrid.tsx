import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useRef, useState, type MouseEvent } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { useApp, useLibrary } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Menu } from '../parts/Menu.tsx'
import { selectItemAt, selectSelectedItems } from '../stores/library-store.ts'
import { t } from '../strings/t.ts'
import { ColumnHeads } from './ColumnHeads.tsx'
import { itemMenu } from './item-menu.ts'
import { handleGridKey } from './library-keys.ts'
import { LibraryRow, rowId } from './LibraryRow.tsx'
import styles from './library.module.css'

const cx = classesOf(styles)

const ROW_PX = 44
const HEAD_PX = 30
const COLUMNS = 8
/** More than are ever drawn at once, so that no two share a key. */
const RECYCLED_ROWS = 128

/** The list itself: only the rows in sight exist; their pages are asked for as they come into sight. */
export function LibraryGrid() {
  const app = useApp()
  const { query, total, cursor, selected, pages, items, reveal } = useLibrary(
    useShallow((state) => ({
      query: state.query,
      total: state.total,
      cursor: state.cursor,
      selected: state.selected,
      pages: state.pages,
      items: state.items,
      reveal: state.reveal,
    })),
  )
  const scroller = useRef<HTMLDivElement>(null)
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null)
  // oxlint-disable-next-line react/incompatible-library -- its result is used in this render only
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
    scrollMargin: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
  })
  const rows = virtual.getVirtualItems()
  const from = rows[0]?.index ?? 0
  const to = rows.at(-1)?.index ?? 0

  useEffect(() => {
    if (total > 0) app.library.ensureRange(from, to)
  }, [app, from, to, total, pages])

  const { search, filter, sort, direction } = query
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 })
  }, [search, filter, sort, direction])
  useEffect(() => {
    if (reveal !== null) virtual.scrollToIndex(reveal.index, { align: 'center' })
  }, [virtual, reveal])

  const handlePick = useCallback(
    (event: MouseEvent, index: number) => {
      const how = event.shiftKey ? 'range' : event.ctrlKey || event.metaKey ? 'toggle' : 'replace'
      void app.library.pick(index, how)
    },
    [app],
  )
  const handleOpen = useCallback(
    (index: number) => {
      const item = selectItemAt(app.library.store.getState(), index)
      if (item !== undefined) app.shell.play(item.mediaId)
    },
    [app],
  )
  const handleMenu = useCallback(
    (at: { x: number; y: number }, index: number) => {
      const state = app.library.store.getState()
      const item = selectItemAt(state, index)
      if (item === undefined) return
      if (state.selected.has(item.mediaId)) setMenuAt(at)
      else void app.library.pick(index, 'replace').then(() => setMenuAt(at))
    },
    [app],
  )
  const openMenuAtRow = (index: number) => {
    const box = document.getElementById(rowId(index))?.getBoundingClientRect()
    if (box !== undefined) handleMenu({ x: box.left + 56, y: box.bottom - 6 }, index)
  }

  const state = app.library.store.getState()
  const isCursorDrawn = cursor >= from && cursor <= to && total > 0
  return (
    <>
      <div
        ref={scroller}
        className={cx('grid')}
        role="grid"
        tabIndex={0}
        data-region="list"
        aria-label={t('library.label')}
        aria-rowcount={total + 1}
        aria-colcount={COLUMNS}
        aria-multiselectable="true"
        aria-activedescendant={isCursorDrawn ? rowId(cursor) : undefined}
        onFocus={() => {
          if (cursor < 0 && total > 0) void app.library.moveCursor(0, 'keep')
        }}
        onKeyDown={(event) =>
          handleGridKey(event, {
            app,
            pageRows: () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW_PX) / ROW_PX) - 1),
            scrollTo: (index) => virtual.scrollToIndex(index),
            openMenu: openMenuAtRow,
          })
        }
      >
        <ColumnHeads
          query={query}
          onSort={(nextSort, next) => app.library.setQuery({ sort: nextSort, direction: next })}
        />
        <div role="rowgroup" className={cx('rows')} style={{ blockSize: virtual.getTotalSize() }}>
          {rows.map((row) => {
            const item = selectItemAt({ ...state, pages, items }, row.index)
            return (
              <LibraryRow
                // Rows leaving on one side are used again for those coming in on the other.
                key={row.index % RECYCLED_ROWS}
                item={item}
                index={row.index}
                offsetPx={row.start - HEAD_PX}
                isSelected={item !== undefined && selected.has(item.mediaId)}
                isCursor={cursor === row.index}
                thumbnailUrl={item === undefined ? '' : app.bridge.mediaUrl(item.mediaId)}
                mayLoadThumbnail={item !== undefined && !virtual.isScrolling}
                onPick={handlePick}
                onOpen={handleOpen}
                onMenu={handleMenu}
              />
            )
          })}
        </div>
      </div>
      {menuAt !== null && (
        <Menu
          label={t('menu.label')}
          entries={itemMenu(app, selectSelectedItems(app.library.store.getState()), [
            ...app.library.store.getState().selected,
          ])}
          at={menuAt}
          onClose={() => {
            setMenuAt(null)
            scroller.current?.focus({ preventScroll: true })
          }}
        />
      )}
    </>
  )
}
