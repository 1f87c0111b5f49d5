import { AppError } from '../contract/index.ts'
import type { ByteRange } from '../seeding/index.ts'
import { isPermanent, type HttpSource } from './http-source.ts'
import { Lane, type Claim } from './lane.ts'
import type { PlainDownloadArgs } from './plain-download.ts'
import type { PlainTarget } from './plain-target.ts'

const TICK_MS = 250
/** What a source is asked for at once: as much as it brings in this time. */
const SPAN_SEC = 4
const MIN_SPAN_BYTES = 1024 * 1024
/** Parts per file, at most about: each is one more line in the account of who gave what. */
const MAX_PARTS = 256
/** Less than this is not split any more but asked for twice. */
const MIN_SPLIT_BYTES = 256 * 1024
/** Whoever needs longer than this for what others could bring is overtaken. */
const LAG_MS = 5000
/** Before the size is known one source after the other is asked, with so much of a start. */
const SCOUT_MS = 1500
const SAVE_MS = 1000

type RaceArgs = Pick<
  PlainDownloadArgs,
  'sizeBytes' | 'signal' | 'reserve' | 'onProgress' | 'onSegments' | 'onSource' | 'wanted'
> & { readonly patienceMs: number; readonly sources: readonly HttpSource[] }

/**
 * The whole file from several HTTP sources at once. Each brings the next part that nobody brings yet; when nothing is left to
 * begin, whoever is free takes over half of what the slowest still has to bring, and in the end brings the same once more. So the
 * whole is never slower than by the best of them alone.
 */
export class PlainRace {
  readonly lanes: readonly Lane[]
  readonly #args: RaceArgs
  readonly #target: PlainTarget
  readonly #ended = Promise.withResolvers<undefined>()
  readonly #runs = new Set<Promise<void>>()
  #totalBytes: number | undefined
  #isReserved = false
  #isOver = false
  #gainedMs = performance.now()
  #savedMs = 0

  constructor(args: RaceArgs, target: PlainTarget) {
    this.#args = args
    this.#target = target
    this.#totalBytes = args.sizeBytes
    this.lanes = args.sources.map((source) => new Lane(source))
  }

  /**
   * @returns the size of the file, every byte of which is there
   * @throws {AppError} `NO_SOURCES` when nobody gives anything (any more); what writing fails with; what `signal` was aborted with
   */
  async run(): Promise<number> {
    const { signal } = this.#args
    signal.throwIfAborted()
    const abort = (): void => this.#ended.reject(signal.reason as Error) // whoever aborts gives an error
    signal.addEventListener('abort', abort, { once: true })
    const timer = setInterval(() => this.#tick(), TICK_MS)
    try {
      this.#tick()
      await this.#ended.promise
      return this.#totalBytes ?? 0
    } finally {
      this.#isOver = true
      clearInterval(timer)
      signal.removeEventListener('abort', abort)
      for (const lane of this.lanes) lane.abort()
      await Promise.all(this.#runs)
      this.#save()
    }
  }

  /** Nobody else hears of what goes wrong in a timer, or after a source has ended. */
  #tick(): void {
    try {
      this.#pump()
    } catch (error) {
      this.#ended.reject(asError(error))
    }
  }

  #pump(): void {
    if (this.#isOver) return
    const { written } = this.#target
    if (this.#totalBytes !== undefined && this.#totalBytes > 0 && written.covers(0, this.#totalBytes)) {
      this.#isOver = true
      this.#ended.resolve(undefined)
      return
    }
    for (const lane of this.lanes) {
      const { claim } = lane
      if (claim !== null && Number.isFinite(claim.end) && written.covers(claim.position, claim.end))
        lane.abort()
    }
    for (const lane of this.lanes) {
      const claim = lane.isFree ? this.#next(lane) : null
      if (claim === null) continue
      const run = this.#run(lane, claim)
        .catch((error: unknown) => this.#ended.reject(asError(error)))
        .then(() => {
          this.#runs.delete(run)
          this.#tick()
        })
      this.#runs.add(run)
    }
    const isBusy = this.lanes.some(({ claim }) => claim !== null)
    const isQuiet = performance.now() - this.#gainedMs > this.#args.patienceMs
    if (!isBusy && (isQuiet || this.lanes.every(({ isDead }) => isDead)))
      this.#ended.reject(noSources(this.lanes))
    if (performance.now() - this.#savedMs > SAVE_MS && isBusy) this.#save()
  }

  /** What this source could bring next; `null` = nothing that would help. */
  #next(lane: Lane): Claim | null {
    const total = this.#totalBytes
    const others = this.lanes.filter((other) => other !== lane && other.claim !== null)
    if (total === undefined) {
      const isScouted = others.some(({ startedMs }) => performance.now() - startedMs < SCOUT_MS)
      const position = this.#target.written.firstGap(0)
      return isScouted ? null : { position, end: Infinity, isSweep: false, isRace: others.length > 0 }
    }
    if (lane.source.isWholeOnly) {
      const position = this.#target.written.firstGap(0)
      return { position, end: total, isSweep: true, isRace: others.length > 0 }
    }
    return (
      this.#overtake(lane, others, true) ??
      this.#begin(lane, others, total) ??
      this.#overtake(lane, others, false)
    )
  }

  /** The first part that is missing and that nobody brings. */
  #begin(lane: Lane, others: readonly Lane[], total: number): Claim | null {
    const claimed = others.flatMap(({ claim }) => (claim === null || claim.isSweep ? [] : [claim]))
    const isAlone = !this.lanes.some((other) => other !== lane && !other.isDead && !other.source.isWholeOnly)
    const wanted = this.#args.wanted()
    const span =
      isAlone && wanted.length === 0
        ? Infinity
        : Math.max((lane.rate ?? 0) * SPAN_SEC, MIN_SPAN_BYTES, total / MAX_PARTS)
    for (const { start, endExclusive } of [...wanted, { start: 0, endExclusive: total }]) {
      for (const gap of this.#target.written.gaps(start, Math.min(endExclusive, total))) {
        const free = firstFree(gap, claimed)
        if (free === null) continue
        // What is wanted is only where to begin: from there on everything that is missing is of use.
        const room = this.#target.written.gaps(free.start, total)[0]?.endExclusive ?? free.endExclusive
        const next = Math.min(...claimed.map(({ position }) => (position > free.start ? position : Infinity)))
        const end = Math.floor(Math.min(room, next, free.start + span))
        return { position: free.start, end, isSweep: false, isRace: false }
      }
    }
    return null
  }

  /**
   * A part of what the slowest of the others has still to bring.
   * @param isOnlyLaggards only from those that are far behind
   */
  #overtake(lane: Lane, others: readonly Lane[], isOnlyLaggards: boolean): Claim | null {
    const slow = others
      .filter(({ claim }) => claim !== null && Number.isFinite(claim.end) && !claim.isRace && !claim.isSweep)
      .filter((other) => this.#missing(other).length > 0)
      .toSorted((a, b) => b.etaMs - a.etaMs)
      .at(0)
    const victim = slow?.claim
    if (slow === undefined || victim === undefined || victim === null) return null
    const [gap] = this.#missing(slow)
    const left = victim.end - victim.position
    const own = lane.rate ?? slow.rate ?? 1
    if (isOnlyLaggards && (slow.etaMs < LAG_MS || (left * 1000) / own > slow.etaMs / 2)) return null
    const isRaced =
      this.lanes.filter(({ claim }) => claim?.isRace === true && claim.end === victim.end).length > 1
    if (isRaced || gap === undefined) return null
    if (slow.isStalled || isOnlyLaggards || left < MIN_SPLIT_BYTES) {
      return { position: gap.start, end: victim.end, isSweep: false, isRace: true }
    }
    const share = own / (own + (slow.rate ?? own))
    const middle = Math.floor(victim.end - left * Math.min(Math.max(share, 0.1), 0.9))
    const claim = { position: middle, end: victim.end, isSweep: false, isRace: false }
    victim.end = middle
    return claim
  }

  #missing({ claim }: Lane): ByteRange[] {
    return claim === null ? [] : this.#target.written.gaps(claim.position, claim.end)
  }

  async #run(lane: Lane, claim: Claim): Promise<void> {
    const { onSource } = this.#args
    const { label } = lane.source
    const ended = lane.begin(claim)
    onSource(label, 'connecting')
    try {
      await this.#stream(lane, claim, AbortSignal.any([ended, this.#args.signal]))
      onSource(label, 'idle')
    } catch (error) {
      if (this.#args.signal.aborted || this.#isOver || ended.aborted) {
        onSource(label, 'idle')
        return
      }
      if (!(error instanceof AppError) || error.code === 'DISK_FULL' || error.code.startsWith('MEDIA_'))
        throw error
      lane.failed(error, isPermanent(error))
      onSource(label, lane.isDead ? 'failed' : 'idle', error.message)
    } finally {
      lane.end()
    }
  }

  async #stream(lane: Lane, claim: Claim, signal: AbortSignal): Promise<void> {
    const { source } = lane
    const askedEnd = claim.end
    const isToEnd = claim.end >= (this.#totalBytes ?? Infinity)
    const opened = await source.open(claim.position, isToEnd ? undefined : claim.end, signal)
    let position = opened.startsAt
    try {
      await this.#agree(source.label, opened.totalBytes)
      if (position !== claim.position) {
        source.isWholeOnly = true
        claim.isSweep = true
      }
      claim.end = Math.min(claim.isSweep ? opened.totalBytes : claim.end, opened.totalBytes)
      this.#args.onSource(source.label, 'active')
      // Those who waited for the size can begin.
      if (askedEnd === Infinity) this.#pump()
      for await (const chunk of opened.body) {
        signal.throwIfAborted()
        const bytes = chunk as Buffer // a body yields buffers
        await this.#take(lane, claim, bytes, position)
        position += bytes.length
        claim.position = Math.max(claim.position, Math.min(position, claim.end))
        const isShortened = claim.end < Math.min(askedEnd, opened.totalBytes)
        if (isShortened && position >= claim.end) return
        // What others brought meanwhile need not be waited for.
        if (this.#target.written.covers(claim.position, claim.end) && position < claim.end) return
      }
    } finally {
      opened.body.destroy()
    }
    if (!this.#target.written.covers(claim.position, claim.end)) {
      throw new AppError('SOURCE_FAILED', `${source.label} gave fewer bytes than it said.`)
    }
  }

  async #take(lane: Lane, claim: Claim, bytes: Buffer, position: number): Promise<void> {
    const end = Math.min(position + bytes.length, claim.end)
    lane.gained(bytes.length)
    const from = Math.max(position, claim.isSweep ? 0 : claim.position)
    if (end <= from) return
    const kept = await this.#target.write(
      lane.source.label,
      bytes.subarray(from - position, end - position),
      from,
    )
    if (kept === 0) return
    this.#gainedMs = performance.now()
    this.#args.onProgress(this.#target.written.total, this.#totalBytes ?? end)
  }

  async #agree(label: string, totalBytes: number): Promise<void> {
    if (totalBytes < 1 || (this.#totalBytes !== undefined && this.#totalBytes !== totalBytes)) {
      throw new AppError('NOT_FOUND', `${label} has something of another size than what was asked for.`, {
        details: { isOtherSize: true },
      })
    }
    this.#totalBytes = totalBytes
    if (!this.#isReserved) {
      this.#isReserved = true
      await this.#args.reserve(totalBytes)
    }
    this.#args.onProgress(this.#target.written.total, totalBytes)
  }

  #save(): void {
    this.#savedMs = performance.now()
    this.#target.note()
    this.#args.onSegments()
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** The first part of a gap that nobody has claimed. */
function firstFree({ start, endExclusive }: ByteRange, claimed: readonly Claim[]): ByteRange | null {
  let at = start
  for (;;) {
    const taken = claimed.find(({ position, end }) => position <= at && end > at)
    if (taken === undefined) break
    at = taken.end
  }
  return at < endExclusive ? { start: at, endExclusive } : null
}

function noSources(lanes: readonly Lane[]): AppError {
  const failures = lanes.flatMap(({ failure, source }) =>
    failure === undefined ? [] : [{ failure, label: source.label }],
  )
  const otherSize = failures.flatMap(({ failure, label }) =>
    failure.details?.['isOtherSize'] === true ? [label] : [],
  )
  const only = failures[0]?.failure
  if (failures.length === 1 && otherSize.length === 0 && only !== undefined && isPermanent(only)) return only
  const reasons = failures.map(({ failure }) => failure.message)
  return new AppError('NO_SOURCES', `Nobody who was asked gives this item. ${reasons.join(' ')}`.trim(), {
    hint: 'Try again later, or add a source: the address of a node, or host:port of somebody who has it.',
    details: { otherSize },
  })
}
