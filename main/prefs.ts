import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DesktopPrefs } from '../app/contract/index.ts'

const DEFAULTS: DesktopPrefs = { theme: 'auto', closeAction: 'ask', isStartAtLogin: false }

/** The window's own choices, in a small JSON file of the main process: they must work when the engine does not. */
export class PrefsStore {
  readonly #file: string
  #prefs: DesktopPrefs

  constructor(file: string) {
    this.#file = file
    this.#prefs = read(file)
  }

  get(): DesktopPrefs {
    return this.#prefs
  }

  /** Merges, saves (temporary file + rename) and returns all of them. */
  set(patch: { readonly [K in keyof DesktopPrefs]?: DesktopPrefs[K] | undefined }): DesktopPrefs {
    this.#prefs = DesktopPrefs.parse({ ...this.#prefs, ...patch })
    mkdirSync(dirname(this.#file), { recursive: true })
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#prefs, null, 2)}\n`)
    renameSync(`${this.#file}.new`, this.#file)
    return this.#prefs
  }
}

function read(file: string): DesktopPrefs {
  try {
    const stored: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const parsed = DesktopPrefs.partial().safeParse(stored)
    return parsed.success ? DesktopPrefs.parse({ ...DEFAULTS, ...parsed.data }) : DEFAULTS
  } catch {
    // Absent or unreadable: these are conveniences, the defaults are fine.
    return DEFAULTS
  }
}
