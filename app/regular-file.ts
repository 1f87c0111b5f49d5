import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { readFully } from './file-bytes.ts'

/** Should it become a pipe between look and opening, that returns at once. Windows has no such flag and no such pipes. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** What stands under a file's name is a folder, a pipe, a socket or a device. */
export class NotAFileError extends Error {
  override readonly name = 'NotAFileError'
  readonly code = 'NOT_A_FILE'
  readonly path: string

  constructor(path: string) {
    super(`not a regular file: ${path}`)
    this.path = path
  }
}

/**
 * Opens a file that somebody else may have put there, for reading: a pipe would hang, a device has no end. The caller closes it.
 * @throws {NotAFileError}, or what the system refuses with
 */
export async function openRegular(path: string): Promise<{ handle: FileHandle; stat: BigIntStats }> {
  // Looks before it opens: opening a device can have effects.
  if (!(await stat(path)).isFile()) throw new NotAFileError(path)
  const handle = await open(path, READ_ONLY)
  try {
    const opened = await handle.stat({ bigint: true })
    if (!opened.isFile()) throw new NotAFileError(path)
    return { handle, stat: opened }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** More than any file has that is read with `readSmallSync`. */
const MAX_SMALL_BYTES = 64 * 1024 * 1024

/** All of a small file, synchronously. @throws {NotAFileError} (also when it is far too large), or what the system refuses with */
export function readSmallSync(path: string): Buffer {
  if (!statSync(path).isFile()) throw new NotAFileError(path)
  const file = openSync(path, READ_ONLY)
  try {
    const opened = fstatSync(file)
    if (!opened.isFile() || opened.size > MAX_SMALL_BYTES) throw new NotAFileError(path)
    const bytes = Buffer.alloc(opened.size)
    let filled = 0
    while (filled < bytes.length) {
      const bytesRead = readSync(file, bytes, filled, bytes.length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    closeSync(file)
  }
}

/**
 * All of a small file, as `openRegular` opens it.
 * @returns undefined when it is larger than `maxBytes`
 */
export async function readSmall(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const { handle, stat: opened } = await openRegular(path)
  try {
    if (opened.size > maxBytes) return undefined
    const bytes = Buffer.alloc(Number(opened.size))
    return bytes.subarray(0, await readFully(handle, bytes, 0))
  } finally {
    await handle.close()
  }
}
