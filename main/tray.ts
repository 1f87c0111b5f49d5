import { join } from 'node:path'
import { Menu, Tray, nativeImage } from 'electron'
import type { MenuItemConstructorOptions, NativeImage } from 'electron'
import type { EngineState, NodeStatus } from '../app/contract/index.ts'
import { text } from './text.ts'
import { summarise } from './tray-summary.ts'
import type { TrayIcon } from './tray-summary.ts'

interface TrayActions {
  readonly open: () => void
  /** Files were dropped on the icon (macOS). */
  readonly openFiles: (paths: readonly string[]) => void
  readonly addFiles: () => void
  readonly togglePause: () => void
  readonly openSettings: () => void
  readonly quit: () => void
}

/** The icon that stays when the window is closed. */
export class SowerTray {
  readonly #tray: Tray
  readonly #images: Readonly<Record<TrayIcon, NativeImage>>
  readonly #actions: TrayActions
  #shown = ''

  constructor(iconDir: string, actions: TrayActions) {
    const isMac = process.platform === 'darwin'
    const load = (name: TrayIcon): NativeImage => {
      const image = nativeImage.createFromPath(join(iconDir, isMac ? `${name}Template.png` : `${name}.png`))
      if (isMac) image.setTemplateImage(true)
      return image
    }
    this.#images = {
      idle: load('idle'),
      active: load('active'),
      paused: load('paused'),
      attention: load('attention'),
    }
    this.#actions = actions
    this.#tray = new Tray(this.#images.idle)
    this.#tray.on('click', () => actions.open())
    if (isMac) this.#tray.on('drop-files', (_event, paths) => actions.openFiles(paths))
  }

  update(engine: EngineState, node: NodeStatus | undefined): void {
    const { icon, line } = summarise(engine, node)
    const isPaused = node?.seeding.isPaused === true
    // Rebuilding a menu closes it where it is open: only when something in it changed.
    const shown = `${icon}\n${line}\n${isPaused}`
    if (shown === this.#shown) return
    this.#shown = shown
    this.#tray.setImage(this.#images[icon])
    this.#tray.setToolTip(`Sower: ${line}`)
    this.#tray.setContextMenu(Menu.buildFromTemplate(this.#menu(line, isPaused, engine.state === 'running')))
  }

  destroy(): void {
    this.#tray.destroy()
  }

  #menu(line: string, isPaused: boolean, isRunning: boolean): MenuItemConstructorOptions[] {
    return [
      { label: line, enabled: false },
      { type: 'separator' },
      { label: text.open, click: this.#actions.open },
      { label: text.addFiles, click: this.#actions.addFiles, enabled: isRunning },
      {
        label: isPaused ? text.resumeSeeding : text.pauseSeeding,
        click: this.#actions.togglePause,
        enabled: isRunning,
      },
      { type: 'separator' },
      { label: text.settings, click: this.#actions.openSettings },
      { label: text.quit, click: this.#actions.quit },
    ]
  }
}
