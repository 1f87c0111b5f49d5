import fs from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import type { Protection } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { diskFull, doesExist, isErrno, replaceFile, syncDir, toFolderError } from './durable.ts'
import { timestampName } from './notices.ts'
import { Staging } from './staging.ts'
import type { StageOptions, StagingDir } from './staging.ts'

/** What the media folder allows right now; `offline` = its drive is away: nothing is touched, nothing counts as lost. */
export type MediaFolderState = 'ok' | 'offline' | 'read-only' | 'low-space'

/** Where everything of one item lives. Its bytes are under one of two names: see `bytesPath`. */
export interface ItemPaths {
  readonly dir: string
  /** The bytes as they were added. */
  readonly original: string
  /** Ciphertext. */
  readonly encrypted: string
  readonly manifest: string
  readonly manifests: string
  readonly metainfo: string
}

interface MediaFolderOptions {
  /** Absolute path. */
  readonly dir: string
  readonly log: Log
  readonly clock: Clock
  /** Nothing is added when the volume would have less than this free. @defaultValue 0 */
  readonly reserveBytes?: number
  /** How often to look whether a drive went or came back. @defaultValue 5000 */
  readonly pollIntervalMs?: number
}

interface OpenOptions {
  /** The database knows items of this folder: without its marker it is an empty mount point, not a new folder. */
  readonly isMarkerExpected?: boolean
  /** Staging folders of jobs that go on; all others are removed, once. Without it none are. */
  readonly keepJobs?: ReadonlySet<string>
}

const MARKER = '.sower-media'
const MARKER_TEXT =
  'Sower keeps media in this folder. This file tells it that the right drive is there: please leave it.\n'
const INCOMING = '.incoming'
const TRASH = '.trash'
const DAMAGED = '.damaged'
const MEDIA_ID = /^[0-9a-f]{64}$/

/** The media folder on disk: where things are, whether it is there and writable, and room for what arrives. */
export class MediaFolder {
  readonly dir: string
  readonly #log: Log
  readonly #clock: Clock
  readonly #pollIntervalMs: number
  readonly #staging: Staging
  readonly #listeners = new Set<(state: MediaFolderState, hasReturned: boolean) => void>()
  #reserveBytes: number
  #state: MediaFolderState = 'offline'
  #freeBytes: number | undefined
  #isPrepared = false
  #isSwept = false
  #keepJobs: ReadonlySet<string> | undefined
  #markerId: string | undefined
  #timer: NodeJS.Timeout | undefined
  #refreshing: Promise<MediaFolderState> | undefined

  constructor(options: MediaFolderOptions) {
    this.dir = path.resolve(options.dir)
    this.#log = options.log
    this.#clock = options.clock
    this.#reserveBytes = options.reserveBytes ?? 0
    this.#pollIntervalMs = options.pollIntervalMs ?? 5000
    this.#staging = new Staging({
      dir: path.join(this.dir, INCOMING),
      requireRoom: (bytes) => this.#requireRoom(bytes),
    })
  }

  /**
   * Makes the folder and its marker when they are new, removes what unfinished jobs left, and begins to watch whether
   * the drive is there. A folder that should be there but is not opens as `offline` and recovers by itself. Idempotent.
   * @throws {AppError} `MEDIA_OFFLINE` when it can't be made, `MEDIA_READ_ONLY`, `DISK_FULL`
   */
  async open(options: OpenOptions = {}): Promise<void> {
    this.#keepJobs ??= options.keepJobs
    this.#isPrepared &&= this.#isSwept
    if (!(options.isMarkerExpected ?? false)) await this.#create()
    await this.refresh()
    this.#timer ??= setInterval(() => {
      this.refresh().catch((error: unknown) =>
        this.#log.warn('media.check-failed', { reason: String(error) }),
      )
    }, this.#pollIntervalMs).unref()
  }

  /** Stops watching. Idempotent. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  state(): MediaFolderState {
    return this.#state
  }

  /** Bytes free for us on the volume when it was last looked at. */
  freeBytes(): number | undefined {
    return this.#freeBytes
  }

  setReserveBytes(reserveBytes: number): void {
    this.#reserveBytes = reserveBytes
  }

  /** Told when the state changes. `hasReturned`: what is in the folder may be another than before. */
  onState(listener: (state: MediaFolderState, hasReturned: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks at the folder now. */
  refresh(): Promise<MediaFolderState> {
    this.#refreshing ??= this.#look().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** @throws {AppError} `MEDIA_OFFLINE` */
  async requireOnline(): Promise<void> {
    if ((await this.refresh()) === 'offline') throw this.offline()
  }

  /** @throws {AppError} `MEDIA_OFFLINE`, `MEDIA_READ_ONLY` */
  async requireWritable(): Promise<void> {
    await this.requireOnline()
    if (this.#state === 'read-only') {
      throw new AppError(
        'MEDIA_READ_ONLY',
        'The media folder cannot be written to. What is in it stays available.',
        { hint: 'Check its permissions, or whether the drive is write-protected.' },
      )
    }
  }

  /** @throws {TypeError} when it is no mediaId: nothing a stranger sends ever becomes a path */
  paths(mediaId: string): ItemPaths {
    return pathsIn(path.join(this.dir, requireMediaId(mediaId)))
  }

  /** The same inside the trash. */
  trashPaths(mediaId: string): ItemPaths {
    return pathsIn(path.join(this.dir, TRASH, requireMediaId(mediaId)))
  }

  get trashDir(): string {
    return path.join(this.dir, TRASH)
  }

  /**
   * A place on the same volume for what is arriving; an earlier one of the same job is found again as it was left.
   * @param jobId letters, digits, `-` and `_`
   * @throws {AppError} `DISK_FULL` (also when others have been promised the room), `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`
   */
  async stage(jobId: string, options: StageOptions = {}): Promise<StagingDir> {
    await this.requireWritable()
    try {
      return await this.#staging.open(jobId, options)
    } catch (error) {
      throw toFolderError(error)
    }
  }

  /** Removes the staging folders of all jobs but these. */
  async sweepIncoming(keepJobs: ReadonlySet<string>): Promise<void> {
    const removed = await this.#staging.sweep(keepJobs)
    if (removed > 0) this.#log.info('media.incoming-swept', { removed })
  }

  /** Names of the items' folders, in no order. */
  async itemFolders(): Promise<string[]> {
    return (await fs.readdir(this.dir)).filter((name) => MEDIA_ID.test(name))
  }

  /**
   * Moves something damaged out of the way, under `.damaged/<time>/<name>`; nothing is ever deleted.
   * @returns where it is now
   */
  async moveAside(target: string, name: string): Promise<string> {
    const base = path.join(this.dir, DAMAGED, timestampName(this.#clock.nowMs()))
    let movedTo = path.join(base, name)
    for (let n = 2; await doesExist(movedTo); n++) movedTo = path.join(`${base}-${n}`, name)
    makeFolder(path.dirname(movedTo))
    await fs.rename(target, movedTo)
    await syncDir(path.dirname(movedTo))
    await syncDir(path.dirname(target))
    return movedTo
  }

  async #create(): Promise<void> {
    try {
      makeFolder(this.dir)
      const marker = path.join(this.dir, MARKER)
      if (!(await doesExist(marker))) await replaceFile(marker, MARKER_TEXT)
    } catch (error) {
      const known = toFolderError(error)
      if (known !== error) throw known
      throw new AppError('MEDIA_OFFLINE', 'The media folder cannot be made where the settings say.', {
        hint: 'Choose another media folder, or connect its drive.',
        cause: error,
      })
    }
  }

  async #look(): Promise<MediaFolderState> {
    let markerId: string
    try {
      const { dev, ino } = await fs.lstat(path.join(this.dir, MARKER), { bigint: true })
      markerId = `${dev}:${ino}`
      const { bavail, bsize } = await fs.statfs(this.dir, { bigint: true })
      this.#freeBytes = Number(bavail * bsize)
    } catch (error) {
      if (this.#state !== 'offline') this.#log.warn('media.offline', { reason: String(error) })
      this.#freeBytes = undefined
      return this.#become('offline')
    }
    const isOther = this.#markerId !== undefined && this.#markerId !== markerId
    this.#markerId = markerId
    if (!(await this.#isWritable())) return this.#become('read-only', isOther)
    return this.#become(this.#freeBytes < this.#reserveBytes ? 'low-space' : 'ok', isOther)
  }

  async #isWritable(): Promise<boolean> {
    try {
      await fs.access(this.dir, fs.constants.W_OK)
      if (!this.#isPrepared) {
        for (const name of [INCOMING, TRASH]) makeFolder(path.join(this.dir, name))
        if (this.#keepJobs !== undefined && !this.#isSwept) {
          // Once only: when the drive comes back later, jobs of this run may be in there.
          this.#isSwept = true
          await this.sweepIncoming(this.#keepJobs)
        }
        this.#isPrepared = true
      }
      return true
    } catch (error) {
      // A full disk is not a read-only one: `low-space` and the failing write itself say that.
      return isErrno(error, 'ENOSPC', 'EDQUOT')
    }
  }

  #become(state: MediaFolderState, isOtherDrive = false): MediaFolderState {
    if (state === 'offline') this.#isPrepared = false
    if (state === this.#state && !isOtherDrive) return state
    if (state !== this.#state) this.#log.info('media.state', { from: this.#state, to: state })
    const hasReturned = isOtherDrive || (this.#state === 'offline' && state !== 'offline')
    this.#state = state
    for (const listener of this.#listeners) {
      try {
        listener(state, hasReturned)
      } catch (error) {
        // Whoever asks for the state gets it, and the others hear of it.
        this.#log.error('media.state-not-followed', { error })
      }
    }
    return state
  }

  #requireRoom(promisedBytes: number): void {
    if (this.#freeBytes !== undefined && this.#freeBytes - promisedBytes < this.#reserveBytes)
      throw diskFull()
  }

  /** What to say when it is needed while its drive is away. */
  offline(): AppError {
    return new AppError(
      'MEDIA_OFFLINE',
      'The media folder is not there: its drive is not connected, or its .sower-media file is missing. Nothing in the library was changed.',
      { hint: 'Connect the drive; Sower goes on by itself. Or choose another media folder in the settings.' },
    )
  }
}

/** The file with the bytes of an item: ciphertext goes by another name than what anybody could open. */
export function bytesPath(paths: ItemPaths, item: { readonly protection: Protection }): string {
  return item.protection === 'none' ? paths.original : paths.encrypted
}

function pathsIn(dir: string): ItemPaths {
  return {
    dir,
    original: path.join(dir, 'original'),
    encrypted: path.join(dir, 'encrypted'),
    manifest: path.join(dir, 'manifest.json'),
    manifests: path.join(dir, 'manifests'),
    metainfo: path.join(dir, 'media.torrent'),
  }
}

function requireMediaId(mediaId: string): string {
  if (!MEDIA_ID.test(mediaId)) throw new TypeError('not a mediaId')
  return mediaId
}
