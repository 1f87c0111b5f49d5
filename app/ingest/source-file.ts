import type { BigIntStats } from 'node:fs'
import { realpath, stat, type FileHandle } from 'node:fs/promises'
import { readFully } from '../file-bytes.ts'
import { NotAFileError, openRegular } from '../regular-file.ts'
import { notAFile, sourceChanged, sourceEmpty, sourceError } from './fs-errors.ts'

/** A regular, non-empty file opened for reading, and how it was when it was opened. */
export interface SourceFile {
  readonly path: string
  /** `path` with every symbolic link followed. */
  readonly realPath: string
  readonly handle: FileHandle
  readonly stat: BigIntStats
  readonly sizeBytes: number
}

/**
 * Opens a file the user named.
 * @throws {AppError} `SOURCE_UNREADABLE`, `SOURCE_NOT_A_FILE` or `SOURCE_EMPTY`
 */
export async function openSource(path: string): Promise<SourceFile> {
  try {
    const realPath = await realpath(path)
    const { handle, stat: opened } = await openRegular(realPath)
    if (opened.size > 0n) return { path, realPath, handle, stat: opened, sizeBytes: Number(opened.size) }
    await handle.close()
    throw sourceEmpty(path)
  } catch (error) {
    throw error instanceof NotAFileError ? notAFile(path) : sourceError(error, path)
  }
}

/**
 * @throws {AppError} `SOURCE_CHANGED` when the bytes, or which file the path means, are not what they were at opening.
 *   A source that was removed after it had been opened is still whole.
 */
export async function assertUnchanged(source: SourceFile): Promise<void> {
  const now = await source.handle.stat({ bigint: true })
  if (!isSameContent(now, source.stat)) throw sourceChanged(source.path)
  const atPath = await stat(source.realPath, { bigint: true }).catch(() => null)
  if (atPath !== null && !isSameContent(atPath, source.stat)) throw sourceChanged(source.path)
}

export function isSameContent(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs
}

/** A `fill` for `pump` that must find every byte of the file from `start` on. */
export function fillFrom(
  source: Pick<SourceFile, 'handle' | 'path'>,
  start = 0,
): (target: Uint8Array) => Promise<number> {
  let position = start
  return async (target) => {
    try {
      const filled = await readFully(source.handle, target, position)
      if (filled < target.length) throw sourceChanged(source.path)
      position += filled
      return filled
    } catch (error) {
      throw sourceError(error, source.path)
    }
  }
}
