import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder, writeFileAtomic } from './atomic-file.ts'
import { Closers, stoppedMeanwhile } from './closing.ts'
import { defaultDataDir, loadSettings } from './config.ts'
import type { SettingsStore } from './config.ts'
import { AppError } from './contract/index.ts'
import type {
  EngineAddresses,
  EngineEventName,
  EngineEventPayload,
  EngineHandlers,
  EngineStartOptions,
  Notice,
} from './contract/index.ts'
import { keepMemoryOutOfCoreDumps } from './core-dump.ts'
import { EngineParts } from './engine-parts.ts'
import { lockDataDir } from './library/index.ts'
import { openLog, parseLogLevel } from './log.ts'
import type { LogLevel } from './log.ts'
import { silentLog } from './ports/log.ts'
import type { Log } from './ports/log.ts'
import { oipSecretFrom } from './vault/index.ts'
import type { Keychain, PassphraseSource } from './vault/index.ts'

export interface EngineOptions extends EngineStartOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** @defaultValue the operating system's */
  readonly keychain?: Keychain
  readonly passphrase?: PassphraseSource
  /** Lives for one command: takes part in the network only once something is asked of it. */
  readonly isBrief?: boolean
  /** How often the last net of its process has held. @defaultValue it has none */
  readonly unheardErrors?: () => number
  /** What of the log also goes to standard error. */
  readonly stderrLevel?: LogLevel
}

/** More than its parts take together. */
const STOP_MS = 10_000

/**
 * A whole node: `start()` makes every part and wires them, `stop()` ends them in reverse order. The same class runs under the
 * window, under `sower serve` and for the length of one command.
 */
export class Engine {
  readonly dataDir: string
  readonly #options: EngineOptions
  #log: Log = silentLog
  #parts: EngineParts | undefined
  readonly #closers = new Closers(() => this.#log, STOP_MS)
  /** Listeners that came before there was anything to listen to. */
  readonly #early: (() => void)[] = []

  constructor(options: EngineOptions) {
    this.#options = options
    this.dataDir = options.dataDir === null ? defaultDataDir(options.env) : resolve(options.dataDir)
  }

  /** Goes nowhere until the data folder is ours. */
  get log(): Log {
    return this.#log
  }

  /** @throws {AppError} `UNAVAILABLE` before `start()` and after `stop()` */
  get handlers(): EngineHandlers {
    if (!this.#parts || this.#closers.isClosing)
      throw new AppError('UNAVAILABLE', 'The engine is not running. Your media on disk are safe.')
    return this.#parts.handlers
  }

  /** @returns stops listening */
  on<N extends EngineEventName>(name: N, listener: (payload: EngineEventPayload<N>) => void): () => void {
    if (this.#parts) return this.#parts.events.on(name, listener)
    let off: (() => void) | undefined
    let isOff = false
    this.#early.push(() => {
      if (!isOff) off = this.#parts?.events.on(name, listener)
    })
    return () => {
      isOff = true
      off?.()
    }
  }

  /**
   * Starts every part; when one fails, those already started are stopped again.
   * @throws {AppError} `CANCELLED` when it is stopped meanwhile; `NODE_ALREADY_RUNNING`, `BAD_REQUEST` (a setting), `PORT_IN_USE`, `DATABASE_NEWER`, `MEDIA_*`, `DISK_FULL`,
   * `UNAVAILABLE` (a file of the data folder can't be used)
   */
  async start(): Promise<EngineAddresses> {
    try {
      return await this.#start()
    } catch (error) {
      // What a part says whose others are being stopped around it is not why.
      const cause = this.#closers.isClosing ? stoppedMeanwhile(error) : toStartError(error)
      await this.stop()
      throw cause
    }
  }

  /** Stops what was started, last first. Idempotent; never throws. */
  async stop(): Promise<void> {
    await this.#closers.close()
    this.#parts = undefined
  }

  async #start(): Promise<EngineAddresses> {
    const { env, flags, mode } = this.#options
    keepMemoryOutOfCoreDumps()
    makeDataDir(this.dataDir)
    const lock = lockDataDir(this.dataDir)
    this.#closers.add(() => lock.release())
    const level = env['SOWER_LOG_LEVEL']
    const { log, close } = openLog({
      dataDir: this.dataDir,
      stderrLevel: this.#options.stderrLevel,
      ...(level === undefined || level === '' ? {} : { level: parseLogLevel(level, 'SOWER_LOG_LEVEL') }),
    })
    this.#closers.add(close)
    this.#log = log
    const settings: SettingsStore = loadSettings({ dataDir: this.dataDir, flags, env })
    if (this.#options.changes !== undefined) settings.set(this.#options.changes)
    const notices: Notice[] = [...settings.notices]
    const parts = new EngineParts({
      dataDir: this.dataDir,
      settings,
      mode,
      notices,
      log,
      rendererDir: findRenderer(),
      isBrief: this.#options.isBrief ?? false,
      unheardErrors: this.#options.unheardErrors ?? (() => 0),
      oipSecret: oipSecretFrom(env),
      ...(this.#options.keychain === undefined ? {} : { keychain: this.#options.keychain }),
      ...(this.#options.passphrase === undefined ? {} : { passphrase: this.#options.passphrase }),
    })
    this.#closers.add(() => parts.stop())
    const addresses = await parts.start()
    this.#parts = parts
    for (const listen of this.#early.splice(0)) listen()
    this.#publishAddresses(addresses)
    log.info('engine.started', { url: addresses.url, peerPort: addresses.peerPort, nodeId: addresses.nodeId })
    return addresses
  }

  /** So that the command line finds the running node; the token is in a file of its own that only the user can read. */
  #publishAddresses({ url, controlUrl, peerPort, nodeId }: EngineAddresses): void {
    const file = join(this.dataDir, 'node.json')
    writeFileAtomic(file, `${JSON.stringify({ pid: process.pid, url, controlUrl, peerPort, nodeId })}\n`)
    this.#closers.add(() => rmSync(file, { force: true }))
  }
}

function makeDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir, 0o700)
  } catch (error) {
    throw new AppError('BAD_REQUEST', `The data folder ${dataDir} can’t be made.`, {
      hint: 'Choose another one with --data-dir or SOWER_DATA_DIR.',
      cause: error,
    })
  }
}

const REFUSALS = 'EACCES EPERM EROFS EISDIR ENOTDIR EIO ELOOP EMFILE ENFILE NOT_A_FILE'.split(' ')

/** What the operating system refuses at the start, as a sentence that names the file; a bug stays a bug. */
function toStartError(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error
  const { code = '', path } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('DISK_FULL', 'The disk of the data folder is full, so Sower did not start.', {
      hint: 'Free some space, then start it again. Your media are untouched.',
      cause: error,
    })
  }
  if (!REFUSALS.includes(code)) return error
  const what = path === undefined ? 'A file of the data folder' : `“${path}”`
  return new AppError('UNAVAILABLE', `${what} can’t be used (${code}), so Sower did not start.`, {
    hint: 'Check what it is and who may read and write it, then start Sower again. Your media are untouched.',
    cause: error,
  })
}

/** The built page lies beside the built engine, or in `out/` of a checkout; a node without it has no web page. */
function findRenderer(): string | undefined {
  const places = ['../renderer', '../out/renderer'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  )
  return places.find((place) => existsSync(join(place, 'index.html')) && !existsSync(join(place, 'main.tsx')))
}
