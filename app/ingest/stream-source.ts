import type { Readable } from 'node:stream'
import { AppError } from '../contract/errors.ts'

/** Takes chunks of any size and fills blocks with them. */
export class StreamSource {
  readonly #chunks: AsyncIterator<unknown>
  readonly #maxBytes: number
  /** What has come and was not asked for yet. */
  #waiting: Uint8Array[] = []
  #receivedBytes = 0
  #isEnded = false

  constructor(stream: Readable, maxBytes = Infinity) {
    this.#chunks = stream[Symbol.asyncIterator]()
    this.#maxBytes = maxBytes
  }

  /**
   * Puts the next bytes into `target`; fewer than fit only at the end.
   * @throws {AppError} `SOURCE_UNREADABLE` when the stream breaks off, `PAYLOAD_TOO_LARGE`
   */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const chunk = this.#waiting.shift() ?? (await this.#next())
      if (chunk === undefined) break
      const part = chunk.subarray(0, target.length - filled)
      target.set(part, filled)
      filled += part.length
      if (part.length < chunk.length) this.#waiting.unshift(chunk.subarray(part.length))
    }
    return filled
  }

  /**
   * Waits until so many bytes have come, or all there are, without taking them.
   * @returns whether these are all
   * @throws as `fill`
   */
  async peek(bytes: number): Promise<boolean> {
    let waitingBytes = 0
    while (waitingBytes < bytes) {
      const chunk = await this.#next()
      if (chunk === undefined) return true
      this.#waiting.push(chunk)
      waitingBytes += chunk.length
    }
    return false
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#isEnded) return undefined
    const next = await this.#chunks.next().catch((error: unknown) => {
      throw brokenOff(error)
    })
    if (next.done === true) {
      this.#isEnded = true
      return undefined
    }
    const chunk = toBytes(next.value)
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes > this.#maxBytes) throw tooLarge(this.#maxBytes)
    return chunk
  }
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return Buffer.from(chunk)
  throw new TypeError('a stream of bytes was expected')
}

function brokenOff(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  return new AppError(
    'SOURCE_UNREADABLE',
    'The sender stopped before everything had arrived. Nothing was stored.',
    {
      cause,
      hint: 'Send it again.',
    },
  )
}

export function tooLarge(maxBytes: number): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', 'The file is larger than this node accepts. Nothing was stored.', {
    details: { maxBytes },
  })
}
