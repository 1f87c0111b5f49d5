import type { StoreApi } from 'zustand/vanilla'
import type { MediaId } from '../../app/contract/index.ts'

export interface SelectionState {
  readonly selected: ReadonlySet<MediaId>
  /** Row the keyboard is on; -1 = none. */
  readonly cursor: number
  /** Where a shift-range starts. */
  readonly anchor: number
}

export interface SelectionVerbs {
  /** `replace` = click, `toggle` = Ctrl+click, `range` = Shift+click. */
  pick(index: number, how: 'replace' | 'toggle' | 'range'): Promise<void>
  moveCursor(index: number, how: 'replace' | 'range' | 'keep'): Promise<void>
  clearSelection(): void
}

interface Rows {
  idAt(index: number): Promise<MediaId | undefined>
  idsBetween(from: number, to: number): Promise<MediaId[]>
  total(): number
}

/** Selection by row number over a list of which only some pages are loaded. */
export function createSelection(store: StoreApi<SelectionState & object>, rows: Rows): SelectionVerbs {
  const pick: SelectionVerbs['pick'] = async (index, how) => {
    if (index < 0 || index >= rows.total()) return
    if (how === 'range') {
      const anchor = store.getState().anchor < 0 ? index : store.getState().anchor
      store.setState({ cursor: index, anchor })
      const ids = await rows.idsBetween(Math.min(anchor, index), Math.max(anchor, index))
      // A later key press may have moved on while pages were loading.
      if (store.getState().cursor === index) store.setState({ selected: new Set(ids) })
      return
    }
    store.setState({ cursor: index, anchor: index })
    const id = await rows.idAt(index)
    if (id === undefined || store.getState().cursor !== index) return
    if (how === 'replace') {
      store.setState({ selected: new Set([id]) })
      return
    }
    const selected = new Set(store.getState().selected)
    if (!selected.delete(id)) selected.add(id)
    store.setState({ selected })
  }
  return {
    pick,
    moveCursor: async (index, how) => {
      const last = rows.total() - 1
      const to = Math.min(last, Math.max(0, index))
      if (last < 0) return
      if (how === 'keep') store.setState({ cursor: to })
      else await pick(to, how)
    },
    clearSelection: () => store.setState({ selected: new Set(), anchor: -1 }),
  }
}
