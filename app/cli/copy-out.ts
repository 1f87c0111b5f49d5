import { createHash, randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AppError } from '../contract/index.ts'
import { isErrno } from '../atomic-file.ts'

const BLOCK_BYTES = 1024 * 1024

/** The file that `--out` means: a folder gets the item under its own name. */
export function targetFor(out: string, name: string): string {
  const target = resolve(out)
  if (!isFolder(target)) return target
  // Whatever a stranger called it, it is one file in this very folder.
  const safe = basename(name.replaceAll(/[\\/:*?"<>|\p{Cc}\p{Cf}]/gu, '_')).slice(0, 200)
  return join(target, safe === '' || safe === '.' || safe === '..' ? 'media' : safe)
}

/**
 * Refuses a target that can't be written before anything is fetched for it.
 * @throws {AppError} `CONFLICT` when it exists, `BAD_REQUEST` when its folder does not
 */
export function checkTarget(out: string, isForced: boolean): void {
  const target = resolve(out)
  if (isFolder(target)) return
  if (!isFolder(dirname(target))) {
    throw new AppError('BAD_REQUEST', `The folder ${dirname(target)} does not exist.`, {
      hint: 'Make it first, or choose another.',
    })
  }
  if (!isForced && existsSync(target)) throw exists(target)
}

/**
 * Copies an item out of the media folder: written beside the target, verified, flushed, then given its name in one step.
 * @throws {AppError} `CONFLICT`, `HASH_MISMATCH`, `DISK_FULL`, `CANCELLED`
 */
export async function copyOut({
  source,
  target,
  sha256,
  isForced,
  signal,
}: {
  source: string
  target: string
  sha256: string
  isForced: boolean
  signal: AbortSignal
}): Promise<void> {
  if (!isForced && existsSync(target)) throw exists(target)
  const draft = join(dirname(target), `.${randomBytes(6).toString('hex')}.sower-part`)
  try {
    const found = await copyHashed(source, draft, signal)
    if (found !== sha256) {
      throw new AppError(
        'HASH_MISMATCH',
        'The stored bytes are not the ones that were asked for, so no file was written.',
        {
          hint: 'Run “sower scrub” to check the library.',
        },
      )
    }
    if (isForced) await rename(draft, target)
    else await placeNew(draft, target)
  } catch (error) {
    throw writeError(error, target)
  } finally {
    await rm(draft, { force: true })
  }
}

async function copyHashed(source: string, draft: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await using input = await open(source, 'r')
  await using output = await open(draft, 'wx', 0o666)
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  for (;;) {
    if (signal.aborted)
      throw new AppError('CANCELLED', 'Cancelled. The item is in the library; no file was written.')
    const { bytesRead } = await input.read(block, 0, BLOCK_BYTES)
    if (bytesRead === 0) break
    const bytes = block.subarray(0, bytesRead)
    hash.update(bytes)
    await output.writeFile(bytes)
  }
  await output.sync()
  return hash.digest('hex')
}

/** A link is refused where the name is taken; a rename would silently replace what came there meanwhile. */
async function placeNew(draft: string, target: string): Promise<void> {
  try {
    await link(draft, target)
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw exists(target)
    // File systems without hard links (FAT, some network drives).
    if (!isErrno(error, 'EPERM') && !isErrno(error, 'ENOTSUP') && !isErrno(error, 'ENOSYS')) throw error
    if (existsSync(target)) throw exists(target)
    await rename(draft, target)
  }
}

function writeError(error: unknown, target: string): unknown {
  if (error instanceof AppError) return error
  if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT')) {
    return new AppError('DISK_FULL', `There is no room for ${target}. The item is in the library.`, {
      cause: error,
    })
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOENT'].some((code) => isErrno(error, code))) {
    return new AppError('BAD_REQUEST', `${target} cannot be written. The item is in the library.`, {
      hint: 'Choose another place with --out.',
      cause: error,
    })
  }
  return error
}

function exists(target: string): AppError {
  return new AppError('CONFLICT', `${target} exists already and was left as it is.`, {
    hint: 'Choose another name, or add --force to replace it.',
  })
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
