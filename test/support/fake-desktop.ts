import type { DesktopHandlers, DesktopPrefs, EngineState } from '../../app/contract/index.ts'

interface FakeDesktopParts {
  /** What `desktop.openText` reads. */
  readonly openedText: string | null
  readonly prefs: DesktopPrefs
  readonly engine: () => EngineState
  readonly setEngine: (engine: EngineState) => void
  readonly emit: (name: string, payload: unknown) => void
}

/** The stand-in's main process: dialogs that are answered at once, and preferences in memory. */
export function createFakeDesktop(parts: FakeDesktopParts): DesktopHandlers {
  const { openedText, engine, setEngine, emit } = parts
  let { prefs } = parts
  return {
    'desktop.pickFiles': () => Promise.resolve({ paths: ['/home/ana/film.mp4', '/home/ana/notes.md'] }),
    'desktop.pickFolder': () => Promise.resolve({ path: '/mnt/films/Sower' }),
    'desktop.pickSavePath': ({ suggestedName }) => Promise.resolve({ path: `/home/ana/${suggestedName}` }),
    'desktop.saveText': () => Promise.resolve({ isSaved: true }),
    'desktop.openText': () => Promise.resolve({ text: openedText }),
    'desktop.showItem': () => Promise.resolve({}),
    'desktop.openLogs': () => Promise.resolve({}),
    'desktop.openExternal': () => Promise.resolve({}),
    'desktop.copyText': () => Promise.resolve({}),
    'desktop.readClipboardText': () => Promise.resolve({ text: '' }),
    'desktop.getPrefs': () => Promise.resolve(prefs),
    'desktop.setPrefs': (patch) => {
      prefs = { ...prefs, ...definedOf(patch) }
      emit('desktop.prefsChanged', prefs)
      return Promise.resolve(prefs)
    },
    'desktop.engineState': () => Promise.resolve(engine()),
    'desktop.restartEngine': () => {
      setEngine({ state: 'running', restarts: engine().restarts + 1 })
      return Promise.resolve({})
    },
    'desktop.closeWindow': () => Promise.resolve({}),
  }
}

/** Without the keys that are there but undefined. */
export function definedOf<T extends object>(patch: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as never
}
