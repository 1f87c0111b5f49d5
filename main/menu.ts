import { Menu } from 'electron'
import type { MenuItemConstructorOptions } from 'electron'
import type { DesktopEventPayload } from '../app/contract/index.ts'
import { text } from './text.ts'

interface MenuActions {
  readonly navigate: (to: DesktopEventPayload<'desktop.navigate'>['to']) => void
  readonly openLogs: () => void
  readonly quit: () => void
}

/** In the order of the window's rail, so that the number keys are the ones of the shortcut sheet; settings have their own. */
const VIEWS = ['library', 'discover', 'contacts', 'transfers', 'network', 'wallet'] as const

/** The application menu: macOS shows it, elsewhere it carries the accelerators. */
export function installMenu(actions: MenuActions): void {
  const isMac = process.platform === 'darwin'
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [{ role: 'appMenu' } as const] : []),
    {
      label: text.file,
      submenu: [
        { label: text.addFiles, accelerator: 'CmdOrCtrl+O', click: () => actions.navigate('add') },
        {
          label: text.pasteLink,
          accelerator: 'CmdOrCtrl+Shift+V',
          click: () => actions.navigate('paste-link'),
        },
        { type: 'separator' },
        { label: text.settings, accelerator: 'CmdOrCtrl+,', click: () => actions.navigate('settings') },
        { type: 'separator' },
        { role: 'close', accelerator: 'CmdOrCtrl+W' },
        { label: text.quit, accelerator: 'CmdOrCtrl+Q', click: () => actions.quit() },
      ],
    },
    {
      label: text.edit,
      submenu: [
        { role: 'undo' },
        { role: 'redo' },
        { type: 'separator' },
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
      ],
    },
    {
      label: text.view,
      submenu: [
        ...VIEWS.map((view, index): MenuItemConstructorOptions => ({
          label: text[view],
          accelerator: `CmdOrCtrl+${index + 1}`,
          click: () => actions.navigate(view),
        })),
        { type: 'separator' },
        { label: text.search, accelerator: 'CmdOrCtrl+F', click: () => actions.navigate('search') },
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
      ],
    },
    {
      label: text.help,
      submenu: [
        { label: text.shortcuts, click: () => actions.navigate('shortcuts') },
        { label: text.openLogs, click: () => actions.openLogs() },
      ],
    },
  ]
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}
