import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import { readFully } from '../file-bytes.ts'
import type { ByteRange, HeadBytes } from '../seeding/index.ts'

/** How bytes of a download arrive at the moment. */
export interface Road {
  /** The file they arrive in. */
  readonly path: string
  /** Whether all of this is in the file and may be given out; a promise where that has to be looked up. */
  has(range: ByteRange): boolean | Promise<boolean>
  /** Fetches these ranges before anything else, the first of them first. */
  prioritize(ranges: readonly ByteRange[]): void
}

/** Somebody reading, and where they will go on. */
interface Reading {
  position: number
  usedAtMs: number
}

/** Fetched ahead of whoever reads. */
const AHEAD_BYTES = 4 * 1024 * 1024
const MAX_READINGS = 8
/** Whoever has not read for so long has stopped. */
const FORGET_AFTER_MS = 15_000

/**
 * The stored bytes of one download for whoever reads them before they are all there: a read waits for its bytes and has them
 * fetched first. Outlives pauses, changes of road and the end of the download, whose file stays open under its new name.
 */
export class ArrivingBytes {
  /** Of the whole; `undefined` until it is known. */
  sizeBytes: number | undefined
  readonly #wakers = new Set<() => void>()
  readonly #readings: Reading[] = []
  /** What reads wait for at the moment, the latest first. */
  readonly #waiting: ByteRange[] = []
  #road: Road | undefined
  #head: HeadBytes | undefined
  #handle: { readonly path: string; readonly opened: Promise<FileHandle> } | undefined
  #openStored: (() => Promise<FileHandle>) | undefined
  #isWhole = false
  #users = 0
  /** Counts what made a difference to everybody, so that nobody waits for what has happened already. */
  #changes = 0
  #ended: AppError | undefined

  /** The file stays open until as many as came have gone. */
  enter(): void {
    this.#users += 1
  }

  leave(): void {
    this.#users -= 1
    if (this.#users > 0) return
    this.#readings.length = 0
    this.#closeHandle()
    this.#tell()
  }

  /** From here on bytes come by this road. */
  take(road: Road): void {
    if (this.#handle !== undefined && this.#handle.path !== road.path) this.#closeHandle()
    this.#ended = undefined
    this.#road = road
    this.#tell()
    this.#changed()
  }

  /** The beginning is here already, whatever comes by the road. */
  begin(head: HeadBytes): void {
    this.#head = head
    this.#ended = undefined
    this.#changed()
  }

  /** More has arrived. */
  wake(): void {
    for (const waker of this.#wakers) waker()
  }

  /** Nothing of what has arrived counts any more. */
  startOver(): void {
    this.#road = undefined
    this.#head = undefined
    this.#closeHandle()
    this.#changed()
  }

  /** Every byte is there and proven. */
  whole(): void {
    this.#isWhole = true
    this.#changed()
  }

  /** @param openStored opens the file the download has become, for readers that come later */
  stored(openStored: () => Promise<FileHandle>): void {
    this.#openStored = openStored
    this.whole()
  }

  /** Whoever waits hears this, now and until bytes come again. */
  end(error: AppError): void {
    this.#ended = error
    this.#changed()
  }

  /**
   * Fills `target` with the stored bytes from `position` on, as soon as they are there.
   * @throws {AppError} `CANCELLED` when the reader or the user ends it; what the download failed with; `MEDIA_OFFLINE`
   */
  async read(target: Uint8Array, position: number, signal?: AbortSignal): Promise<void> {
    const range = { start: position, endExclusive: position + target.byteLength }
    this.#waiting.unshift(range)
    const reading = this.#startReading(range)
    try {
      for (;;) {
        const seen = this.#changes
        if (signal?.aborted === true) throw new AppError('CANCELLED', 'The reading was stopped.')
        if (!this.#isWhole && this.#head?.has(range) === true && (await this.#head.read(target, position)))
          return
        const isThere = this.#isWhole || (await this.#road?.has(range)) === true
        if (isThere && (await this.#readFile(target, position))) return
        if (this.#ended !== undefined) throw this.#ended
        await this.#change(isThere ? null : range, seen, signal)
      }
    } catch (error) {
      const at = this.#readings.indexOf(reading)
      if (at >= 0) this.#readings.splice(at, 1)
      throw error
    } finally {
      this.#waiting.splice(this.#waiting.indexOf(range), 1)
      // Whoever goes on reading says so at once; only an end changes what others get.
      if (!this.#readings.includes(reading)) this.#tell()
    }
  }

  #changed(): void {
    this.#changes += 1
    this.wake()
  }

  /** False when the file is another one from this moment on. */
  async #readFile(target: Uint8Array, position: number): Promise<boolean> {
    const handle = await this.#open()
    if (handle === null) return false
    return (await readFully(handle, target, position)) === target.byteLength
  }

  /** `null` while the file is being given its new name. */
  async #open(): Promise<FileHandle | null> {
    if (this.#handle === undefined) {
      const openStored = this.#openStored
      const path = this.#road?.path ?? ''
      if (openStored === undefined && path === '') return null
      this.#handle = { path, opened: openStored?.() ?? open(path, 'r') }
    }
    const handle = this.#handle
    try {
      return await handle.opened
    } catch (error) {
      if (this.#handle === handle) this.#handle = undefined
      if (error instanceof AppError) throw error
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw new AppError('MEDIA_OFFLINE', 'This download can’t be read: the media folder is away.', {
        cause: error,
      })
    }
  }

  #closeHandle(): void {
    const handle = this.#handle
    this.#handle = undefined
    // What could not be opened need not be closed.
    void handle?.opened.then((opened) => opened.close()).catch(() => undefined)
  }

  /** @param range what is waited for; `null` = something that concerns everybody */
  #change(range: ByteRange | null, seen: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wakers.delete(waker)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      // Pieces come in by the hundred: only those that matter are looked at in earnest.
      const waker = (): void => {
        const isIn = (one: Road | HeadBytes | undefined): boolean =>
          range !== null && one !== undefined && one.has(range) !== false
        if (isIn(this.#road) || isIn(this.#head) || this.#changes !== seen || signal?.aborted === true) done()
      }
      this.#wakers.add(waker)
      signal?.addEventListener('abort', done, { once: true })
      waker()
    })
  }

  #startReading({ start, endExclusive }: ByteRange): Reading {
    const nowMs = performance.now()
    const lengthBytes = endExclusive - start
    const same = this.#readings.find(
      ({ position }) => start >= position - 2 * lengthBytes && start <= position + AHEAD_BYTES,
    )
    const reading = same ?? { position: endExclusive, usedAtMs: nowMs }
    reading.position = endExclusive
    reading.usedAtMs = nowMs
    const others = this.#readings.filter(
      (other) => other !== reading && nowMs - other.usedAtMs < FORGET_AFTER_MS,
    )
    this.#readings.splice(0, Infinity, reading, ...others.slice(0, MAX_READINGS - 1))
    this.#tell()
    return reading
  }

  /**
   * Whoever read last comes first: what they wait for, what they will read next, then the very end (where many media files
   * have their index), then what others will read next.
   */
  #tell(): void {
    if (this.#isWhole || this.#road === undefined) return
    const size = this.sizeBytes ?? Infinity
    const ahead = this.#readings.map(({ position }) => ({
      start: position,
      endExclusive: Math.min(position + AHEAD_BYTES, size),
    }))
    const [first, ...others] = ahead
    if (first === undefined) {
      this.#road.prioritize([])
      return
    }
    const end = Number.isFinite(size) ? [{ start: size - 1, endExclusive: size }] : []
    this.#road.prioritize([...this.#waiting, first, ...end, ...others])
  }
}
