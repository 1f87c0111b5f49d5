import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../contract/index.ts'
import { isPermanent, type HttpSource } from './http-source.ts'
import type { Segment } from './plan.ts'

interface PlainDownloadArgs {
  readonly path: string
  readonly sources: readonly HttpSource[]
  /** Signed or otherwise known; sources that have something else are passed over. */
  readonly sizeBytes: number | undefined
  /** Who gave which part so far; changed in place. */
  readonly segments: Segment[]
  /** Never join parts from different sources: one of them lies, and it is not known which. */
  readonly isSolo: boolean
  /** Without a byte from anybody for this long it gives up. */
  readonly patienceMs: number
  readonly signal: AbortSignal
  /** Called once the size is known, before a byte is stored; may refuse. */
  readonly reserve: (totalBytes: number) => Promise<void>
  readonly onProgress: (bytesDone: number, totalBytes: number) => void
  /** `segments` changed in a way worth keeping. */
  readonly onSegments: () => void
  readonly onSource: (
    label: string,
    state: 'connecting' | 'active' | 'idle' | 'failed',
    note?: string,
  ) => void
}

/**
 * The whole file from one HTTP source after another: the next goes on where the last stopped. What is in the
 * file from an earlier run counts. The bytes are not checked here beyond their number.
 * @throws {AppError} `NO_SOURCES` when nobody gives anything (any more); `DISK_FULL`; what `signal` was aborted with
 */
export async function downloadPlain(args: PlainDownloadArgs): Promise<void> {
  const { sources, signal } = args
  const file = await fs.open(args.path, 'a')
  const run = new PlainRun(args, file)
  const dead = new Set<string>()
  let lastGainMs = performance.now()
  try {
    await run.takeUp()
    for (let round = 0; ; round += 1) {
      const before = run.offset
      for (const source of sources) {
        if (dead.has(source.label)) continue
        if (await run.take(source, dead)) return
        signal.throwIfAborted()
        if (run.offset > before) lastGainMs = performance.now()
      }
      const isOver = dead.size === sources.length || performance.now() - lastGainMs > args.patienceMs
      if (isOver) throw noSources(run.failures)
      if (run.offset > before) round = 0
      else await sleep(Math.min(1000 * 2 ** round, 15_000), undefined, { signal })
    }
  } finally {
    await file.close()
  }
}

class PlainRun {
  readonly failures = new Map<string, AppError>()
  offset = 0
  readonly #args: PlainDownloadArgs
  readonly #file: fs.FileHandle
  #totalBytes: number | undefined
  #reservedBytes: number | undefined

  constructor(args: PlainDownloadArgs, file: fs.FileHandle) {
    this.#args = args
    this.#file = file
    this.#totalBytes = args.sizeBytes
  }

  /** Counts what an earlier run left. */
  async takeUp(): Promise<void> {
    const { size } = await this.#file.stat()
    const { segments, sizeBytes } = this.#args
    const last = segments.at(-1)
    const known = last === undefined ? 0 : last.sha256 === undefined ? size : Math.min(size, last.end)
    this.offset = Math.min(known, sizeBytes ?? known)
    await this.#file.truncate(this.offset)
    // A sha256 stands for all of its segment, so it goes with the first byte that does.
    while ((segments.at(-1)?.start ?? -1) >= this.offset) segments.pop()
    const cut = segments.at(-1)
    if (cut !== undefined && cut.end !== this.offset) {
      segments[segments.length - 1] = { label: cut.label, start: cut.start, end: this.offset }
    }
  }

  /** Takes what this source gives; true when the file is complete. */
  async take(source: HttpSource, dead: Set<string>): Promise<boolean> {
    const { signal, onSource, isSolo, segments } = this.#args
    if (this.#totalBytes !== undefined && this.offset === this.#totalBytes && this.offset > 0) return true
    const isOthers = segments.some(({ label }) => label !== source.label)
    if (isSolo && isOthers) await this.startOver()
    onSource(source.label, 'connecting')
    try {
      await this.#stream(source)
      onSource(source.label, 'idle')
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AppError) || error.code === 'DISK_FULL' || error.code.startsWith('MEDIA_'))
        throw error
      this.failures.set(source.label, error)
      if (isPermanent(error)) dead.add(source.label)
      onSource(source.label, isPermanent(error) ? 'failed' : 'idle', error.message)
      return false
    }
  }

  async startOver(): Promise<void> {
    await this.#file.truncate(0)
    this.offset = 0
    this.#totalBytes = this.#args.sizeBytes
    this.#args.segments.length = 0
  }

  async #stream(source: HttpSource): Promise<void> {
    const { signal, onSource, onSegments, segments } = this.#args
    const limit = this.#totalBytes ?? Number.MAX_SAFE_INTEGER
    const opened = await source.open(this.offset, limit, signal)
    try {
      await this.#agree(source, opened.totalBytes)
    } catch (error) {
      opened.body.destroy()
      throw error
    }
    onSource(source.label, 'active')
    const segment: Segment = { label: source.label, start: this.offset, end: this.offset }
    segments.push(segment)
    onSegments()
    const hash = createHash('sha256')
    let skipBytes = this.offset - opened.startsAt
    try {
      for await (const chunk of opened.body) {
        const bytes = chunk as Buffer // a body yields buffers
        const wanted = bytes.subarray(Math.min(skipBytes, bytes.length))
        skipBytes -= bytes.length - wanted.length
        await this.#append(wanted, segment, hash)
      }
    } finally {
      segment.sha256 = hash.digest('hex')
      onSegments()
    }
    if (this.offset !== opened.totalBytes) {
      throw new AppError('SOURCE_FAILED', `${source.label} gave fewer bytes than it said.`)
    }
  }

  async #append(bytes: Buffer, segment: Segment, hash: Hash): Promise<void> {
    this.#args.signal.throwIfAborted()
    for (let from = 0; from < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, from).catch((error: unknown) => {
        throw writeError(error)
      })
      hash.update(bytes.subarray(from, from + bytesWritten))
      from += bytesWritten
      this.offset += bytesWritten
      segment.end = this.offset
    }
    this.#args.onProgress(this.offset, this.#totalBytes ?? this.offset)
  }

  async #agree(source: HttpSource, totalBytes: number): Promise<void> {
    if (totalBytes < 1 || (this.#totalBytes !== undefined && this.#totalBytes !== totalBytes)) {
      throw new AppError(
        'NOT_FOUND',
        `${source.label} has something of another size than what was asked for.`,
      )
    }
    this.#totalBytes = totalBytes
    if (this.#reservedBytes !== totalBytes) {
      await this.#args.reserve(totalBytes)
      this.#reservedBytes = totalBytes
    }
    this.#args.onProgress(this.offset, totalBytes)
  }
}

/**
 * Which of these parts differ from the file that turned out to be right.
 * @returns labels, each once
 */
export async function wrongParts(path: string, segments: readonly Segment[]): Promise<string[]> {
  const wrong = new Set<string>()
  const { size } = await fs.stat(path)
  for (const { label, start, end, sha256 } of segments) {
    if (sha256 === undefined || end <= start || wrong.has(label)) continue
    if (end > size || (await sha256Of(path, start, end)) !== sha256) wrong.add(label)
  }
  return [...wrong]
}

async function sha256Of(path: string, start: number, endExclusive: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { start, end: endExclusive - 1 })) {
    hash.update(chunk as Buffer) // a file stream without encoding yields buffers
  }
  return hash.digest('hex')
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

function noSources(failures: ReadonlyMap<string, AppError>): AppError {
  const [only] = failures.values()
  const otherSize = [...failures].flatMap(([label, { details }]) =>
    details?.['isOtherSize'] === true ? [label] : [],
  )
  if (failures.size === 1 && otherSize.length === 0 && only !== undefined && isPermanent(only)) return only
  const reasons = [...failures.values()].map(({ message }) => message)
  return new AppError('NO_SOURCES', `Nobody who was asked gives this item. ${reasons.join(' ')}`.trim(), {
    hint: 'Try again later, or add a source: the address of a node, or host:port of somebody who has it.',
    details: { otherSize },
  })
}
