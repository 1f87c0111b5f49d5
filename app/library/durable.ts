import fs from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../contract/index.ts'

/** Makes what was written to a file survive a power cut. An error means: treat the bytes as lost, never just try again. */
export async function syncFile(filePath: string): Promise<void> {
  const handle = await openForSync(filePath)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes renames and new names in a folder survive a power cut. Windows has no such call and needs none. */
export async function syncDir(dirPath: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.open(dirPath, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a whole file: under its name there is the old content or the new one, never a part. Syncs file and folder. */
export async function replaceFile(filePath: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${filePath}.tmp`
  await writeSynced(temporary, data)
  await fs.rename(temporary, filePath)
  await syncDir(path.dirname(filePath))
}

/**
 * Writes and syncs a new file whose folder nobody relies on yet (the caller syncs the folder). What lies under its name is
 * removed, never written to: it may be a link to elsewhere, or a pipe.
 */
export async function writeSynced(filePath: string, data: string | Uint8Array): Promise<void> {
  await fs.rm(filePath, { recursive: true, force: true })
  const handle = await fs.open(filePath, 'wx')
  try {
    await handle.writeFile(data)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function doesExist(filePath: string): Promise<boolean> {
  try {
    await fs.lstat(filePath)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/**
 * The one place where a file system's refusals in the media folder become sentences. Anything that is not one comes
 * back as it is (a bug stays a bug).
 */
export function toFolderError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) return diskFull(error)
  if (isErrno(error, 'EROFS', 'EACCES', 'EPERM')) {
    return new AppError(
      'MEDIA_READ_ONLY',
      'The media folder cannot be written to. What is in it stays available.',
      { hint: 'Check its permissions, or whether the drive is write-protected.', cause: error },
    )
  }
  if (isErrno(error, 'EIO', 'ENXIO', 'ENODEV')) {
    return new AppError(
      'UNAVAILABLE',
      'The drive of the media folder reported an error, so nothing was stored. What was stored before is untouched.',
      { hint: 'Check the drive, then try again.', cause: error },
    )
  }
  return error
}

export function diskFull(cause?: unknown): AppError {
  return new AppError(
    'DISK_FULL',
    'There is not enough space left in the media folder. Nothing was half-stored, and seeding goes on.',
    { hint: 'Free some space or choose another media folder, then try again.', cause },
  )
}

// Windows flushes only through a handle that may write; a hard-linked file may be read-only for us.
async function openForSync(filePath: string): Promise<fs.FileHandle> {
  try {
    return await fs.open(filePath, 'r+')
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ETXTBSY')) throw error
    return fs.open(filePath, 'r')
  }
}
