import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import fs from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import { writeFully } from '../file-bytes.ts'
import { Intervals } from './intervals.ts'
import type { Segment } from './plan.ts'

/** What one source writes, part by part. */
interface Part {
  readonly segment: Segment
  readonly hash: Hash
}

/** The file that comes in over plain HTTP from several sources, and the account of who gave which part of it. */
export class PlainTarget {
  /** In the file. */
  readonly written: Intervals
  readonly #file: fs.FileHandle
  readonly #segments: Segment[]
  /** In the file, or on its way into it: of two who bring the same bytes the first counts. */
  readonly #taken = new Intervals()
  readonly #parts = new Map<string, Part>()

  private constructor(file: fs.FileHandle, segments: Segment[], written: Intervals) {
    this.#file = file
    this.#segments = segments
    this.written = written
  }

  /**
   * Opens the file and counts what an earlier run left in it.
   * @param segments who gave what so far; changed in place
   * @param sizeBytes of the whole, when it is known
   */
  static async open(
    path: string,
    segments: Segment[],
    written: Intervals,
    sizeBytes: number | undefined,
  ): Promise<PlainTarget> {
    const file = await fs.open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const target = new PlainTarget(file, segments, written)
    try {
      const { size } = await file.stat()
      const limit = Math.min(size, sizeBytes ?? size)
      const kept = segments.filter(({ start, end }) => end > start && end <= limit)
      segments.splice(0, Infinity, ...kept)
      written.clear()
      for (const { start, end } of kept) target.#count(start, end)
      if (written.total === 0) await file.truncate(0)
    } catch (error) {
      await file.close()
      throw error
    }
    return target
  }

  /**
   * Keeps those of these bytes that nobody has brought yet.
   * @returns how many they were
   * @throws {AppError} `DISK_FULL`, `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`
   */
  async write(label: string, bytes: Uint8Array, position: number): Promise<number> {
    const gaps = this.#taken.gaps(position, position + bytes.length)
    for (const { start, endExclusive } of gaps) this.#taken.add(start, endExclusive)
    let kept = 0
    for (const { start, endExclusive } of gaps) {
      const part = bytes.subarray(start - position, endExclusive - position)
      await this.#put(part, start)
      const { segment, hash } = this.#partFor(label, start)
      hash.update(part)
      segment.end = endExclusive
      this.#count(start, endExclusive)
      kept += part.length
    }
    return kept
  }

  /** Brings the hashes of unfinished parts up to date, so that what is saved now is true. */
  note(): void {
    for (const { segment, hash } of this.#parts.values()) segment.sha256 = hash.copy().digest('hex')
  }

  async startOver(): Promise<void> {
    await this.#file.truncate(0)
    this.#parts.clear()
    this.#taken.clear()
    this.written.clear()
    this.#segments.length = 0
  }

  /** @param sizeBytes of the whole, when all of it is there */
  async close(sizeBytes?: number): Promise<void> {
    this.note()
    try {
      if (sizeBytes !== undefined) await this.#file.truncate(sizeBytes)
    } finally {
      await this.#file.close()
    }
  }

  #partFor(label: string, start: number): Part {
    const before = this.#parts.get(label)
    if (before?.segment.end === start) return before
    if (before !== undefined) before.segment.sha256 = before.hash.copy().digest('hex')
    const segment: Segment = { label, start, end: start }
    const part = { segment, hash: createHash('sha256') }
    this.#segments.push(segment)
    this.#parts.set(label, part)
    return part
  }

  async #put(bytes: Uint8Array, position: number): Promise<void> {
    await writeFully(this.#file, [bytes], position).catch((error: unknown) => {
      throw writeError(error)
    })
  }

  #count(start: number, end: number): void {
    this.#taken.add(start, end)
    this.written.add(start, end)
  }
}

function writeError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError(
      'DISK_FULL',
      'The drive of the media folder is full. What has arrived so far is kept.',
      {
        cause: error,
        hint: 'Make room, then try again; the download goes on where it stopped.',
      },
    )
  }
  if (code === 'EROFS' || code === 'EACCES') {
    return new AppError('MEDIA_READ_ONLY', 'The media folder cannot be written to.', { cause: error })
  }
  if (code === 'EIO' || code === 'ENOENT' || code === 'ENODEV') {
    return new AppError('MEDIA_OFFLINE', 'The media folder is not there any more.', { cause: error })
  }
  return error
}
