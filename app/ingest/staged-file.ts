import { constants } from 'node:fs'
import { chmod, copyFile, link, open, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { skip, writeFully } from '../file-bytes.ts'
import { errno, targetError, sourceChanged } from './fs-errors.ts'
import type { HashPool } from './hash-pool.ts'
import { assertUnchanged, type SourceFile } from './source-file.ts'

/** Of these, what is a trait of the two volumes and need not be tried with every file. */
const NEVER_CLONES = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV'])

/** The media folder's bytes are nobody else's on this machine until they are shared. */
const FILE_MODE = 0o600

/** What a file system answers when it cannot share blocks or link; the bytes are then copied. */
const CANNOT_SHARE = new Set([
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'ENOTTY',
  'EXDEV',
  'EPERM',
  'EACCES',
  'EMLINK',
  'ETXTBSY',
  'EBADF',
])

/** From this size on the bytes go past the page cache where the system lets them. */
const DIRECT_FROM_BYTES = 16 * 1024 * 1024
/** Direct writes come in multiples of the device's block; this covers every usual one. */
const DIRECT_ALIGNMENT = 4096

interface StagedOptions {
  /** What is expected to be written. */
  readonly sizeBytes: number
  readonly onWritten?: (bytes: number) => void
}

/**
 * A new file in the staging folder whose bytes are written in order. Large ones are written past the page cache
 * (O_DIRECT): filling the cache costs as much as both hashes together, and the fsync that follows has nothing left to do.
 */
export class StagedFile {
  readonly #path: string
  readonly #onWritten: ((bytes: number) => void) | undefined
  #handle: FileHandle
  #isDirect: boolean
  #position = 0

  private constructor(path: string, options: StagedOptions, handle: FileHandle, isDirect: boolean) {
    this.#path = path
    this.#onWritten = options.onWritten
    this.#handle = handle
    this.#isDirect = isDirect
  }

  /**
   * What an earlier run left at `path` is unlinked first, never truncated: it may be a hard link to the user's own file.
   * @throws {AppError} `MEDIA_READ_ONLY`, `MEDIA_OFFLINE` or `DISK_FULL`
   */
  static async create(path: string, options: StagedOptions): Promise<StagedFile> {
    try {
      const handle = await openNew(path)
      const direct = options.sizeBytes >= DIRECT_FROM_BYTES ? await openDirect(path) : null
      if (direct === null) return new StagedFile(path, options, handle, false)
      await handle.close()
      return new StagedFile(path, options, direct, true)
    } catch (error) {
      throw targetError(error)
    }
  }

  /**
   * Appends `blocks`, in one call to the system where it takes them.
   * @throws {AppError} as `create` does
   */
  async write(blocks: readonly Uint8Array[]): Promise<void> {
    try {
      if (this.#isDirect) await this.#writeDirect(blocks)
      else await this.#writeAll(blocks)
    } catch (error) {
      throw targetError(error)
    }
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close()
    } catch (error) {
      throw targetError(error)
    }
  }

  async #writeDirect(blocks: readonly Uint8Array[]): Promise<void> {
    const endsAligned = blocks.every((block) => block.length % DIRECT_ALIGNMENT === 0)
    const startedAt = this.#position
    if (endsAligned) {
      try {
        return await this.#writeAll(blocks)
      } catch (error) {
        // Some devices ask for more than 4,096, some network file systems for things nobody can know; and what is left
        // after a short write near a full disk is not aligned.
        if (errno(error) !== 'EINVAL') throw error
      }
    }
    const direct = this.#handle
    this.#handle = await open(this.#path, 'r+')
    this.#isDirect = false
    await direct.close()
    await this.#writeAll(skip(blocks, this.#position - startedAt))
  }

  async #writeAll(blocks: readonly Uint8Array[]): Promise<void> {
    await writeFully(this.#handle, blocks, this.#position, (bytes) => {
      this.#position += bytes
      this.#onWritten?.(bytes)
    })
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', FILE_MODE)
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
    await rm(path)
    return open(path, 'wx', FILE_MODE)
  }
}

async function openDirect(path: string): Promise<FileHandle | null> {
  if (process.platform !== 'linux') return null
  return open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => null)
}

/**
 * A copy that shares the source's blocks (FICLONE, clonefile), without writing a byte.
 * @returns false when the file system can't
 * @throws {AppError} `SOURCE_CHANGED` when the source was written to meanwhile
 */
export async function cloneInto(pool: HashPool, source: SourceFile, path: string): Promise<boolean> {
  const volumes = `${source.stat.dev} ${(await stat(dirname(path)).catch(rethrowTarget)).dev}`
  if (pool.volumesThatCannotClone.has(volumes)) return false
  try {
    await rm(path, { force: true })
    await copyFile(source.realPath, path, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
  } catch (error) {
    await removeStaged(path)
    const code = errno(error) ?? ''
    if (NEVER_CLONES.has(code)) pool.volumesThatCannotClone.add(volumes)
    if (CANNOT_SHARE.has(code)) return false
    throw targetError(error)
  }
  await assertUnchanged(source)
  const clone = await stat(path, { bigint: true })
  if (clone.size !== source.stat.size) throw sourceChanged(source.path)
  await chmod(path, FILE_MODE)
  return true
}

/**
 * A second name for the very same file.
 * @returns false when the file system can't, or it lies on another volume
 */
export async function linkInto(source: SourceFile, path: string): Promise<boolean> {
  try {
    await rm(path, { force: true })
    await link(source.realPath, path)
  } catch (error) {
    if (CANNOT_SHARE.has(errno(error) ?? '')) return false
    throw targetError(error)
  }
  const linked = await stat(path, { bigint: true })
  if (linked.ino !== source.stat.ino || linked.dev !== source.stat.dev) throw sourceChanged(source.path)
  return true
}

function rethrowTarget(error: unknown): never {
  throw targetError(error)
}

/** Leaves nothing behind; a failure to do so must not hide why. */
export async function removeStaged(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined)
}
