import { join, resolve } from 'node:path'
import { app, powerMonitor } from 'electron'
import type {
  DesktopEventPayload,
  EngineAddresses,
  NodeStatus,
  SettingsPatch,
} from '../app/contract/index.ts'
import { applyStartAtLogin, applyTheme, createDesktopHandlers } from './desktop-handlers.ts'
import { startEngineHost } from './engine-host.ts'
import { EngineSupervisor } from './engine-supervisor.ts'
import { chooseHostKind } from './host-kind.ts'
import { registerIpc } from './ipc.ts'
import type { OpenRequests } from './links.ts'
import { installMenu } from './menu.ts'
import { PrefsStore } from './prefs.ts'
import { SowerTray } from './tray.ts'
import { MainWindow } from './window.ts'

interface DesktopAppInit {
  /** Absolute path of the app folder (holds `out/` and `resources/`). */
  readonly appRoot: string
  readonly dataDir: string | null
}

/** Ties window, tray, menu and engine together; everything else is in their own files. */
export class DesktopApp {
  readonly #init: DesktopAppInit
  readonly #prefs: PrefsStore
  readonly #supervisor: EngineSupervisor
  readonly #window: MainWindow
  #tray: SowerTray | undefined
  #node: NodeStatus | undefined
  #flags: Readonly<Record<string, unknown>> = {}
  #changes: SettingsPatch | undefined
  #isQuitting = false
  #isStopping = false
  #isStopped = false
  /** What Sower was started with again while it was ending. */
  #next: OpenRequests | undefined

  constructor(init: DesktopAppInit) {
    this.#init = init
    this.#prefs = new PrefsStore(join(app.getPath('userData'), 'window.json'))
    const kind = chooseHostKind(process.versions.node, process.env['SOWER_NODE'])
    const entry = join(unpackedRoot(init.appRoot), 'out', 'engine', 'engine-process.js')
    this.#supervisor = new EngineSupervisor({
      spawn: () => startEngineHost(kind, entry),
      startOptions: () => ({
        dataDir: init.dataDir,
        flags: this.#flags,
        mode: 'desktop',
        ...(this.#changes === undefined ? {} : { changes: this.#changes }),
      }),
      onState: (state) => {
        if (state.state !== 'running') this.#node = undefined
        // Kept in the settings file by now: a later crash must not apply it again.
        else this.#changes = undefined
        this.#window.send('desktop.engineChanged', state)
        this.#updateTray()
      },
      onEvent: (name, payload) => {
        if (name === 'node.changed') {
          // From our own engine process, whose sender is typed by the same table.
          this.#node = payload as NodeStatus
          this.#updateTray()
        }
        this.#window.forward(name, payload)
      },
    })
    this.#window = new MainWindow({
      preloadPath: join(init.appRoot, 'out', 'preload', 'index.cjs'),
      iconPath: join(init.appRoot, 'resources', 'icons', '256.png'),
      onClose: () => this.#mayClose(),
    })
  }

  get engineAddresses(): EngineAddresses | undefined {
    return this.#supervisor.addresses
  }

  start(how: { readonly isHidden: boolean }): void {
    applyTheme(this.#prefs.get())
    try {
      applyStartAtLogin(this.#prefs.get())
    } catch (error) {
      // No reason not to open: it is said again, and to the user, when they change it.
      process.stderr.write(`${String(error)}\n`)
    }
    const handlers = createDesktopHandlers({
      supervisor: this.#supervisor,
      prefs: this.#prefs,
      onPrefs: (prefs) => this.#window.send('desktop.prefsChanged', prefs),
      restartEngine: (fix) => {
        this.#flags = { ...this.#flags, ...fix.flags }
        this.#changes = fix.changes
        return this.#supervisor.restart()
      },
      closeWindow: (action, isRemembered) => this.#closeWindow(action, isRemembered),
    })
    registerIpc({
      callEngine: (name, args) => this.#supervisor.call(name, args),
      onCall: () => this.#window.markReady(),
      desktop: handlers,
      onBug: (name, error) =>
        process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`),
    })
    installMenu({
      navigate: (to) => this.#navigate(to),
      // No data folder is known yet: there is nothing to open, and the window says why.
      openLogs: () => void handlers['desktop.openLogs']({}).catch(() => this.showWindow()),
      quit: () => this.#quit(),
    })
    this.#tray = new SowerTray(join(this.#init.appRoot, 'resources', 'tray'), {
      open: () => this.showWindow(),
      openFiles: (paths) => this.open({ links: [], paths }),
      addFiles: () => this.#navigate('add'),
      togglePause: () =>
        void this.#supervisor.call(
          this.#node?.seeding.isPaused === true ? 'seeding.resume' : 'seeding.pause',
          {},
        ),
      openSettings: () => this.#navigate('settings'),
      quit: () => this.#quit(),
    })
    this.#updateTray()
    this.#supervisor.start()
    // The system is going down: no dialog, stop the engine while there is time.
    powerMonitor.on('shutdown', () => this.#quit())
    if (!how.isHidden) this.showWindow()
  }

  showWindow(): void {
    if (app.isReady()) this.#window.show()
  }

  /** Links and files from the command line, the system or another instance. */
  open({ links, paths }: OpenRequests): void {
    for (const link of links) this.#window.send('desktop.linkOpened', { link })
    if (paths.length > 0) this.#window.send('desktop.filesOpened', { paths: [...paths] })
    if (app.isReady() && (links.length > 0 || paths.length > 0)) this.#window.show()
  }

  /** Somebody started Sower a second time; one that is ending comes back when it has ended. */
  startedAgain(requests: OpenRequests): void {
    if (this.#isQuitting) {
      this.#next = requests
      return
    }
    this.open(requests)
    this.showWindow()
  }

  /** Electron quits only once the engine has stopped. */
  beforeQuit(event: { preventDefault(): void }): void {
    this.#isQuitting = true
    if (this.#isStopped) return
    event.preventDefault()
    if (this.#isStopping) return
    this.#isStopping = true
    void this.#supervisor.stop().finally(() => {
      this.#isStopped = true
      this.#tray?.destroy()
      this.#window.destroy()
      if (this.#next !== undefined) app.relaunch({ args: argumentsFor(this.#next) })
      app.quit()
    })
  }

  #mayClose(): boolean {
    if (this.#isQuitting) return true
    const { closeAction } = this.#prefs.get()
    if (closeAction === 'tray') {
      this.#window.hide()
      return false
    }
    if (closeAction === 'quit' || this.#window.isAbsent) {
      this.#quit()
      return false
    }
    this.#window.send('desktop.closeAsked', { uploadingTo: this.#peers() })
    return false
  }

  #closeWindow(action: 'tray' | 'quit' | 'cancel', isRemembered: boolean): void {
    if (action === 'cancel') return
    if (isRemembered) this.#window.send('desktop.prefsChanged', this.#prefs.set({ closeAction: action }))
    if (action === 'tray') this.#window.hide()
    else this.#quit()
  }

  #navigate(to: DesktopEventPayload<'desktop.navigate'>['to']): void {
    this.showWindow()
    this.#window.send('desktop.navigate', { to })
  }

  #peers(): number {
    return (this.#node?.seeding.peersTcp ?? 0) + (this.#node?.seeding.peersWebrtc ?? 0)
  }

  #updateTray(): void {
    this.#tray?.update(this.#supervisor.state, this.#node)
  }

  #quit(): void {
    this.#isQuitting = true
    app.quit()
  }
}

/** Our own arguments (the app's folder where it is not packaged, switches), and what is to be opened this time. */
function argumentsFor({ links, paths }: OpenRequests): string[] {
  const own = process.argv
    .slice(1)
    .filter((arg) => (arg.startsWith('-') && arg !== '--hidden') || resolve(arg) === app.getAppPath())
  return [...own, ...links, ...paths]
}

/** A process outside Electron can't read inside the archive: the engine's files lie beside it. */
function unpackedRoot(appRoot: string): string {
  return appRoot.replace(/\.asar$/, '.asar.unpacked')
}
