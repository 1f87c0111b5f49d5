import type { Writable } from 'node:stream'
import { writeBuffer } from './byte-sender.ts'
import type { BufferPool } from './byte-sender.ts'

/** One buffer is filled while the other one is on its way. */
const MAX_IN_FLIGHT = 2

/**
 * Sends chunks of any size by copying them into buffers that are used again and again: short-lived chunks cost nearly
 * nothing, while tens of thousands of them that wait for a slow client keep the garbage collector busy. What has come is
 * sent at the latest in the next turn of the event loop, however little it is; never more than two buffers are ahead of the
 * client. Neither ends `out` nor sends more than was announced.
 */
export class ChunkSender {
  readonly #out: Writable
  readonly #pool: BufferPool
  /** Writes on their way, oldest first. */
  readonly #inFlight: Promise<void>[] = []
  #leftBytes: number
  #buffer: Buffer | undefined
  #filled = 0
  #flushing: NodeJS.Immediate | undefined

  /** @param sizeBytes of all chunks together */
  constructor(out: Writable, pool: BufferPool, sizeBytes: number) {
    this.#out = out
    this.#pool = pool
    this.#leftBytes = sizeBytes
  }

  /** Resolves when there is room for more. @throws when the client is gone, or more comes than was announced */
  async write(chunk: Uint8Array): Promise<void> {
    if (chunk.byteLength > this.#leftBytes) throw new RangeError('more bytes than were announced')
    for (let at = 0; at < chunk.byteLength;) {
      this.#buffer ??= await this.#take()
      const part = chunk.subarray(at, at + this.#buffer.byteLength - this.#filled)
      this.#buffer.set(part, this.#filled)
      this.#filled += part.byteLength
      this.#leftBytes -= part.byteLength
      at += part.byteLength
      if (this.#filled === this.#buffer.byteLength) this.#flush()
      else this.#flushing ??= setImmediate(() => this.#flush())
    }
  }

  /** Resolves when the operating system has taken everything. @throws when the client is gone, or fewer came */
  async end(): Promise<void> {
    this.#flush()
    while (this.#inFlight.length > 0) await this.#inFlight.shift()
    if (this.#leftBytes > 0) throw new RangeError(`${this.#leftBytes} bytes fewer than were announced`)
  }

  /** Gives back what was not sent. Idempotent; nothing is written afterwards. */
  close(): void {
    clearImmediate(this.#flushing)
    if (this.#buffer !== undefined) this.#pool.give(this.#buffer)
    this.#buffer = undefined
    this.#filled = 0
  }

  async #take(): Promise<Buffer> {
    while (this.#inFlight.length >= MAX_IN_FLIGHT) await this.#inFlight.shift()
    return this.#pool.take(this.#leftBytes)
  }

  #flush(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    if (this.#buffer === undefined) return
    const writing = writeBuffer(this.#out, this.#buffer, this.#filled, this.#pool)
    // Its failure is seen when its turn to be waited for comes; until then it is not unhandled.
    writing.catch(ignore)
    this.#inFlight.push(writing)
    this.#buffer = undefined
    this.#filled = 0
  }
}

function ignore(): void {
  // See the caller.
}
