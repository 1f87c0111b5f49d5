import fs from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { makeFolder } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { isErrno } from './durable.ts'
import { MIGRATIONS } from './migrations.ts'
import { timestampName } from './notices.ts'
import type { NoticeInput } from './notices.ts'
import { RoomReserve } from './room-reserve.ts'
import { WriteGroup } from './write-group.ts'

const CHECK_ALWAYS_BELOW_BYTES = 256 * 1024 * 1024
const KEPT_BACKUPS = 3
/** Where SQLite keeps `user_version` in a file's first page (its file format, 1.3). */
const USER_VERSION_OFFSET = 60
const MAGIC = Buffer.from('SQLite format 3\0')

/**
 * The engine's one database: an index of the media folder, which it can be made again from, and some things that are worth less
 * (`docs/formats.md` says what goes with it).
 */
export interface Db {
  readonly file: string
  readonly sql: Database.Database
  /** Compiled once, kept for the next time. */
  prepare(sql: string): Database.Statement
  /** A damaged database was moved aside; the library fills this one from the media folder. */
  readonly needsRebuild: boolean
  /** What opening it had to say to the user. */
  readonly notices: readonly NoticeInput[]
  /**
   * Runs `fn` in one transaction that is on the disk when this returns.
   * @throws {AppError} `DISK_FULL`, `DATABASE_CORRUPT`, `UNAVAILABLE`
   */
  write<T>(fn: () => T): T
  /**
   * The same for what makes room, or undoes that: on a full disk it takes the room that was kept for it.
   * @throws {AppError} as `write`
   */
  writeAnyway<T>(fn: () => T): T
  /** Keeps room for `writeAnyway`, if none is kept yet and there is plenty. */
  keepRoom(): void
  /**
   * The same for work that may wait a moment: everything asked for in the same turn goes to the disk with one flush, each
   * whole or not at all.
   */
  writeTogether<T>(fn: () => T): Promise<T>
  getMeta(key: string): string | undefined
  /** `null` takes it away. */
  setMeta(key: string, value: string | null): void
  /** Idempotent. */
  close(): void
}

interface DbOptions {
  readonly log: Log
  readonly clock: Clock
  /** How long to wait for another program that holds the database. */
  readonly busyTimeoutMs?: number
  /** For tests of upgrades. */
  readonly migrations?: readonly string[]
}

/**
 * Opens the database, makes it when there is none, brings it to the current version (with a copy beside it first), and
 * moves a damaged one aside.
 * @throws {AppError} `DATABASE_NEWER` (nothing written), `DISK_FULL`, `UNAVAILABLE`
 */
export function openDatabase(file: string, options: DbOptions): Db {
  const { log, clock, migrations = MIGRATIONS } = options
  const notices: NoticeInput[] = []
  let sql: Database.Database
  try {
    makeFolder(path.dirname(file))
    removeLeftovers(file)
    refuseNewer(readUserVersion(file), migrations.length)
    // A start that was killed while it replaced a damaged database leaves only the damaged one.
    if (!fs.existsSync(file)) createFresh(file, options, migrations, wasMovedAside(file))
    try {
      sql = openChecked(file, options)
    } catch (error) {
      if (!isCorruption(error)) throw error
      const movedTo = moveAside(file, clock)
      log.error('database.damaged', { movedTo, reason: String(error) })
      notices.push({
        level: 'warning',
        code: 'DATABASE_CORRUPT',
        message:
          'The database was damaged. It was moved aside and is being made again from the media folder: items, keys, contacts and whom you follow come back, counters and unfinished transfers do not.',
        hint: `Nothing in the media folder was touched. The damaged file is kept as ${movedTo}.`,
      })
      createFresh(file, options, migrations, true)
      sql = openChecked(file, options)
    }
    upgrade(sql, file, options, migrations)
  } catch (error) {
    throw toDatabaseError(error)
  }
  return makeDb(file, sql, notices)
}

function makeDb(file: string, sql: Database.Database, notices: readonly NoticeInput[]): Db {
  const readMeta = sql.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?')
  const writeMeta = sql.prepare<[string, string]>('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
  const dropMeta = sql.prepare<[string]>('DELETE FROM meta WHERE key = ?')
  const write = <T>(fn: () => T): T => {
    try {
      return sql.inTransaction ? fn() : sql.transaction(fn).immediate()
    } catch (error) {
      throw toDatabaseError(error)
    }
  }
  const room = new RoomReserve(`${file}.reserve`)
  const writeAnyway = <T>(fn: () => T): T => {
    if (sql.inTransaction) return fn()
    for (const makeRoom of [() => emptyLog(sql), () => room.giveUp()]) {
      try {
        return write(fn)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'DISK_FULL' || !makeRoom()) throw error
      }
    }
    return write(fn)
  }
  const statements = new Map<string, Database.Statement>()
  const together = new WriteGroup(sql, write, toDatabaseError)
  return {
    file,
    sql,
    notices,
    prepare: (text) => {
      const statement = statements.get(text) ?? sql.prepare(text)
      statements.set(text, statement)
      return statement
    },
    writeTogether: (fn) => together.add(fn),
    get needsRebuild() {
      return readMeta.get('needs_rebuild') !== undefined
    },
    write,
    writeAnyway,
    keepRoom: () => room.keep(),
    getMeta: (key) => readMeta.get(key)?.value,
    setMeta: (key, value) => {
      write(() => (value === null ? dropMeta.run(key) : writeMeta.run(key, value)))
    },
    close: () => {
      if (sql.open) sql.close()
    },
  }
}

/** Has what is in the log written into the database, so that the log may begin anew in the room it has. Waits for nobody. */
function emptyLog(sql: Database.Database): true {
  try {
    sql.pragma('wal_checkpoint(PASSIVE)')
  } catch {
    // A full disk may keep it from that, too; whoever asked tries the next thing.
  }
  return true
}

/** The one place where SQLite's refusals become sentences. */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof Database.SqliteError) {
    if (error.code.startsWith('SQLITE_FULL')) {
      return new AppError('DISK_FULL', 'The disk of the data folder is full. Nothing was half-stored.', {
        hint: 'Free some space, then try again.',
        cause: error,
      })
    }
    if (isCorruption(error)) {
      return new AppError('DATABASE_CORRUPT', 'The database is damaged. Your media are untouched.', {
        hint: 'Start Sower again: it makes the database anew from the media folder.',
        cause: error,
      })
    }
    if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) {
      return unavailable('Another program is holding the database of this data folder.', error)
    }
    if (/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM|NOLFS|PROTOCOL|AUTH)/.test(error.code)) {
      return unavailable('The database in the data folder cannot be read or written.', error)
    }
  }
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return new AppError('DISK_FULL', 'The disk of the data folder is full.', { cause: error })
  }
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'EIO', 'ENOTDIR', 'EISDIR')) {
    return unavailable('The data folder cannot be read or written.', error)
  }
  return error
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('UNAVAILABLE', `${message} Your media are untouched.`, {
    hint: 'Check the permissions of the data folder and its drive, then try again.',
    cause,
  })
}

function isCorruption(error: unknown): boolean {
  if (error instanceof DamagedFile) return true
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
}

class DamagedFile extends Error {}

function refuseNewer(version: number | undefined, known: number): void {
  if (version === undefined || version <= known) return
  throw new AppError(
    'DATABASE_NEWER',
    'The database was made by a newer version of Sower, so this one leaves it alone. Nothing was changed.',
    { hint: 'Install the newer version again, or start with another data folder.', details: { version } },
  )
}

/** From the file's header, without SQLite, so that a newer database is not even locked. */
function readUserVersion(file: string): number | undefined {
  let fd: number
  try {
    fd = fs.openSync(file, 'r')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const header = Buffer.alloc(100)
    const length = fs.readSync(fd, header, 0, 100, 0)
    if (length < 100 || !header.subarray(0, 16).equals(MAGIC)) return undefined
    return header.readUInt32BE(USER_VERSION_OFFSET)
  } finally {
    fs.closeSync(fd)
  }
}

/** Under a name of its own until it is complete: an empty file under the real name always means damage. */
function createFresh(
  file: string,
  options: DbOptions,
  migrations: readonly string[],
  isRebuild: boolean,
): void {
  const temporary = `${file}.new`
  const sql = new Database(temporary, { timeout: 0 })
  try {
    sql.pragma('journal_mode = DELETE')
    sql.pragma('synchronous = FULL')
    runMigrations(sql, migrations)
    if (isRebuild) {
      sql
        .prepare('INSERT INTO meta (key, value) VALUES (?, ?)')
        .run('needs_rebuild', String(options.clock.nowMs()))
    }
  } finally {
    sql.close()
  }
  // Left by a database that somebody deleted without its companions; SQLite would read them into the new one.
  for (const suffix of ['-wal', '-shm']) fs.rmSync(file + suffix, { force: true })
  fs.renameSync(temporary, file)
  syncDirSync(path.dirname(file))
}

function openChecked(file: string, options: DbOptions): Database.Database {
  const { size } = fs.statSync(file)
  if (size === 0) throw new DamagedFile('the file is empty')
  const wasStoppedCleanly = !fs.existsSync(`${file}-wal`)
  const sql = new Database(file, { fileMustExist: true, timeout: options.busyTimeoutMs ?? 5000 })
  try {
    sql.pragma('journal_mode = WAL')
    sql.pragma('synchronous = FULL')
    sql.pragma('foreign_keys = ON')
    sql.pragma('journal_size_limit = 67108864')
    if (!wasStoppedCleanly || size < CHECK_ALWAYS_BELOW_BYTES) {
      const verdict: unknown = sql.pragma('quick_check(1)', { simple: true })
      if (verdict !== 'ok') throw new DamagedFile(String(verdict))
    }
    const version = userVersion(sql)
    if (version === 0) throw new DamagedFile('it holds no tables of ours')
    return sql
  } catch (error) {
    sql.close()
    throw error
  }
}

function upgrade(
  sql: Database.Database,
  file: string,
  options: DbOptions,
  migrations: readonly string[],
): void {
  try {
    const version = userVersion(sql)
    refuseNewer(version, migrations.length)
    if (version === migrations.length) return
    const backup = `${file}.before-v${migrations.length}-${timestampName(options.clock.nowMs())}`
    sql.prepare('VACUUM INTO ?').run(`${backup}.tmp`)
    fs.renameSync(`${backup}.tmp`, backup)
    dropOldBackups(file)
    runMigrations(sql, migrations)
    // So that the header in the file itself tells the new version to whoever reads it without the log.
    sql.pragma('wal_checkpoint(TRUNCATE)')
    options.log.info('database.upgraded', { from: version, to: migrations.length })
  } catch (error) {
    sql.close()
    throw error
  }
}

function runMigrations(sql: Database.Database, migrations: readonly string[]): void {
  for (const [index, migration] of migrations.entries()) {
    if (index < userVersion(sql)) continue
    sql
      .transaction(() => {
        sql.exec(migration)
        sql.pragma(`user_version = ${index + 1}`)
      })
      .immediate()
  }
}

function userVersion(sql: Database.Database): number {
  return Number(sql.pragma('user_version', { simple: true }))
}

/** The log goes first: a crash in between must not leave it to be read into another database. */
function moveAside(file: string, clock: Clock): string {
  const movedTo = `${file}.damaged-${timestampName(clock.nowMs())}`
  for (const suffix of ['-wal', '-shm', '']) {
    try {
      fs.renameSync(file + suffix, movedTo + suffix)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }
  syncDirSync(path.dirname(file))
  return movedTo
}

function wasMovedAside(file: string): boolean {
  const prefix = `${path.basename(file)}.damaged-`
  return fs.readdirSync(path.dirname(file)).some((name) => name.startsWith(prefix))
}

function dropOldBackups(file: string): void {
  const dir = path.dirname(file)
  const backups = fs
    .readdirSync(dir)
    .filter((name) => name.startsWith(`${path.basename(file)}.before-v`) && !name.endsWith('.tmp'))
    .toSorted((a, b) => fs.statSync(path.join(dir, a)).mtimeMs - fs.statSync(path.join(dir, b)).mtimeMs)
  for (const name of backups.slice(0, -KEPT_BACKUPS)) fs.rmSync(path.join(dir, name))
}

/** Half-made files of a start that was killed. */
function removeLeftovers(file: string): void {
  const dir = path.dirname(file)
  const base = path.basename(file)
  for (const name of fs.readdirSync(dir)) {
    const isOurs =
      name.startsWith(`${base}.new`) || (name.startsWith(`${base}.before-v`) && name.endsWith('.tmp'))
    if (isOurs) fs.rmSync(path.join(dir, name), { force: true })
  }
}

function syncDirSync(dir: string): void {
  if (process.platform === 'win32') return
  const fd = fs.openSync(dir, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
