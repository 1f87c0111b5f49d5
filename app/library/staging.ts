import fs from 'node:fs/promises'
import path from 'node:path'
import { isErrno } from './durable.ts'

/** Where one job's bytes arrive before they become an item. */
export interface StagingDir {
  readonly jobId: string
  readonly dir: string
  /** The file to write, ciphertext or not: `<MEDIA_DIR>/.incoming/<jobId>/original`. The commit gives it its name. */
  readonly bytes: string
  /** Removes it with everything in it. Idempotent; after a commit it does nothing. */
  discard(): Promise<void>
}

export interface StageOptions {
  /** Promised to this job until it is committed or discarded, so that two jobs can't count on the same room. */
  readonly expectedBytes?: number
}

interface StagingOptions {
  readonly dir: string
  /** Throws when that many more bytes (this job's and all promised ones) don't fit. */
  readonly requireRoom: (bytes: number) => void
}

const JOB_ID = /^[A-Za-z0-9_-]{1,64}$/

/** The `.incoming` folder: one folder per job, and the room promised to each. */
export class Staging {
  readonly #dir: string
  readonly #requireRoom: (bytes: number) => void
  readonly #promised = new Map<string, { readonly dir: StagingDir; readonly bytes: number }>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor({ dir, requireRoom }: StagingOptions) {
    this.#dir = dir
    this.#requireRoom = requireRoom
  }

  async open(jobId: string, { expectedBytes = 0 }: StageOptions): Promise<StagingDir> {
    if (!JOB_ID.test(jobId)) throw new TypeError('not a job id')
    const dir = path.join(this.#dir, jobId)
    const staging: StagingDir = {
      jobId,
      dir,
      bytes: path.join(dir, 'original'),
      discard: async () => {
        this.#promised.delete(jobId)
        await fs.rm(dir, { recursive: true, force: true })
      },
    }
    const opened = this.#turn.then(async () => {
      this.#promised.delete(jobId)
      const others = await this.#outstandingBytes()
      this.#requireRoom(Math.max(0, expectedBytes - (await storedBytes(staging.bytes))) + others)
      await fs.mkdir(dir, { recursive: true })
      await removeStrangers(dir)
      await takeBack(dir)
      if (expectedBytes > 0) this.#promised.set(jobId, { dir: staging, bytes: expectedBytes })
    })
    this.#turn = opened.catch(() => undefined)
    await opened
    return staging
  }

  async sweep(keepJobs: ReadonlySet<string>): Promise<number> {
    let removed = 0
    for (const name of await fs.readdir(this.#dir)) {
      if (keepJobs.has(name)) continue
      await fs.rm(path.join(this.#dir, name), { recursive: true, force: true })
      removed += 1
    }
    return removed
  }

  /** What was promised and has not arrived yet; what has arrived is already missing from the free space. */
  async #outstandingBytes(): Promise<number> {
    let sum = 0
    for (const [jobId, { dir, bytes }] of this.#promised) {
      const stored = await storedBytes(dir.bytes)
      if (stored === 0 && !(await isDir(dir.dir))) this.#promised.delete(jobId)
      else sum += Math.max(0, bytes - stored)
    }
    return sum
  }
}

/** Bytes go into files of ours alone: through a link they would go elsewhere, into a pipe nowhere. */
async function removeStrangers(dir: string): Promise<void> {
  for (const entry of await fs.readdir(dir, { withFileTypes: true })) {
    if (!entry.isFile()) await fs.rm(path.join(dir, entry.name), { recursive: true })
  }
}

/** A crash in the middle of a commit leaves ciphertext under the name it was to have. */
async function takeBack(dir: string): Promise<void> {
  try {
    await fs.rename(path.join(dir, 'encrypted'), path.join(dir, 'original'))
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

async function storedBytes(file: string): Promise<number> {
  try {
    const stats = await fs.lstat(file)
    // Blocks, not length: a download may have set the length long before the bytes are there.
    return stats.isFile() ? stats.blocks * 512 : 0
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return 0
    throw error
  }
}

async function isDir(dir: string): Promise<boolean> {
  try {
    return (await fs.stat(dir)).isDirectory()
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}
