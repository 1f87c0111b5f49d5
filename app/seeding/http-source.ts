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

const PARALLEL_READS = 2
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
  readonly #fetching = new Set<ActivePiece>()
  readonly #rate = new RateMeter()
  #reads = 0
  #failures = 0
  #restUntilMs = 0
  #restTimer: NodeJS.Timeout | undefined
  #state: TransferSource['state'] = 'connecting'
  #note: string | undefined
  #abort = new AbortController()

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
    return !isOut && this.#reads < allowed && performance.now() >= this.#restUntilMs
  }

  /** How much to ask for at once: about two seconds' worth. */
  get spanBytes(): number {
    return Math.min(Math.max(this.#rate.rateBytesPerSec() * 2, MIN_SPAN_BYTES), MAX_SPAN_BYTES)
  }

  get rateBytesPerSec(): number {
    return this.#rate.rateBytesPerSec()
  }

  isFetching(piece: ActivePiece): boolean {
    return this.#fetching.has(piece)
  }

  /** @returns the pieces' bytes, one after the other, or `null` when that failed */
  async fetch(pieces: readonly ActivePiece[]): Promise<Uint8Array | null> {
    const [first] = pieces
    if (first === undefined) return null
    const start = first.index * this.#metainfo.pieceLength
    const length = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
    const { signal } = this.#abort
    this.#reads += 1
    for (const piece of pieces) this.#fetching.add(piece)
    try {
      const timeout = AbortSignal.timeout(READ_TIMEOUT_MS)
      const bytes = await this.#range.read(start, start + length, AbortSignal.any([signal, timeout]))
      if (bytes.length !== length) throw new Error('It sent fewer bytes than it was asked for.')
      this.#rate.add(length)
      this.#events.onBytes(length)
      const waitMs = this.#events.spend(length)
      if (waitMs > 0) this.#rest(waitMs)
      this.#failures = 0
      if (this.#state !== 'dropped') this.#state = 'active'
      return bytes
    } catch (error) {
      if (!signal.aborted) this.#failed(error)
      return null
    } finally {
      this.#reads -= 1
      for (const piece of pieces) this.#fetching.delete(piece)
      if (this.#state === 'active' && this.#reads === 0) this.#state = 'idle'
    }
  }

  /** Ends its reads; it may be asked again later. */
  abort(): void {
    this.#abort.abort()
    this.#abort = new AbortController()
    clearTimeout(this.#restTimer)
    this.#restUntilMs = 0
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
      state: this.#reads > 0 && this.#state === 'idle' ? 'active' : this.#state,
      bytes: this.#rate.totalBytes,
      ...(this.#note === undefined ? {} : { note: this.#note }),
    }
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

  #rest(restMs: number): void {
    this.#restUntilMs = performance.now() + restMs
    clearTimeout(this.#restTimer)
    this.#restTimer = setTimeout(() => this.#events.onIdle(), restMs + 1)
  }
}
