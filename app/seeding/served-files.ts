import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import { readFully } from '../file-bytes.ts'
import { openRegular } from '../regular-file.ts'

/** A file the library has just confirmed to be the one that was added. */
export interface ServableFile {
  readonly path: string
  readonly sizeBytes: number
}

const MAX_WINDOW_BYTES = 1024 * 1024
const WINDOWS_PER_FILE = 8
const MAX_SPARE_BUFFERS = 16
const MAX_OPEN_FILES = 64
const IDLE_CLOSE_MS = 30_000
/** An open file is confirmed to be unchanged again after this long. */
const CONFIRM_EVERY_MS = 10_000

/** Bytes on loan: `release` when they have been sent, for their buffer is used again. */
export interface Slice {
  readonly bytes: Uint8Array
  release(this: void): void
}

/** A stretch of a file in memory, while somebody sends from it or it is likely to be asked for again. */
class Window {
  readonly bytes: Uint8Array
  readonly #spare: Uint8Array[]
  #users = 0
  #isKept = true

  constructor(bytes: Uint8Array, spare: Uint8Array[]) {
    this.bytes = bytes
    this.#spare = spare
  }

  slice(start: number, length: number): Slice {
    this.#users += 1
    let isOut = true
    return {
      bytes: this.bytes.subarray(start, start + length),
      release: () => {
        if (!isOut) return
        isOut = false
        this.#users -= 1
        this.#recycle()
      },
    }
  }

  drop(): void {
    this.#isKept = false
    this.#recycle()
  }

  #recycle(): void {
    if (!this.#isKept && this.#users === 0 && this.#spare.length < MAX_SPARE_BUFFERS)
      this.#spare.push(this.bytes)
  }
}

/**
 * Reads a file in large windows and lends slices of them: peers ask for 16 KiB at a time, mostly one after another.
 * A window is a piece, at most 1 MiB: neighbours in a piece are asked for together, pieces in any order.
 */
export class WindowReader {
  readonly #handle: FileHandle
  readonly #sizeBytes: number
  readonly #windowBytes: number
  readonly #spare: Uint8Array[] = []
  readonly #windows = new Map<number, Window | Promise<Window>>()

  constructor(handle: FileHandle, sizeBytes: number, pieceLength: number) {
    this.#handle = handle
    this.#sizeBytes = sizeBytes
    this.#windowBytes = Math.min(pieceLength, MAX_WINDOW_BYTES)
  }

  read(position: number, length: number): Slice | Promise<Slice> {
    const number = Math.floor(position / this.#windowBytes)
    const start = position - number * this.#windowBytes
    if (start + length > this.#windowBytes) return this.#readAcross(position, length)
    const window = this.#window(number)
    if (window instanceof Window) return window.slice(start, length)
    return window.then((loaded) => loaded.slice(start, length))
  }

  close(): Promise<void> {
    this.#windows.clear()
    return this.#handle.close()
  }

  /** A request that does not lie in one window: rare, since both are aligned. */
  async #readAcross(position: number, length: number): Promise<Slice> {
    const bytes = new Uint8Array(length)
    await this.#fill(bytes, position)
    return { bytes, release: () => undefined }
  }

  #window(number: number): Window | Promise<Window> {
    const known = this.#windows.get(number)
    if (known !== undefined) return known
    const loading = this.#load(number).then(
      (window) => {
        if (this.#windows.get(number) === loading) this.#windows.set(number, window)
        else window.drop()
        return window
      },
      (error: unknown) => {
        this.#windows.delete(number)
        throw error
      },
    )
    this.#windows.set(number, loading)
    for (const [oldest, window] of this.#windows) {
      if (this.#windows.size <= WINDOWS_PER_FILE) break
      this.#windows.delete(oldest)
      if (window instanceof Window) window.drop()
    }
    return loading
  }

  async #load(number: number): Promise<Window> {
    const position = number * this.#windowBytes
    const length = Math.min(this.#windowBytes, this.#sizeBytes - position)
    const isWhole = length === this.#windowBytes
    const bytes = (isWhole ? this.#spare.pop() : undefined) ?? new Uint8Array(length)
    await this.#fill(bytes, position)
    return new Window(bytes, isWhole ? this.#spare : [])
  }

  async #fill(bytes: Uint8Array, position: number): Promise<void> {
    if (position + bytes.length > this.#sizeBytes) throw new RangeError('read past the end')
    if ((await readFully(this.#handle, bytes, position)) < bytes.length)
      throw new RangeError('file shorter than it was')
  }
}

interface OpenFile {
  readonly reader: WindowReader
  usedAtMs: number
  confirmedAtMs: number
}

/** Keeps the files that are being asked for open, the least recently used closed first, all of them only for a while. */
export class ServedFiles {
  readonly #open: (mediaId: string) => Promise<ServableFile>
  readonly #files = new Map<string, OpenFile>()
  readonly #opening = new Map<string, Promise<WindowReader>>()
  #sweep: NodeJS.Timeout | undefined

  constructor(open: (mediaId: string) => Promise<ServableFile>) {
    this.#open = open
  }

  get openCount(): number {
    return this.#files.size
  }

  /** @throws what `open` throws: the file changed, is missing, or the media folder is away */
  reader(mediaId: string, pieceLength: number): WindowReader | Promise<WindowReader> {
    const nowMs = performance.now()
    const file = this.#files.get(mediaId)
    if (file !== undefined && nowMs - file.confirmedAtMs < CONFIRM_EVERY_MS) {
      file.usedAtMs = nowMs
      return file.reader
    }
    const opening = this.#opening.get(mediaId) ?? this.#confirm(mediaId, pieceLength)
    this.#opening.set(mediaId, opening)
    return opening
  }

  async close(mediaId: string): Promise<void> {
    const file = this.#files.get(mediaId)
    this.#files.delete(mediaId)
    await file?.reader.close()
  }

  async closeAll(): Promise<void> {
    clearInterval(this.#sweep)
    this.#sweep = undefined
    await Promise.allSettled(this.#opening.values())
    await Promise.all([...this.#files.keys()].map((mediaId) => this.close(mediaId)))
  }

  async #confirm(mediaId: string, pieceLength: number): Promise<WindowReader> {
    try {
      const { path, sizeBytes } = await this.#open(mediaId)
      const nowMs = performance.now()
      const known = this.#files.get(mediaId)
      if (known !== undefined) {
        known.confirmedAtMs = known.usedAtMs = nowMs
        return known.reader
      }
      const reader = new WindowReader((await openRegular(path)).handle, sizeBytes, pieceLength)
      this.#files.set(mediaId, { reader, usedAtMs: nowMs, confirmedAtMs: nowMs })
      await this.#closeSome()
      this.#sweep ??= setInterval(() => void this.#closeIdle(), IDLE_CLOSE_MS / 2).unref()
      return reader
    } catch (error) {
      await this.close(mediaId)
      if (error instanceof AppError) throw error
      throw new AppError('SOURCE_UNREADABLE', "The file can't be read, so it is not being seeded.", {
        cause: error,
      })
    } finally {
      this.#opening.delete(mediaId)
    }
  }

  async #closeSome(): Promise<void> {
    if (this.#files.size <= MAX_OPEN_FILES) return
    const [oldest] = [...this.#files].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs)
    if (oldest !== undefined) await this.close(oldest[0])
  }

  async #closeIdle(): Promise<void> {
    const nowMs = performance.now()
    const idle = [...this.#files].filter(([, file]) => nowMs - file.usedAtMs > IDLE_CLOSE_MS)
    await Promise.all(idle.map(([mediaId]) => this.close(mediaId)))
    if (this.#files.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}
