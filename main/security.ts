import { app, session } from 'electron'
import type { Session, WebContents } from 'electron'
import { isAllowedRequest } from './security-rules.ts'

/** Denies everything a page could ask for that we do not need: permissions, devices, foreign requests (checklist 5). */
export function hardenSession(target: Session): void {
  target.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  target.setPermissionCheckHandler(() => false)
  target.setDevicePermissionHandler(() => false)
  target.setDisplayMediaRequestHandler((_request, decide) => decide({}))
  target.webRequest.onBeforeRequest((details, decide) => decide({ cancel: !isAllowedRequest(details.url) }))
}

/** No navigation, no new windows, no webviews, for every page that ever exists (checklist 12–14). */
export function hardenContents(contents: WebContents): void {
  const refuse = (event: { preventDefault(): void }): void => event.preventDefault()
  contents.on('will-navigate', refuse)
  contents.on('will-redirect', refuse)
  contents.on('will-frame-navigate', refuse)
  contents.on('will-attach-webview', refuse)
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
}

export function installSecurity(): void {
  hardenSession(session.defaultSession)
  app.on('session-created', hardenSession)
  app.on('web-contents-created', (_event, contents) => hardenContents(contents))
}
