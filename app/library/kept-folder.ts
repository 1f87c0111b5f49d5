import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { flushFolder, moveAside, readFileIfThere, writeFileAtomic } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import { NotAFileError } from '../regular-file.ts'
import { isErrno, toFolderError } from './durable.ts'
import type { MediaFolder } from './media-folder.ts'

const KEPT = '.kept'
const WALLET = /^[0-9a-f]{32}$/
const MEDIA_ID = /^[0-9a-f]{64}$/
const NAME = /^(contacts|followed|[0-9a-f]{64})$/

/**
 * What wallets keep for themselves in the media folder: small sealed files, `.kept/<wallet>/<name>`, which outlive the database.
 * A name is `contacts` or `followed`, or the mediaId of the item that a key opens.
 */
export class KeptFolder {
  readonly #folder: Pick<MediaFolder, 'dir' | 'state' | 'offline'>

  constructor(folder: Pick<MediaFolder, 'dir' | 'state' | 'offline'>) {
    this.#folder = folder
  }

  /** @returns undefined when there is none @throws {AppError} `MEDIA_OFFLINE`, `UNAVAILABLE` */
  read(wallet: string, name: string): string | undefined {
    return this.#do(() => readFileIfThere(this.#path(wallet, name))?.toString('utf8'))
  }

  /** Of the items whose keys this wallet keeps. @throws {AppError} as `read` */
  mediaIds(wallet: string): string[] {
    return this.#do(() => readdirIfThere(path.join(this.#folder.dir, KEPT, wallet))).filter((name) =>
      MEDIA_ID.test(name),
    )
  }

  /** On the disk when this returns. @throws {AppError} `MEDIA_OFFLINE`, `MEDIA_READ_ONLY`, `DISK_FULL`, `UNAVAILABLE` */
  write(wallet: string, name: string, text: string): void {
    this.#do(() => writeFileAtomic(this.#path(wallet, name), text))
  }

  /** @throws {AppError} as `write` */
  remove(wallet: string, name: string): void {
    this.#do(() => removeFile(this.#path(wallet, name)))
  }

  /** Out of the way, kept beside it. @returns where it is now @throws {AppError} as `write` */
  moveAside(wallet: string, name: string, nowMs: number): string {
    return this.#do(() => moveAside(this.#path(wallet, name), nowMs))
  }

  #path(wallet: string, name: string): string {
    if (!WALLET.test(wallet) || !NAME.test(name)) throw new TypeError('not the name of something kept')
    return path.join(this.#folder.dir, KEPT, wallet, name)
  }

  #do<T>(work: () => T): T {
    if (this.#folder.state() === 'offline') throw this.#folder.offline()
    try {
      return work()
    } catch (error) {
      throw toKeptError(error)
    }
  }
}

/** What the file system refuses is no reason for anything else to stop; a bug stays a bug. */
function toKeptError(error: unknown): unknown {
  const known = toFolderError(error)
  const isRefusal = error instanceof NotAFileError || (error instanceof Error && 'errno' in error)
  if (known !== error || !isRefusal) return known
  return new AppError(
    'UNAVAILABLE',
    'What is kept for your wallet in the media folder can’t be read or written. Your items are untouched.',
    { hint: 'Look whether something else lies where “.kept” in the media folder should be.', cause: error },
  )
}

/** Forgets every wallet's key of an item that is thrown away for good, also in drafts that a crash has left. */
export function forgetKeys(mediaDir: string, mediaId: string): void {
  const dir = path.join(mediaDir, KEPT)
  for (const wallet of readdirIfThere(dir).filter((name) => WALLET.test(name))) {
    for (const name of readdirIfThere(path.join(dir, wallet)))
      if (name === mediaId || name.startsWith(`${mediaId}.`)) removeFile(path.join(dir, wallet, name))
  }
}

function readdirIfThere(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

function removeFile(file: string): void {
  try {
    rmSync(file, { recursive: true })
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return
    throw error
  }
  flushFolder(path.dirname(file))
}
