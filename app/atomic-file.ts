import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { readSmallSync } from './regular-file.ts'

/**
 * Replaces a small file so that a crash leaves either the old content or the new one: written beside it, flushed, renamed,
 * folder flushed. Synchronous.
 * @param mode permissions of the new file; 0o600 for secrets
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o600): void {
  const folder = dirname(path)
  makeFolder(folder, 0o700)
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
  try {
    const file = openSync(draft, 'wx', mode)
    try {
      let written = 0
      while (written < bytes.length) written += writeSync(file, bytes, written)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  flushFolder(folder)
}

/** Makes a folder, with those above it, that survives a power cut: a name that is new is in the folder above. Synchronous. */
export function makeFolder(folder: string, mode = 0o777): void {
  const first = mkdirSync(folder, { recursive: true, mode })
  if (first === undefined) return
  const highest = dirname(resolve(first))
  for (let above = dirname(resolve(folder)); ; above = dirname(above)) {
    try {
      flushFolder(above)
    } catch (error) {
      // One that may not be read (or of a file system that has no such call) can't be flushed, and serves all the same.
      if (!['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP'].some((code) => isErrno(error, code))) throw error
    }
    if (above === highest || above === dirname(above)) return
  }
}

/**
 * The bytes of a small file, or undefined when there is no such file (nor the folder it would be in).
 * @throws {NotAFileError}, or what the system refuses with
 */
export function readFileIfThere(path: string): Buffer | undefined {
  try {
    return readSmallSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}

/**
 * Takes a damaged file out of the way without losing it.
 * @returns where it is now
 */
export function moveAside(path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')
  const target = `${path}.damaged-${stamp}-${randomBytes(2).toString('hex')}`
  renameSync(path, target)
  flushFolder(dirname(path))
  return target
}

/** Whether `error` is the operating system's `code` (`ENOENT`, `EACCES`, …). */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Makes renames and new names in a folder survive a power cut. Synchronous. */
export function flushFolder(folder: string): void {
  // Windows cannot open a folder for flushing, and keeps renames in order by itself.
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
