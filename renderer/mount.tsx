import { createRoot } from 'react-dom/client'
import type { SowerBridge } from '../app/contract/index.ts'
import { AppContext } from './app-context.ts'
import { Shell } from './shell/Shell.tsx'
import { createApp } from './stores/app.ts'
import { followTheme } from './shell/theme.ts'
import './styles/tokens.css'
import './styles/base.css'

/** Draws the whole window over `bridge`; returns what takes it down again. */
export function mount(bridge: SowerBridge, root: HTMLElement): () => void {
  const app = createApp(bridge)
  const stopTheme = followTheme(app.desktop.store, document.documentElement)
  const reactRoot = createRoot(root)
  reactRoot.render(
    <AppContext value={app}>
      <Shell />
    </AppContext>,
  )
  app.start()
  return () => {
    reactRoot.unmount()
    stopTheme()
    app.dispose()
  }
}
