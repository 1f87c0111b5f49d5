import { app, clipboard, dialog, nativeTheme, shell } from 'electron'
import { join } from 'node:path'
import { AppError, fromErrorShape } from '../app/contract/index.ts'
import type {
  DesktopHandlers,
  DesktopPrefs,
  EngineState,
  ItemDetail,
  SettingsPatch,
} from '../app/contract/index.ts'
import { setLinuxAutostart } from './autostart.ts'
import type { EngineSupervisor } from './engine-supervisor.ts'
import type { PrefsStore } from './prefs.ts'
import { isSafeExternalUrl } from './security-rules.ts'
import { text } from './text.ts'
import { readTextFile, safeFileName, writeTextFile } from './text-files.ts'

/** What starts the engine where it could not before: values for this run, or changes that are kept. */
export interface EngineFix {
  readonly flags?: Readonly<Record<string, unknown>>
  readonly changes?: SettingsPatch
}

interface DesktopHandlersInit {
  readonly supervisor: EngineSupervisor
  readonly prefs: PrefsStore
  readonly onPrefs: (prefs: DesktopPrefs) => void
  readonly restartEngine: (fix: EngineFix) => Promise<void>
  readonly closeWindow: (action: 'tray' | 'quit' | 'cancel', isRemembered: boolean) => void
}

/** @throws {AppError} `UNAVAILABLE` when the system refuses it */
export function applyStartAtLogin(prefs: DesktopPrefs): void {
  if (process.platform === 'linux') {
    const command = app.isPackaged ? [process.execPath] : [process.execPath, app.getAppPath()]
    setLinuxAutostart(prefs.isStartAtLogin, app.getPath('appData'), command)
  } else if (app.isPackaged) {
    app.setLoginItemSettings({ openAtLogin: prefs.isStartAtLogin, args: ['--hidden'] })
  }
}

export function applyTheme(prefs: DesktopPrefs): void {
  nativeTheme.themeSource = prefs.theme === 'auto' ? 'system' : prefs.theme
}

export function createDesktopHandlers(init: DesktopHandlersInit): DesktopHandlers {
  const { supervisor, prefs } = init
  return {
    'desktop.pickFiles': async () => {
      const { filePaths } = await dialog.showOpenDialog({
        title: text.pickFilesTitle,
        properties: ['openFile', 'multiSelections'],
      })
      return { paths: filePaths }
    },
    'desktop.pickFolder': async () => ({ path: await pickFolder() }),
    'desktop.pickSavePath': async ({ suggestedName }) => ({ path: await pickSavePath(suggestedName) }),
    'desktop.saveText': async ({ suggestedName, text: saved }) => {
      const path = await pickSavePath(suggestedName)
      if (path !== null) await writeTextFile(path, saved)
      return { isSaved: path !== null }
    },
    'desktop.openText': async () => {
      const { filePaths } = await dialog.showOpenDialog({
        title: text.openTextTitle,
        properties: ['openFile'],
      })
      const [path] = filePaths
      return { text: path === undefined ? null : await readTextFile(path) }
    },
    'desktop.showItem': async ({ mediaId }) => {
      const reply = await supervisor.call('library.get', { mediaId })
      if (!reply.ok) throw fromErrorShape(reply.error)
      // The engine's answer to this very call, from our own process.
      shell.showItemInFolder((reply.value as ItemDetail).path)
      return {}
    },
    'desktop.openLogs': async () => {
      if (supervisor.dataDir === null) {
        throw new AppError(
          'NOT_FOUND',
          'There is no log yet: the engine has not said where its data folder is.',
        )
      }
      const problem = await shell.openPath(join(supervisor.dataDir, 'logs'))
      if (problem !== '') throw new AppError('NOT_FOUND', `The log folder could not be opened: ${problem}`)
      return {}
    },
    'desktop.openExternal': async ({ url }) => {
      if (!isSafeExternalUrl(url))
        throw new AppError('BAD_REQUEST', 'Only plain https addresses are opened in the browser.')
      await shell.openExternal(url)
      return {}
    },
    'desktop.copyText': async ({ text: copied }) => {
      await clipboard.writeText(copied)
      return {}
    },
    'desktop.readClipboardText': async () => ({ text: (await clipboard.readText()).slice(0, 16_384) }),
    'desktop.getPrefs': async () => prefs.get(),
    'desktop.setPrefs': async (patch) => {
      // What the system refuses is not kept as if it had been done.
      applyStartAtLogin(prefs.with(patch))
      const changed = prefs.set(patch)
      applyTheme(changed)
      init.onPrefs(changed)
      return changed
    },
    'desktop.engineState': async () => supervisor.state,
    'desktop.restartEngine': async ({ fix }) => {
      await init.restartEngine(await prepareFix(fix, supervisor))
      return {}
    },
    'desktop.closeWindow': async ({ action, isRemembered }) => {
      init.closeWindow(action, isRemembered)
      return {}
    },
  }
}

async function prepareFix(fix: EngineState['fix'], supervisor: EngineSupervisor): Promise<EngineFix> {
  if (fix === 'free-port') {
    const setting = supervisor.failure?.details?.['setting']
    const free = supervisor.failure?.details?.['free']
    const isNamed = typeof setting === 'string' && typeof free === 'number'
    return { flags: isNamed ? { [setting]: free } : { port: 0, controlPort: 0, peerPort: 0 } }
  }
  if (fix === 'choose-folder') {
    const mediaDir = await pickFolder()
    return mediaDir === null ? {} : { changes: { mediaDir } }
  }
  return {}
}

/** The system's dialog asks before anything is replaced. The suggestion is a name, never a way out of the folder. */
async function pickSavePath(suggestedName: string): Promise<string | null> {
  const { canceled, filePath } = await dialog.showSaveDialog({
    title: text.savePathTitle,
    defaultPath: join(app.getPath('downloads'), safeFileName(suggestedName)),
    properties: ['showOverwriteConfirmation', 'createDirectory'],
  })
  return canceled || filePath === '' ? null : filePath
}

async function pickFolder(): Promise<string | null> {
  const { filePaths } = await dialog.showOpenDialog({
    title: text.pickFolderTitle,
    properties: ['openDirectory', 'createDirectory'],
  })
  return filePaths[0] ?? null
}
