import type { TransferSource } from '../contract/index.ts'
import type { ActivePiece } from './active-piece.ts'
import type { Metainfo } from './metainfo.ts'
import { RateMeter } from './throttle.ts'

/** Bytes of the file from somewhere that can be asked for ranges of it. */
export interface RangeSource {
  /** @defaultValue `http` */
  readonly kind?: TransferSource['kind']
  /** What the user recognises it by: its host. */
  readonly label: string
  /** @returns exactly the bytes asked for */
  read(start: number, endExclusive: number, signal: AbortSignal): Promise<Uint8Array>
}

interface HttpSourceEvents {
  onBytes(bytes: number): void
  /** @returns for how many milliseconds the node's download limit wants nothing more */
  spend(bytes: number): number
  /** It can be asked again. */
  onIdle(): void
}

/** A read on its way. */
interface Read {
  readonly pieces: readonly ActivePiece[]
  readonly byteCount: number
  readonly begunMs: number
  readonly abort: AbortController
}

const PARALLEL_READS = 2
/** A read that ends so soon is not worth giving up. */
const NEARLY_THERE_MS = 250
/** What is waited for is asked in small reads: a read is of use only when all of it is there. */
export const URGENT_SPAN_BYTES = 512 * 1024
/** Of a source that has not shown how fast it is, or is slow. */
const MIN_SPAN_BYTES = 256 * 1024
const MAX_SPAN_BYTES = 16 * 1024 * 1024
const READ_TIMEOUT_MS = 120_000
const MAX_FAILURES = 5

/** An HTTP source as a place to get whole pieces from, a few reads at a time; rests after failures, gives up after five. */
export class HttpSource {
  readonly label: string
  readonly #range: RangeSource
  readonly #metainfo: Metainfo
  readonly #events: HttpSourceEvents
  readonly #reads = new Set<Read>()
  readonly #rate = new RateMeter()
  #failures = 0
  #restUntilMs = 0
  #restTimer: NodeJS.Timeout | undefined
  #state: TransferSource['state'] = 'connecting'
  #note: string | undefined

  constructor(range: RangeSource, metainfo: Metainfo, events: HttpSourceEvents) {
    this.label = range.label
    this.#range = range
    this.#metainfo = metainfo
    this.#events = events
  }

  get hasRoom(): boolean {
    const isOut = this.#state === 'dropped' || this.#state === 'failed'
    // One read until it has shown that it works.
    const allowed = this.#state === 'connecting' || this.#failures > 0 ? 1 : PARALLEL_READS
    return !isOut && this.#reads.size < allowed && performance.now() >= this.#restUntilMs
  }

  /** How much to ask for at once: about two seconds' worth. */
  get spanBytes(): number {
    return Math.min(Math.max(this.#rate.rateBytesPerSec() * 2, MIN_SPAN_BYTES), MAX_SPAN_BYTES)
  }

  get rateBytesPerSec(): number {
    return this.#rate.rateBytesPerSec()
  }

  isFetching(piece: ActivePiece): boolean {
    for (const { pieces } of this.#reads) if (pieces.includes(piece)) return true
    return false
  }

  /** @returns the pieces' bytes, one after the other, or `null` when that failed; `undefined` when it made way */
  async fetch(pieces: readonly ActivePiece[]): Promise<Uint8Array | null | undefined> {
    const [first] = pieces
    if (first === undefined) return null
    const start = first.index * this.#metainfo.pieceLength
    const length = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
    const abort = new AbortController()
    const read = { pieces, byteCount: length, begunMs: performance.now(), abort }
    this.#reads.add(read)
    try {
      const timeout = AbortSignal.timeout(READ_TIMEOUT_MS)
      const bytes = await this.#range.read(start, start + length, AbortSignal.any([abort.signal, timeout]))
      if (bytes.length !== length) throw new Error('It sent fewer bytes than it was asked for.')
      this.#rate.add(length)
      this.#events.onBytes(length)
      const waitMs = this.#events.spend(length)
      if (waitMs > 0) this.#rest(waitMs)
      this.#failures = 0
      if (this.#state !== 'dropped') this.#state = 'active'
      return this.#reads.has(read) ? bytes : undefined
    } catch (error) {
      if (!this.#reads.has(read)) return undefined
      if (!abort.signal.aborted) this.#failed(error)
      return null
    } finally {
      this.#reads.delete(read)
      if (this.#state === 'active' && this.#reads.size === 0) this.#state = 'idle'
    }
  }

  /** Ends its reads; it may be asked again later. */
  abort(): void {
    for (const { abort } of this.#reads) abort.abort()
    this.#restNoLonger()
  }

  /**
   * Ends the reads that keep what somebody waits for away: those that bring none of it, and long ones that bring it
   * somewhere on the way. A limit or a failure before does not hold it up.
   * @param wanted the pieces waited for
   * @returns what the ended reads were to bring
   */
  makeWay(wanted: ReadonlySet<number>): ActivePiece[] {
    this.#restNoLonger()
    const ended = [...this.#reads].filter((read) => !this.#isOfUse(read, wanted))
    for (const read of ended) {
      read.abort.abort()
      this.#reads.delete(read)
    }
    return ended.flatMap(({ pieces }) => pieces)
  }

  drop(note: string): void {
    this.#state = 'dropped'
    this.#note = note
    this.abort()
  }

  view(): TransferSource {
    return {
      kind: this.#range.kind ?? 'http',
      label: this.label,
      state: this.#reads.size > 0 && this.#state === 'idle' ? 'active' : this.#state,
      bytes: this.#rate.totalBytes,
      ...(this.#note === undefined ? {} : { note: this.#note }),
    }
  }

  #isOfUse({ pieces, byteCount, begunMs }: Read, wanted: ReadonlySet<number>): boolean {
    if (!pieces.some(({ index }) => wanted.has(index))) return false
    const rateBytesPerSec = this.#rate.rateBytesPerSec() / this.#reads.size
    const endsInMs = (byteCount / rateBytesPerSec) * 1000 - (performance.now() - begunMs)
    return byteCount <= URGENT_SPAN_BYTES || Math.abs(endsInMs) < NEARLY_THERE_MS
  }

  #failed(error: unknown): void {
    this.#failures += 1
    this.#note = error instanceof Error && error.message !== '' ? error.message : 'It did not answer.'
    if (this.#failures >= MAX_FAILURES) {
      this.#state = 'failed'
      return
    }
    const restMs = 500 * 2 ** this.#failures
    this.#rest(restMs)
  }

  #restNoLonger(): void {
    clearTimeout(this.#restTimer)
    this.#restUntilMs = 0
  }

  #rest(restMs: number): void {
    this.#restUntilMs = performance.now() + restMs
    clearTimeout(this.#restTimer)
    this.#restTimer = setTimeout(() => this.#events.onIdle(), restMs + 1)
  }
}
