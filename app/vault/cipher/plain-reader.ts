import { timingSafeEqual } from 'node:crypto'
import { AppError } from '../../contract/index.ts'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES, segmentCountOf } from '../../segments.ts'
import type { SingleEncryption, StreamEncryption } from '../../manifest/index.ts'
import { ciphertextInvalid, openMessage, openSegment } from './open-segment.ts'
import { deriveStreamKeys } from '../../stream-cipher.ts'
import type { StreamKeys } from '../../stream-cipher.ts'

/** The encrypted bytes, wherever they lie; also while they are still arriving. */
export interface StoredBytes {
  readonly sizeBytes: number
  /** Fills the whole of `target` with the bytes from `position` on, or throws; `signal` ends a wait for them. */
  read(target: Uint8Array, position: number, signal?: AbortSignal): Promise<void>
}

/** The first look is one segment, so that the first byte is there soon; then up to this many are read at once. */
const MAX_BATCH_SEGMENTS = 16
/** A look at no more than this, up to the very end, is one that was counted from the end. */
const TAIL_BYTES = 1024 * 1024

interface Source {
  /** Plaintext from a segment's beginning on, in order. */
  read(
    start: number,
    endExclusive: number,
    signal: AbortSignal | undefined,
    isLent: boolean,
  ): AsyncGenerator<Uint8Array>
  close(): void
}

/**
 * Reads any part of an encrypted item. Only whole segments whose tag holds are ever given out; nothing outside the range
 * is decrypted but the rest of the segments it begins and ends in.
 */
export class PlainReader {
  /** Of the plaintext. */
  readonly sizeBytes: number
  readonly #source: Source

  private constructor(sizeBytes: number, source: Source) {
    this.sizeBytes = sizeBytes
    this.#source = source
  }

  /**
   * Checks key and sizes; reads none of the bytes yet, but for a file that is one message, which is read whole.
   * @param input `fileKey`: 32 bytes; left untouched, and not needed any more afterwards
   * @throws {AppError} `KEY_NEEDED` when the key is another item's; `CIPHERTEXT_INVALID` when there are more or fewer bytes
   * than the manifest says, or a single message does not hold; what `stored.read` throws
   */
  static async open(input: {
    readonly stored: StoredBytes
    readonly encryption: StreamEncryption | SingleEncryption
    readonly fileKey: Uint8Array
  }): Promise<PlainReader> {
    const { stored, encryption, fileKey } = input
    if (stored.sizeBytes !== encryption.storedSizeBytes) throw ciphertextInvalid()
    if (encryption.layout === 'single') {
      const plain = await openWhole(stored, encryption, fileKey)
      return new PlainReader(plain.length, new WholeSource(plain))
    }
    const keys = committedKeys(encryption, fileKey)
    return new PlainReader(encryption.plainSizeBytes, new SegmentSource(stored, encryption, keys))
  }

  /**
   * Bytes `start` … `endExclusive` of the plaintext, in order, in chunks of up to a segment.
   * @param isLent each chunk is gone as soon as the next one is asked for: half the work, for whoever copies it at once
   * @throws {AppError} `BAD_REQUEST` when the range lies outside the file; `CIPHERTEXT_INVALID` at the first segment that is not
   * what the owner sealed there; `CANCELLED`; what `stored.read` throws
   */
  async *read(
    start: number,
    endExclusive: number,
    signal?: AbortSignal,
    isLent = false,
  ): AsyncGenerator<Uint8Array> {
    if (
      !Number.isSafeInteger(start) ||
      !Number.isSafeInteger(endExclusive) ||
      start < 0 ||
      endExclusive < start ||
      endExclusive > this.sizeBytes
    ) {
      throw new AppError('BAD_REQUEST', 'This item has no such bytes.')
    }
    yield* this.#source.read(start, endExclusive, signal, isLent)
  }

  /** Wipes the keys; nothing can be read afterwards. Idempotent. */
  close(): void {
    this.#source.close()
  }
}

/**
 * The keys of an item, when the file key is really its own.
 * @throws {AppError} `KEY_NEEDED`
 */
export function committedKeys(encryption: StreamEncryption, fileKey: Uint8Array): StreamKeys {
  const keys = deriveStreamKeys(fileKey, encryption.salt)
  if (
    timingSafeEqual(keys.commitment, encryption.commitment) &&
    timingSafeEqual(keys.noncePrefix, encryption.noncePrefix)
  ) {
    return keys
  }
  keys.key.fill(0)
  throw new AppError('KEY_NEEDED', 'This key opens another item, not this one. Nothing was decrypted.', {
    hint: 'Ask its owner for access to this item.',
  })
}

class SegmentSource implements Source {
  readonly #stored: StoredBytes
  readonly #encryption: StreamEncryption
  readonly #segments: number
  #keys: StreamKeys | undefined
  #isEndVerified = false

  constructor(stored: StoredBytes, encryption: StreamEncryption, keys: StreamKeys) {
    this.#stored = stored
    this.#encryption = encryption
    this.#keys = keys
    this.#segments = segmentCountOf(encryption.plainSizeBytes)
  }

  async *read(
    start: number,
    endExclusive: number,
    signal: AbortSignal | undefined,
    isLent: boolean,
  ): AsyncGenerator<Uint8Array> {
    const { plainSizeBytes } = this.#encryption
    const isTail = endExclusive === plainSizeBytes && start > 0 && endExclusive - start <= TAIL_BYTES
    if (plainSizeBytes === 0 || isTail) await this.#verifyEnd(signal)
    if (endExclusive === start) return
    const first = Math.floor(start / SEGMENT_PLAIN_BYTES)
    const last = Math.ceil(endExclusive / SEGMENT_PLAIN_BYTES) - 1
    for await (const { index, segments } of this.#batches(first, last, signal)) {
      for (let i = 0; i * SEGMENT_BYTES < segments.length; i += 1) {
        const plain = this.#open(index + i, segments.subarray(i * SEGMENT_BYTES, (i + 1) * SEGMENT_BYTES))
        const at = (index + i) * SEGMENT_PLAIN_BYTES
        yield plain.subarray(Math.max(0, start - at), Math.min(plain.length, endExclusive - at))
        if (isLent) release(plain)
        throwIfCancelled(signal)
      }
    }
  }

  close(): void {
    this.#keys?.key.fill(0)
    this.#keys = undefined
  }

  /** Segments `first` … `last` as stored, a few at a time; while one batch is decrypted, the next is read into another buffer. */
  async *#batches(
    first: number,
    last: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ readonly index: number; readonly segments: Uint8Array }> {
    const stop = new AbortController()
    const until = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    const buffers: Uint8Array[] = []
    let count = 1
    const read = (index: number, into: number) => {
      const segments = Math.min(count, last - index + 1)
      const buffer = grown(buffers[into], segments * SEGMENT_BYTES)
      buffers[into] = buffer
      count = Math.min(count * 4, MAX_BATCH_SEGMENTS)
      const bytes = this.#load(index, segments, until, buffer)
      // Whoever stops early never asks for it.
      bytes.catch(() => undefined)
      return { index, next: index + segments, into, bytes }
    }
    let ahead = read(first, 0)
    try {
      for (;;) {
        const batch = ahead
        const segments = await batch.bytes
        if (batch.next <= last) ahead = read(batch.next, 1 - batch.into)
        yield { index: batch.index, segments }
        if (batch.next > last) return
      }
    } finally {
      stop.abort()
      await ahead.bytes.catch(() => undefined)
    }
  }

  /** The bytes of `count` segments from `index` on, as stored, at the beginning of `buffer`. */
  async #load(
    index: number,
    count: number,
    signal: AbortSignal | undefined,
    buffer: Uint8Array,
  ): Promise<Uint8Array> {
    throwIfCancelled(signal)
    const position = index * SEGMENT_BYTES
    const end = Math.min(position + count * SEGMENT_BYTES, this.#encryption.storedSizeBytes)
    const target = buffer.subarray(0, end - position)
    await this.#stored.read(target, position, signal)
    throwIfCancelled(signal)
    return target
  }

  #open(index: number, stored: Uint8Array): Uint8Array {
    if (this.#keys === undefined) throw new AppError('CANCELLED', 'This item was closed while it was read.')
    const isLast = index === this.#segments - 1
    const plain = openSegment(this.#keys, index, isLast, stored)
    if (isLast && !timingSafeEqual(stored.subarray(stored.length - 16), this.#encryption.authTag)) {
      throw ciphertextInvalid()
    }
    this.#isEndVerified ||= isLast
    return plain
  }

  /** That the file really ends where the manifest says, before anything counted from its end is given out. */
  async #verifyEnd(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isEndVerified) return
    const index = this.#segments - 1
    this.#open(index, await this.#load(index, 1, signal, Buffer.allocUnsafeSlow(SEGMENT_BYTES)))
  }
}

class WholeSource implements Source {
  #plain: Uint8Array | undefined

  constructor(plain: Uint8Array) {
    this.#plain = plain
  }

  async *read(
    start: number,
    endExclusive: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    for (let at = start; at < endExclusive; at += SEGMENT_BYTES) {
      throwIfCancelled(signal)
      if (this.#plain === undefined)
        throw new AppError('CANCELLED', 'This item was closed while it was read.')
      yield this.#plain.slice(at, Math.min(at + SEGMENT_BYTES, endExclusive))
    }
  }

  close(): void {
    this.#plain?.fill(0)
    this.#plain = undefined
  }
}

async function openWhole(
  stored: StoredBytes,
  { iv, authTag, storedSizeBytes }: SingleEncryption,
  fileKey: Uint8Array,
): Promise<Uint8Array> {
  if (fileKey.length !== 32) throw new RangeError('a file key has 32 bytes')
  const ciphertext = Buffer.allocUnsafeSlow(storedSizeBytes)
  await stored.read(ciphertext, 0)
  return openMessage(fileKey, iv, ciphertext, authTag)
}

function grown(buffer: Uint8Array | undefined, length: number): Uint8Array {
  return buffer !== undefined && buffer.length >= length ? buffer : Buffer.allocUnsafeSlow(length)
}

/**
 * Gives memory back at once. Left to the garbage collector, which looks at the whole heap for each few dozen megabytes of it,
 * that costs more than decrypting.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AppError('CANCELLED', 'The reading was stopped.')
}
