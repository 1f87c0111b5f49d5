import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { app, protocol } from 'electron'
import { createAppProtocol } from './app-protocol.ts'
import { DesktopApp } from './desktop-app.ts'
import { readOpenRequests } from './links.ts'
import type { OpenRequests } from './links.ts'
import { createMediaProtocol } from './media-protocol.ts'
import { MEDIA_SCHEME } from './security-rules.ts'
import { installSecurity } from './security.ts'

const dataDir = process.env['SOWER_DATA_DIR'] ?? null
// A profile of its own for every data folder, so that two of them can run side by side.
if (dataDir !== null) app.setPath('userData', join(resolve(dataDir), 'desktop'))

// Root has no sandbox to offer (Chromium refuses): whoever starts Sower so has said --no-sandbox.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
protocol.registerSchemesAsPrivileged([
  { scheme: 'sower', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  { scheme: MEDIA_SCHEME, privileges: { standard: true, secure: true, stream: true, supportFetchAPI: true } },
])

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function readArguments(argv: readonly string[], workingDir: string): OpenRequests {
  // Unpackaged, the app folder comes first; Electron's own switches are skipped as flags.
  const args = argv.slice(1).filter((arg) => resolve(workingDir, arg) !== app.getAppPath())
  return readOpenRequests(args, (path) => resolve(workingDir, path), isFile)
}

if (app.requestSingleInstanceLock()) {
  const appRoot = app.getAppPath()
  const desktop = new DesktopApp({ appRoot, dataDir })
  desktop.open(readArguments(process.argv, process.cwd()))
  app.on('second-instance', (_event, argv, workingDir) => {
    desktop.startedAgain(readArguments(argv, workingDir))
  })
  app.on('open-url', (event, url) => {
    event.preventDefault()
    desktop.open(
      readOpenRequests(
        [url],
        (path) => path,
        () => false,
      ),
    )
  })
  app.on('open-file', (event, path) => {
    event.preventDefault()
    desktop.open({ links: [], paths: [path] })
  })
  app.on('activate', () => desktop.showWindow())
  // The tray keeps the app alive; quitting is always explicit.
  app.on('window-all-closed', () => undefined)
  app.on('before-quit', (event) => desktop.beforeQuit(event))
  void app.whenReady().then(() => {
    installSecurity()
    protocol.handle('sower', createAppProtocol(join(appRoot, 'out', 'renderer')))
    protocol.handle(
      MEDIA_SCHEME,
      createMediaProtocol(() => desktop.engineAddresses),
    )
    if (app.isPackaged) app.setAsDefaultProtocolClient('sower')
    desktop.start({ isHidden: process.argv.includes('--hidden') })
  })
} else {
  // The first one has got our arguments; nothing was started here that would have to end in order.
  app.exit(0)
}
