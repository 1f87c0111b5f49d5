import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Logger } from 'pino'
import { AppError } from './contract/index.ts'
import type { Log, LogFields } from './ports/log.ts'
import { redact } from './redact.ts'

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  readonly dataDir: string
  /** What goes to the file. @defaultValue 'info' */
  readonly level?: LogLevel
  /** What goes to standard error as well; left out: nothing. */
  readonly stderrLevel?: LogLevel | undefined
  /** @defaultValue 5 MiB */
  readonly maxFileBytes?: number
}

/**
 * The log of one process: JSON lines in `<dataDir>/logs/sower.log`, with three older files kept, everything through
 * `redact`. Lines are written at once, so the last ones before a crash are there.
 */
export function openLog({
  dataDir,
  level = 'info',
  stderrLevel,
  maxFileBytes = 5 * 1024 * 1024,
}: LogOptions): {
  log: Log
  close: () => void
} {
  const file = new RotatingFile(join(dataDir, 'logs'), maxFileBytes)
  const streams = [{ level, stream: file }]
  const toStderr = { write: (line: string) => void process.stderr.write(line) }
  const all = stderrLevel === undefined ? streams : [...streams, { level: stderrLevel, stream: toStderr }]
  const logger = pino(
    {
      level: lowest(level, stderrLevel ?? level),
      base: null,
      // redact() has already made plain objects of errors.
      serializers: { err: (value: unknown) => value },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.multistream(all),
  )
  return { log: toLog(logger), close: () => file.close() }
}

/**
 * The level named by SOWER_LOG_LEVEL or a flag.
 * @throws {AppError} `BAD_REQUEST`
 */
export function parseLogLevel(text: string, origin: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text.trim().toLowerCase())
  if (level !== undefined) return level
  throw new AppError('BAD_REQUEST', `${origin} cannot be “${text}”: it must be ${LOG_LEVELS.join(', ')}.`, {
    hint: `Correct ${origin}, or leave it out to use the default.`,
  })
}

function toLog(logger: Logger, root: Logger = logger): Log {
  const write = (level: LogLevel, event: string, fields: LogFields | undefined): void => {
    if (!logger.isLevelEnabled(level)) return
    logger[level](redact(fields ?? {}), event)
  }
  return {
    error: (event, fields) => write('error', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    info: (event, fields) => write('info', event, fields),
    debug: (event, fields) => write('debug', event, fields),
    // The innermost area alone: pino would write the key once per level.
    child: (area) => toLog(root.child({ area }), root),
  }
}

function lowest(a: LogLevel, b: LogLevel): LogLevel {
  return LOG_LEVELS.indexOf(a) > LOG_LEVELS.indexOf(b) ? a : b
}

const KEPT_FILES = 3

/** sower.log, and sower.log.1 (newer) to sower.log.3 (older). A log that can't be written never stops the node. */
class RotatingFile {
  readonly #folder: string
  readonly #maxBytes: number
  #handle: number | undefined
  #sizeBytes = 0

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder
    this.#maxBytes = maxBytes
    this.#open()
    if (this.#sizeBytes >= maxBytes) this.#rotate()
  }

  write(line: string): void {
    if (this.#handle === undefined) return
    try {
      const bytes = Buffer.from(line)
      if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > this.#maxBytes) this.#rotate()
      if (this.#handle !== undefined) this.#sizeBytes += writeSync(this.#handle, bytes)
    } catch {
      // A full disk must not take the node down; the next line tries again.
    }
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }

  #open(): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      this.#handle = openSync(this.#path(0), 'a', 0o600)
      this.#sizeBytes = fstatSync(this.#handle).size
    } catch {
      this.close()
    }
  }

  #rotate(): void {
    this.close()
    rmSync(this.#path(KEPT_FILES), { force: true })
    for (let age = KEPT_FILES - 1; age >= 0; age -= 1) {
      try {
        renameSync(this.#path(age), this.#path(age + 1))
      } catch {
        // There are fewer files than are kept.
      }
    }
    this.#open()
  }

  #path(age: number): string {
    return join(this.#folder, age === 0 ? 'sower.log' : `sower.log.${age}`)
  }
}
