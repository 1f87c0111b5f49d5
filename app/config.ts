import { homedir } from 'node:os'
import { join, posix, resolve, win32 } from 'node:path'
import { randomUUID } from 'node:crypto'
import { AppError } from './contract/index.ts'
import type { Notice, Settings, SettingsPatch, SettingsView } from './contract/index.ts'
import { isErrno, moveAside, readFileIfThere, writeFileAtomic } from './atomic-file.ts'
import {
  defaultSettings,
  readSetting,
  readSettingText,
  SETTING_NAMES,
  SETTING_SOURCES,
} from './config-sources.ts'
import type { Environment, SettingName } from './config-sources.ts'
import { systemClock } from './ports/clock.ts'
import type { Clock } from './ports/clock.ts'

/** Changed while running, these are used from the next start of the engine. */
const NEEDS_RESTART: readonly SettingName[] = [
  'mediaDir',
  'isDhtEnabled',
  'isLsdEnabled',
  'isPexEnabled',
  'isUpnpEnabled',
  'peerPort',
  'host',
  'port',
  'controlPort',
]

export interface SettingsOptions {
  /** Absolute path. */
  readonly dataDir: string
  /** By setting name; values or texts; undefined = not given. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly env?: Environment
  readonly clock?: Clock
}

/**
 * Reads the settings: flag > environment > `<dataDir>/settings.json` > default.
 * @throws {AppError} `BAD_REQUEST` when a flag or a variable has a value that cannot be used
 */
export function loadSettings(options: SettingsOptions): SettingsStore {
  return new SettingsStore(options)
}

/** The settings in force, and the one place that changes and keeps them. */
export class SettingsStore {
  /** What was wrong with the settings file, to be shown once. */
  readonly notices: readonly Notice[]
  readonly #path: string
  readonly #clock: Clock
  readonly #defaults: Settings
  readonly #fixed: Partial<Settings>
  readonly #fixedBy: Partial<Record<SettingName, 'flag' | 'environment'>>
  readonly #atStart: Settings
  readonly #listeners = new Set<(view: SettingsView) => void>()
  /** What the settings file says, with whatever a newer version put there. */
  #saved: Readonly<Record<string, unknown>>
  #values: Settings

  constructor({ dataDir, flags = {}, env = {}, clock = systemClock }: SettingsOptions) {
    this.#clock = clock
    this.#path = join(dataDir, 'settings.json')
    this.#defaults = defaultSettings(dataDir)
    const { fixed, fixedBy } = readFixed(flags, env)
    this.#fixed = fixed
    this.#fixedBy = fixedBy
    const { saved, notices } = this.#readFile()
    this.#saved = saved
    this.notices = notices
    this.#values = this.#merge()
    this.#atStart = this.#values
  }

  get(): Settings {
    return this.#values
  }

  view(): SettingsView {
    return {
      values: this.#values,
      fixedBy: this.#fixedBy,
      needsRestart: NEEDS_RESTART.filter((name) => !isSame(this.#values[name], this.#atStart[name])),
    }
  }

  /**
   * Changes and saves. All or nothing.
   * @throws {AppError} `BAD_REQUEST` for a value that cannot be used; `CONFLICT` for one that a flag or the environment fixes
   */
  set(patch: SettingsPatch): SettingsView {
    const checked: Record<string, unknown> = {}
    for (const name of SETTING_NAMES) {
      const given = patch[name]
      if (given === undefined) continue
      const value = readSetting(name, given, `The setting “${name}”`)
      const fixedBy = this.#fixedBy[name]
      if (fixedBy !== undefined) {
        if (isSame(value, this.#values[name])) continue
        const source = fixedBy === 'flag' ? SETTING_SOURCES[name].flag : SETTING_SOURCES[name].env
        throw new AppError('CONFLICT', `This setting is fixed by ${source}, so it cannot be changed here.`, {
          hint: `Start Sower without ${source} to change it here.`,
          details: { setting: name },
        })
      }
      checked[name] = value
    }
    const saved = { ...this.#saved, ...checked }
    this.#save(`${JSON.stringify(saved, null, 2)}\n`)
    this.#saved = saved
    this.#values = this.#merge()
    const view = this.view()
    for (const listener of this.#listeners) listener(view)
    return view
  }

  #save(text: string): void {
    try {
      writeFileAtomic(this.#path, text)
    } catch (cause) {
      if (isErrno(cause, 'ENOSPC') || isErrno(cause, 'EDQUOT')) {
        throw new AppError(
          'DISK_FULL',
          'The disk of the data folder is full, so the setting was not changed.',
          { hint: 'Free some space, then try again.', cause },
        )
      }
      throw new AppError('UNAVAILABLE', 'The settings file can’t be written, so nothing was changed.', {
        hint: `Check ${this.#path} and who may write it.`,
        cause,
      })
    }
  }

  /** @returns stops listening */
  onChange(listener: (view: SettingsView) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #merge(): Settings {
    // Every saved value was checked by its own schema when it was read or set.
    const saved = Object.fromEntries(
      Object.entries(this.#saved).filter(([name]) => Object.hasOwn(SETTING_SOURCES, name)),
    ) as Partial<Settings>
    return { ...this.#defaults, ...saved, ...this.#fixed }
  }

  #readFile(): { saved: Record<string, unknown>; notices: Notice[] } {
    const bytes = readFileIfThere(this.#path)
    if (bytes === undefined) return { saved: {}, notices: [] }
    const saved = parseObject(bytes)
    if (saved === undefined) {
      const movedTo = moveAside(this.#path, this.#clock.nowMs())
      const message =
        'The settings file was damaged, so Sower started with the default settings. The damaged file was kept.'
      return { saved: {}, notices: [this.#notice('SETTINGS_DAMAGED', message, `You find it at ${movedTo}`)] }
    }
    const notices: Notice[] = []
    for (const name of SETTING_NAMES) {
      if (saved[name] === undefined) continue
      try {
        saved[name] = readSetting(name, saved[name], `“${name}” in ${this.#path}`)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        delete saved[name]
        notices.push(
          this.#notice('SETTING_IGNORED', `${error.message} The default is used instead.`, error.hint),
        )
      }
    }
    return { saved, notices }
  }

  #notice(code: string, message: string, hint: string | undefined): Notice {
    const atMs = this.#clock.nowMs()
    return {
      id: randomUUID(),
      level: 'warning',
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      atMs,
    }
  }
}

/** Where a node keeps its data when nobody says otherwise: SOWER_DATA_DIR, else the operating system's place for it. */
export function defaultDataDir(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const chosen = env['SOWER_DATA_DIR']
  if (chosen !== undefined && chosen.trim() !== '') return resolve(chosen)
  if (platform === 'win32') {
    const local = env['LOCALAPPDATA'] ?? win32.join(env['USERPROFILE'] ?? homedir(), 'AppData', 'Local')
    return win32.join(local, 'Sower')
  }
  const home = env['HOME'] ?? homedir()
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'Sower')
  const dataHome = env['XDG_DATA_HOME']
  // The XDG rules say that a relative path is to be ignored.
  const base =
    dataHome !== undefined && posix.isAbsolute(dataHome) ? dataHome : posix.join(home, '.local', 'share')
  return posix.join(base, 'sower')
}

function readFixed(
  flags: Readonly<Record<string, unknown>>,
  env: Environment,
): { fixed: Partial<Settings>; fixedBy: Partial<Record<SettingName, 'flag' | 'environment'>> } {
  const fixed: Record<string, unknown> = {}
  const fixedBy: Partial<Record<SettingName, 'flag' | 'environment'>> = {}
  for (const name of SETTING_NAMES) {
    const source = SETTING_SOURCES[name]
    const text = env[source.env]
    if (flags[name] !== undefined) {
      fixed[name] = readSettingText(name, flags[name], source.flag)
      fixedBy[name] = 'flag'
    } else if (text !== undefined && text.trim() !== '') {
      // An empty variable counts as not set: that is what container files pass on for one that is missing.
      fixed[name] = readSettingText(name, text, source.env)
      fixedBy[name] = 'environment'
    }
  }
  // Each value went through the schema of its name.
  return { fixed: fixed as Partial<Settings>, fixedBy }
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
