import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError, DesktopPrefs } from '../app/contract/index.ts'

type PrefsPatch = { readonly [K in keyof DesktopPrefs]?: DesktopPrefs[K] | undefined }

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

  /** All of them as they would be. */
  with(patch: PrefsPatch): DesktopPrefs {
    return DesktopPrefs.parse({ ...this.#prefs, ...patch })
  }

  /**
   * Merges, saves (temporary file + rename) and returns all of them.
   * @throws {AppError} `UNAVAILABLE`; then nothing was changed
   */
  set(patch: PrefsPatch): DesktopPrefs {
    const changed = this.with(patch)
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeFileSync(`${this.#file}.new`, `${JSON.stringify(changed, null, 2)}\n`)
      renameSync(`${this.#file}.new`, this.#file)
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'The window’s settings can’t be saved, so nothing was changed.', {
        hint: `Check that there is room for ${this.#file}, and who may write it.`,
        cause,
      })
    }
    this.#prefs = changed
    return changed
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
