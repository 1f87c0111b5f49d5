import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../contract/index.ts'
import type { ByteRange } from '../seeding/index.ts'
import { isPermanent, type HttpSource } from './http-source.ts'
import type { Intervals } from './intervals.ts'
import type { Segment } from './plan.ts'
import { PlainRace } from './plain-race.ts'
import { PlainTarget } from './plain-target.ts'

export interface PlainDownloadArgs {
  readonly path: string
  readonly sources: readonly HttpSource[]
  /** Signed or otherwise known; sources that have something else are passed over. */
  readonly sizeBytes: number | undefined
  /** Who gave which part so far; changed in place. */
  readonly segments: Segment[]
  /** What is in the file; kept up to date. */
  readonly written: Intervals
  /** What somebody waits for, most urgent first. */
  readonly wanted: () => readonly ByteRange[]
  /** Never join parts from different sources: one of them lies, and it is not known which. */
  readonly isSolo: boolean
  /** Without a byte from anybody for this long it gives up. */
  readonly patienceMs: number
  readonly signal: AbortSignal
  /** Called once the size is known, before a byte is stored; may refuse. */
  readonly reserve: (totalBytes: number) => Promise<void>
  readonly onProgress: (bytesDone: number, totalBytes: number) => void
  /** Nothing of what has arrived counts any more. */
  readonly onStartOver: () => void
  /** `segments` changed in a way worth keeping. */
  readonly onSegments: () => void
  readonly onSource: (
    label: string,
    state: 'connecting' | 'active' | 'idle' | 'failed',
    note?: string,
  ) => void
}

/**
 * The whole file over HTTP, from all sources at once (see `PlainRace`) or, after a mixture turned out wrong, from one alone. What is in
 * the file from an earlier run counts. The bytes are not checked here beyond their number.
 * @throws {AppError} `NO_SOURCES` when nobody gives anything (any more); `DISK_FULL`; what `signal` was aborted with
 */
export async function downloadPlain(args: PlainDownloadArgs): Promise<void> {
  const { path, segments, written, sizeBytes } = args
  const target = await PlainTarget.open(path, segments, written, sizeBytes)
  let totalBytes: number | undefined
  try {
    totalBytes = await (args.isSolo ? oneByOne(args, target) : new PlainRace(args, target).run())
  } finally {
    await target.close(totalBytes)
    args.onSegments()
  }
}

/** Each source gives all of it or nothing. */
async function oneByOne(args: PlainDownloadArgs, target: PlainTarget): Promise<number> {
  const { signal, patienceMs, segments } = args
  const dead = new Set<HttpSource>()
  let gainedMs = performance.now()
  for (let round = 0; ; round += 1) {
    let failure: AppError | undefined
    for (const source of args.sources.filter((one) => !dead.has(one))) {
      if (segments.some(({ label }) => label !== source.label)) {
        await target.startOver()
        args.onStartOver()
      }
      const before = target.written.total
      try {
        return await new PlainRace({ ...args, sources: [source], patienceMs: 0 }, target).run()
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof AppError) || error.code === 'DISK_FULL' || error.code.startsWith('MEDIA_'))
          throw error
        failure = error
        if (isPermanent(error)) dead.add(source)
        if (target.written.total > before) gainedMs = performance.now()
      }
    }
    const isOver = dead.size === args.sources.length || performance.now() - gainedMs > patienceMs
    if (isOver && failure !== undefined) throw failure
    await sleep(Math.min(1000 * 2 ** round, 15_000), undefined, { signal })
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
