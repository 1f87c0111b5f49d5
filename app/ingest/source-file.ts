import { constants, type BigIntStats } from 'node:fs'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
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
 * Opens a file the user named. Looks before it opens: a pipe would hang, and opening a device can have effects.
 * @throws {AppError} `SOURCE_UNREADABLE`, `SOURCE_NOT_A_FILE` or `SOURCE_EMPTY`
 */
export async function openSource(path: string): Promise<SourceFile> {
  let handle: FileHandle | undefined
  try {
    const realPath = await realpath(path)
    if (!(await stat(realPath)).isFile()) throw notAFile(path)
    // O_NONBLOCK: should it have become a pipe since, opening returns at once. Windows has no such flag and no such pipes.
    handle = await open(realPath, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const opened = await handle.stat({ bigint: true })
    if (!opened.isFile()) throw notAFile(path)
    if (opened.size === 0n) throw sourceEmpty(path)
    return { path, realPath, handle, stat: opened, sizeBytes: Number(opened.size) }
  } catch (error) {
    await handle?.close()
    throw sourceError(error, path)
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

/** Fills `target` from `position` on; fewer bytes only at the end of the file. */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
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
