import fs from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { makeFolder } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import { toDatabaseError } from './db.ts'

/**
 * Makes this process the only node of a data folder. The lock is the operating system's (SQLite's exclusive lock on
 * `lock.db`), so one left by a process that was killed does not exist; `lock.pid` only names the holder.
 * @throws {AppError} `NODE_ALREADY_RUNNING` with `details.pid` when known; `UNAVAILABLE` when the folder can't be written
 */
export function lockDataDir(dataDir: string): { release(): void } {
  const pidFile = path.join(dataDir, 'lock.pid')
  const lockFile = path.join(dataDir, 'lock.db')
  let lock: Database.Database | undefined
  try {
    makeFolder(dataDir)
    lock = takeLock(lockFile)
    fs.writeFileSync(pidFile, `${process.pid}\n`)
  } catch (error) {
    lock?.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw alreadyRunning(readPid(pidFile), error)
    }
    throw toDatabaseError(error)
  }
  const held = lock
  return {
    release: () => {
      if (!held.open) return
      fs.rmSync(pidFile, { force: true })
      held.close()
    },
  }
}

function takeLock(lockFile: string): Database.Database {
  try {
    return beginExclusive(lockFile)
  } catch (error) {
    const isGarbage = error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)
    if (!isGarbage) throw error
    // Its content means nothing, and nobody holds it: a holder would have made us wait instead.
    fs.truncateSync(lockFile)
    return beginExclusive(lockFile)
  }
}

function beginExclusive(lockFile: string): Database.Database {
  const lock = new Database(lockFile, { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(fs.readFileSync(pidFile, 'utf8'), 10)
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    // The other process has the lock but has not written its number yet.
    return undefined
  }
}

function alreadyRunning(pid: number | undefined, cause: unknown): AppError {
  const who = pid === undefined ? '' : ` (process ${pid})`
  return new AppError('NODE_ALREADY_RUNNING', `Sower is already running with this data folder${who}.`, {
    hint: 'Use the one that is running, stop it first, or start with another data folder.',
    ...(pid === undefined ? {} : { details: { pid } }),
    cause,
  })
}
