import { BrowserWindow, nativeTheme } from 'electron'
import type { DesktopEventName, DesktopEventPayload, EngineEventName } from '../app/contract/index.ts'
import { EVENT_CHANNEL } from './ipc.ts'
import { APP_ORIGIN } from './security-rules.ts'

interface MainWindowInit {
  readonly preloadPath: string
  readonly iconPath: string
  /** The user closes the window; true = let it go. */
  readonly onClose: () => boolean
}

/** A page that dies again so soon stays dead until the window is opened anew. */
const LEAST_BETWEEN_RELOADS_MS = 30_000

/** The one window. Hidden rather than destroyed while the app lives in the tray; made again when it crashed. */
export class MainWindow {
  readonly #init: MainWindowInit
  #window: BrowserWindow | undefined
  #isReady = false
  #reloadedAtMs = -Infinity
  /** Events that came before the page listened (a link that started the app). */
  #early: { readonly name: string; readonly payload: unknown }[] = []

  constructor(init: MainWindowInit) {
    this.#init = init
  }

  get isVisible(): boolean {
    return this.#window?.isVisible() === true
  }

  /** The page died or was never made: it can't be asked anything. */
  get isAbsent(): boolean {
    return this.#window === undefined || this.#window.webContents.isCrashed()
  }

  /** Opens or brings it to the front. */
  show(): void {
    if (this.#window?.webContents.isCrashed() === true) this.#window.destroy()
    const window = this.#window ?? this.#create()
    if (window.isMinimized()) window.restore()
    window.show()
    window.focus()
  }

  hide(): void {
    this.#window?.hide()
  }

  /** Closes for good, past {@link MainWindowInit.onClose}. */
  destroy(): void {
    this.#window?.destroy()
  }

  /** Tells the page; a window that is not there yet hears it when it is. */
  send<N extends DesktopEventName>(name: N, payload: DesktopEventPayload<N>): void {
    if (this.#isReady) this.#window?.webContents.send(EVENT_CHANNEL, name, payload)
    else this.#early.push({ name, payload })
  }

  /** Passes an engine event; nobody misses one that came while there was no page, since the page starts by asking. */
  forward(name: EngineEventName, payload: unknown): void {
    if (this.#isReady) this.#window?.webContents.send(EVENT_CHANNEL, name, payload)
  }

  /** The page listens now (it made its first call). */
  markReady(): void {
    if (this.#isReady) return
    this.#isReady = true
    for (const { name, payload } of this.#early.splice(0))
      this.#window?.webContents.send(EVENT_CHANNEL, name, payload)
  }

  #create(): BrowserWindow {
    const window = new BrowserWindow({
      width: 1180,
      height: 760,
      minWidth: 760,
      minHeight: 520,
      show: false,
      title: 'Sower',
      icon: this.#init.iconPath,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#14171a' : '#fbfaf8',
      autoHideMenuBar: true,
      webPreferences: {
        preload: this.#init.preloadPath,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
      },
    })
    this.#window = window
    this.#isReady = false
    window.once('ready-to-show', () => window.show())
    window.on('close', (event) => {
      if (!this.#init.onClose()) event.preventDefault()
    })
    window.on('closed', () => {
      this.#window = undefined
      this.#isReady = false
    })
    window.webContents.on('did-start-loading', () => (this.#isReady = false))
    window.webContents.on('render-process-gone', (_event, { reason }) => {
      this.#isReady = false
      const nowMs = performance.now()
      if (reason === 'clean-exit' || nowMs - this.#reloadedAtMs < LEAST_BETWEEN_RELOADS_MS) return
      this.#reloadedAtMs = nowMs
      // Not within the event: the dead process is still being put away.
      setImmediate(() => window.webContents.reload())
    })
    void window.loadURL(`${APP_ORIGIN}/`)
    return window
  }
}
