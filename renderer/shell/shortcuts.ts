import type { App } from '../stores/app.ts'
import { VIEW_ORDER } from '../stores/shell-store.ts'

const isEditable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('input:not([type="checkbox"]):not([type="range"]), textarea, select'))

const isSheetOpen = (app: App): boolean => app.shell.store.getState().sheet.kind !== 'none'

/** F6 goes round the parts of the window that are on the screen. */
function nextRegion(isBack: boolean): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    // The list lies inside main; main itself is only for views without a list.
    (region) => region.offsetParent !== null && region.querySelector('[data-region="list"]') === null,
  )
  const here = regions.findIndex((region) => region.contains(document.activeElement))
  const next = regions[(here + (isBack ? -1 : 1) + regions.length) % regions.length]
  if (next === undefined) return
  const inside = next.matches('[tabindex="0"]')
    ? next
    : next.querySelector<HTMLElement>('[aria-current="page"], input, button, [tabindex="0"]')
  ;(inside ?? next).focus()
}

/** Shortcuts of the whole window. */
export function handleWindowKey(event: KeyboardEvent, app: App): void {
  if (event.defaultPrevented || isSheetOpen(app)) return
  if (event.key === 'F6') {
    event.preventDefault()
    return nextRegion(event.shiftKey)
  }
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    const view = VIEW_ORDER[Number.parseInt(event.key, 10) - 1]
    const run = {
      f: () => app.shell.focusSearch(),
      o: () => void app.verbs.addFromPicker(),
      ',': () => app.shell.go('settings'),
    }[event.key.toLowerCase()]
    if (view !== undefined) {
      event.preventDefault()
      return app.shell.go(view)
    }
    if (run === undefined) return
    event.preventDefault()
    return run()
  }
  if (event.altKey || isEditable(event.target)) return
  if (event.key === '?') {
    event.preventDefault()
    app.shell.openSheet({ kind: 'shortcuts' })
  } else if (event.key === 'Escape' && app.shell.store.getState().isInspectorOpen) {
    app.shell.setInspectorOpen(false)
  }
}

/** Ctrl+V anywhere but in a text field: a link opens its sheet, files are asked about. */
export function handleWindowPaste(event: ClipboardEvent, app: App): void {
  if (isEditable(event.target) || isSheetOpen(app) || event.clipboardData === null) return
  const paths = [...event.clipboardData.files]
    .map((file) => app.bridge.pathForFile(file))
    .filter((path) => path !== '')
  const link = event.clipboardData.getData('text/plain').trim()
  if (paths.length > 0) app.shell.openSheet({ kind: 'ask-access', paths })
  else app.shell.openLink(link.slice(0, 16_384))
  event.preventDefault()
}
