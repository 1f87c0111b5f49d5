import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { chmod, link, lstat, open, rename, rm, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { flushFolder, isErrno } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import { writeFully } from '../file-bytes.ts'

/** Segments are small: a call for each would cost more than the writing. */
const WRITE_BYTES = 1024 * 1024
/** Never through a link that somebody put there in the meantime. */
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY

/** Where a copy is written until it is whole: beside its target, by a name that tells which job's it is. */
export function draftOf(target: string, jobId: string): string {
  return join(dirname(target), `.${jobId}.sower-part`)
}

/**
 * Refuses a target that can't be written before anything is decrypted for it.
 * @throws {AppError} `CONFLICT` when there is something and it is not to be replaced (a folder never is), `BAD_REQUEST`
 *   when its folder is not there or is inside `mediaDir`
 */
export async function checkTarget(target: string, isReplacing: boolean, mediaDir: string): Promise<void> {
  if (`${target}${sep}`.startsWith(`${mediaDir}${sep}`)) {
    throw new AppError('BAD_REQUEST', 'A copy can’t be saved inside the media folder.', {
      hint: 'Choose another folder.',
    })
  }
  const folder = await stat(dirname(target)).catch((error: unknown) => {
    throw targetError(error, target)
  })
  if (!folder.isDirectory()) throw noFolder(target)
  const present = await lstat(target).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw targetError(error, target)
  })
  if (present === undefined) return
  if (present.isDirectory()) {
    throw new AppError('CONFLICT', `${shown(target)} is a folder, so no file was saved under that name.`, {
      hint: 'Choose a name for the file.',
    })
  }
  if (!isReplacing) throw exists(target)
}

/** @throws {AppError} `DISK_FULL` when that many bytes don't fit beside the target */
export async function requireRoom(target: string, sizeBytes: number): Promise<void> {
  const disk = await statfs(dirname(target)).catch((error: unknown) => {
    throw targetError(error, target)
  })
  if (disk.bavail * disk.bsize < sizeBytes) throw diskFull(target)
}

interface DraftOptions {
  readonly draft: string
  /** What it is going to be. */
  readonly target: string
  /** Told of every chunk before it is written; waits while the job is paused, throws when it is cancelled. */
  readonly onChunk: (bytes: number) => Promise<void>
}

/**
 * Writes chunks into a file that only its user can read, and flushes it.
 * @returns sha256 of what was written, lowercase hex, and by what the file can be recognised
 */
export async function writeDraft(
  chunks: AsyncIterable<Uint8Array>,
  { draft, target, onChunk }: DraftOptions,
): Promise<{ sha256: string; identity: string }> {
  const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw targetError(error, target)
    }
  }
  const hash = createHash('sha256')
  await onDisk(() => rm(draft, { force: true }))
  await using output = await onDisk(() => open(draft, NEW_FILE, 0o600))
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let writtenBytes = 0
  const flush = async (): Promise<void> => {
    const blocks = waiting
    const position = writtenBytes
    writtenBytes += waitingBytes
    waiting = []
    waitingBytes = 0
    await onDisk(() => writeFully(output, blocks, position))
  }
  for await (const chunk of chunks) {
    await onChunk(chunk.length)
    hash.update(chunk)
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes >= WRITE_BYTES) await flush()
  }
  await flush()
  await onDisk(() => output.sync())
  return { sha256: hash.digest('hex'), identity: identityOf(await output.stat({ bigint: true })) }
}

/** Gives a whole draft its name, in one step, with the permissions of any new file. */
export async function placeDraft(draft: string, target: string, isReplacing: boolean): Promise<void> {
  try {
    await chmod(draft, 0o666 & ~process.umask())
    if (isReplacing) await rename(draft, target)
    else await placeNew(draft, target)
    await rm(draft, { force: true })
    flushFolder(dirname(target))
  } catch (error) {
    throw targetError(error, target)
  }
}

/** Whether the file of this identity is what stands at `target` already. */
export async function isPlaced(target: string, identity: string): Promise<boolean> {
  return lstat(target, { bigint: true }).then(
    (stats) => identityOf(stats) === identity,
    () => false,
  )
}

/** What the system refused on the side of the target, as a sentence; a bug stays a bug. */
function targetError(error: unknown, target: string): unknown {
  if (error instanceof AppError) return error
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].some((code) => isErrno(error, code))) return diskFull(target, error)
  if (['ENOENT', 'ENOTDIR'].some((code) => isErrno(error, code))) return noFolder(target, error)
  if (['EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'EINVAL'].some((code) => isErrno(error, code))) {
    return new AppError('BAD_REQUEST', `${shown(target)} can’t be written there. Nothing was saved.`, {
      hint: 'Choose another name or a folder you may write to.',
      cause: error,
    })
  }
  if (['EIO', 'ENXIO', 'ENODEV', 'ESTALE'].some((code) => isErrno(error, code))) {
    return new AppError(
      'BAD_REQUEST',
      `The drive of ${shown(target)} reported an error. Nothing was saved.`,
      {
        hint: 'Check the drive, or save it somewhere else.',
        cause: error,
      },
    )
  }
  return error
}

/** A link is refused where the name is taken; a rename would silently replace what came there meanwhile. */
async function placeNew(draft: string, target: string): Promise<void> {
  try {
    await link(draft, target)
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw exists(target)
    // File systems without hard links (FAT, some network drives).
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].some((code) => isErrno(error, code))) throw error
    if (await isThere(target)) throw exists(target)
    await rename(draft, target)
  }
}

function isThere(target: string): Promise<boolean> {
  return lstat(target).then(
    () => true,
    () => false,
  )
}

function identityOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`
}

function shown(target: string): string {
  return `“${basename(target)}”`
}

function exists(target: string): AppError {
  return new AppError('CONFLICT', `There is a file called ${shown(target)} already; it was left as it is.`, {
    hint: 'Choose another name, or say that it is to be replaced.',
  })
}

function noFolder(target: string, cause?: unknown): AppError {
  return new AppError('BAD_REQUEST', `The folder for ${shown(target)} is not there. Nothing was saved.`, {
    hint: 'Make it first, or choose another.',
    cause,
  })
}

function diskFull(target: string, cause?: unknown): AppError {
  return new AppError('DISK_FULL', `There is not enough space for ${shown(target)}. Nothing was saved.`, {
    hint: 'Free some space or choose another drive, then try again. The item is in the library as before.',
    cause,
  })
}
