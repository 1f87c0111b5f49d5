import type { KeyboardEvent } from 'react'
import type { App } from '../stores/app.ts'
import { selectItemAt, selectSelectedItems } from '../stores/library-store.ts'
import { abilitiesOf } from './item-abilities.ts'

export interface GridKeyParts {
  readonly app: App
  /** Rows that fit on the screen. */
  readonly pageRows: () => number
  readonly scrollTo: (index: number) => void
  readonly openMenu: (index: number) => void
}

const isCommand = (event: KeyboardEvent): boolean => event.ctrlKey || event.metaKey

/** The keys of the list; whatever it does not use goes on to the window's shortcuts. */
export function handleGridKey(
  event: KeyboardEvent,
  { app, pageRows, scrollTo, openMenu }: GridKeyParts,
): void {
  const state = app.library.store.getState()
  const last = state.total - 1
  const here = state.cursor
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: here + 1,
    ArrowUp: here < 0 ? 0 : here - 1,
    PageDown: here + pageRows(),
    PageUp: here - pageRows(),
    Home: 0,
    End: last,
  }
  const target = steps[event.key]
  const take = () => {
    event.preventDefault()
    event.stopPropagation()
  }
  if (target !== undefined && !event.altKey) {
    take()
    const to = Math.min(last, Math.max(0, target))
    scrollTo(to)
    void app.library.moveCursor(to, event.shiftKey ? 'range' : isCommand(event) ? 'keep' : 'replace')
    return
  }
  const ids = [...state.selected]
  if (isCommand(event)) {
    const key = event.key.toLowerCase()
    if (key === 'a') {
      take()
      void app.library.selectAll()
    } else if (key === 'c' && ids.length > 0 && window.getSelection()?.isCollapsed !== false) {
      take()
      void app.verbs.copyLink(ids)
    } else if (event.key === ' ' && here >= 0) {
      take()
      void app.library.pick(here, 'toggle')
    }
    return
  }
  if (event.key === 'F10' && event.shiftKey) {
    take()
    openMenu(Math.max(0, here))
    return
  }
  if (event.shiftKey || event.altKey) return
  switch (event.key) {
    case ' ':
      take()
      return app.shell.setInspectorOpen(!app.shell.store.getState().isInspectorOpen)
    case 'Enter': {
      take()
      const item = selectItemAt(state, here)
      return item === undefined ? undefined : app.shell.play(item.mediaId)
    }
    case 'Escape':
      take()
      if (app.shell.store.getState().isInspectorOpen) return app.shell.setInspectorOpen(false)
      return app.library.clearSelection()
    case 'Delete':
    case 'Backspace':
      take()
      return app.verbs.askRemove(ids)
    case 'ContextMenu':
      take()
      return openMenu(Math.max(0, here))
    case 'p': {
      const items = selectSelectedItems(state)
      if (!items.some((item) => abilitiesOf(item, false).isSeedable)) return
      take()
      return void app.verbs.setSeeding(ids, !items.some((item) => item.isSeedingWanted))
    }
    case 'r':
      if (ids.length === 0) return
      take()
      return void app.verbs.verify(ids)
  }
}
