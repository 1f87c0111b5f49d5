import type { StoreApi } from 'zustand/vanilla'
import type { DesktopState } from '../stores/desktop-store.ts'

/** Writes the chosen theme to `<html data-theme>`; without it the stylesheet follows the OS. */
export function followTheme(store: StoreApi<DesktopState>, html: HTMLElement): () => void {
  const apply = ({ prefs }: DesktopState) => {
    if (prefs.theme === 'auto') delete html.dataset['theme']
    else html.dataset['theme'] = prefs.theme
  }
  apply(store.getState())
  return store.subscribe(apply)
}
