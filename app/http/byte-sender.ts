import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'

const BIG_BYTES = 512 * 1024
const SMALL_BYTES = 64 * 1024

/**
 * Read buffers used again and again. When many slow clients hold all the big ones, the next client gets a small one of its own
 * rather than waiting.
 */
export class BufferPool {
  readonly #free: Buffer[] = []
  readonly #maxBig: number
  #bigInUse = 0

  /** @param maxBig how many big buffers may exist; 64 of them are 32 MiB */
  constructor(maxBig = 64) {
    this.#maxBig = maxBig
  }

  /** @param wantedBytes how much is left to send: a short answer takes no big buffer */
  take(wantedBytes: number): Buffer {
    if (wantedBytes <= SMALL_BYTES) return Buffer.allocUnsafeSlow(wantedBytes)
    if (this.#bigInUse >= this.#maxBig) return Buffer.allocUnsafeSlow(SMALL_BYTES)
    this.#bigInUse += 1
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BIG_BYTES)
  }

  give(buffer: Buffer): void {
    if (this.#forget(buffer)) this.#free.push(buffer)
  }

  /** For a buffer the operating system may still be reading from: counted as gone, never used again. */
  abandon(buffer: Buffer): void {
    this.#forget(buffer)
  }

  #forget(buffer: Buffer): boolean {
    if (buffer.byteLength !== BIG_BYTES) return false
    this.#bigInUse -= 1
    return true
  }
}

export interface SendOptions {
  readonly handle: FileHandle
  readonly out: Writable
  readonly start: number
  readonly endExclusive: number
  readonly pool: BufferPool
  /** Told the number of bytes each time the operating system has taken some. */
  readonly onSent: (bytes: number) => void
}

/** The file is shorter than it was when it was opened; whatever was announced can't be sent any more. */
export class FileShrankError extends Error {
  override readonly name = 'FileShrankError'
}

/**
 * Writes `start` … `endExclusive` of a file to `out`, reading the next block while the last one is on its way, and never more
 * than these two. Neither closes the file nor ends `out`.
 * @throws {FileShrankError}, or whatever reading or writing failed with
 */
export async function sendBytes({
  handle,
  out,
  start,
  endExclusive,
  pool,
  onSent,
}: SendOptions): Promise<void> {
  let position = start
  let writing: Promise<void> = Promise.resolve()
  while (position < endExclusive) {
    const buffer = pool.take(endExclusive - position)
    let isHandedOn = false
    try {
      const wanted = Math.min(buffer.byteLength, endExclusive - position)
      const { bytesRead } = await handle.read(buffer, 0, wanted, position)
      if (bytesRead === 0) throw new FileShrankError(`ended at ${position}, ${endExclusive} expected`)
      await writing
      isHandedOn = true
      writing = writeBuffer(out, buffer, bytesRead, pool).then(() => onSent(bytesRead))
      // Its failure is seen at the next `await writing`; until then it is not unhandled.
      writing.catch(ignore)
      position += bytesRead
    } finally {
      if (!isHandedOn) pool.give(buffer)
    }
  }
  await writing
}

/** Resolves when the operating system has taken the first `bytes` of `buffer`, and has given it back to `pool` then. */
export function writeBuffer(out: Writable, buffer: Buffer, bytes: number, pool: BufferPool): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSettled = false
    const settle = (error?: Error | null): void => {
      if (isSettled) return
      isSettled = true
      out.off('close', onClose)
      if (error) {
        pool.abandon(buffer)
        reject(error)
      } else {
        pool.give(buffer)
        resolve()
      }
    }
    const onClose = (): void => settle(new Error('the client went away'))
    if (out.destroyed) {
      settle(new Error('the client went away'))
      return
    }
    out.once('close', onClose)
    out.write(bytes === buffer.byteLength ? buffer : buffer.subarray(0, bytes), settle)
  })
}

function ignore(): void {
  // See the caller.
}
