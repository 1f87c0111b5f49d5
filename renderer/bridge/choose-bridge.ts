import type { SowerBridge } from '../../app/contract/index.ts'
import { pickText, saveText } from './browser-files.ts'
import { createHttpBridge, takeToken } from './http-bridge.ts'

declare global {
  interface Window {
    /** Put there by the preload; absent in a browser. */
    readonly sower?: SowerBridge
  }
}

/** The preload's bridge in the real window, one over HTTP in a browser. */
export function chooseBridge(window: Window): SowerBridge {
  if (window.sower !== undefined) return window.sower
  return createHttpBridge({
    baseUrl: window.location.origin,
    token: takeToken(window.location, window.history, window.sessionStorage),
    fetch: window.fetch.bind(window),
    storage: window.localStorage,
    clipboard: window.navigator.clipboard,
    open: (url) => void window.open(url, '_blank', 'noopener,noreferrer'),
    pickText: () => pickText(window.document),
    saveText: (name, text) => saveText(window.document, name, text),
  })
}
