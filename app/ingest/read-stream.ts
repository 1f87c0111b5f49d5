import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { storedSizeOf } from '../segments.ts'
import { withStreamKeys, type Encrypt } from './encrypt.ts'
import { cancelled, sourceEmpty, targetError } from './fs-errors.ts'
import { hashPieces } from './hash-file.ts'
import type { HashPool } from './hash-pool.ts'
import { SNIFF_BYTES, sniffMime } from './mime.ts'
import type { PauseGate } from './pause-gate.ts'
import { pieceLengthFor } from './piece-length.ts'
import { type Progress, ProgressMeter } from './progress.ts'
import { pump, type PumpResult } from './pump.ts'
import { BLOCK_BYTES } from './ring.ts'
import { ingested, type IngestResult, type Pumped } from './read-file.ts'
import { removeStaged, StagedFile } from './staged-file.ts'
import { StreamSource, tooLarge } from './stream-source.ts'

export interface ReadStreamOptions {
  readonly stream: Readable
  /** Where the bytes go; its folder exists. */
  readonly stagedPath: string
  /** Only to tell kinds of text apart. */
  readonly name?: string
  /** What the sender says it will send; never believed, only planned with. */
  readonly sizeHint?: number | undefined
  readonly maxBytes?: number | undefined
  /**
   * What is stored is the ciphertext; the plaintext is never on the disk. A function is asked when the first megabyte has
   * come, or all there is, for senders who say beside the bytes what they want.
   */
  readonly encrypt?: Encrypt | ((isAllHere: boolean) => Encrypt | undefined) | undefined
  /** SHA-1 pieces for a torrent. */
  readonly withPieces: boolean
  /** Free space that must remain in the media folder. @defaultValue 0 */
  readonly reserveBytes?: number
  readonly signal: AbortSignal
  readonly gate?: PauseGate
  readonly onProgress?: (progress: Progress) => void
}

/** How often the free space is looked at while a stream of unknown length arrives. */
const SPACE_CHECK_BYTES = 64 * 1024 * 1024

/**
 * Stores what a stream brings at `stagedPath` and gives what `readFile` gives. Fails without leaving anything there; the
 * stream is destroyed then.
 * @throws {AppError} `PAYLOAD_TOO_LARGE` beyond `maxBytes`, `SOURCE_EMPTY`, `SOURCE_UNREADABLE` when the stream breaks off,
 *   `DISK_FULL`, `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`, `CANCELLED`
 */
export async function readStream(pool: HashPool, options: ReadStreamOptions): Promise<IngestResult> {
  const { stream, stagedPath, sizeHint, maxBytes = Infinity, signal } = options
  const onAbort = (): void => void stream.destroy(cancelled(signal))
  // Also covers a stream that breaks off between two reads: without a listener that would end the process.
  stream.on('error', ignoreError)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) throw cancelled(signal)
    if ((sizeHint ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const { head, result } = await receive(pool, options)
    const pieces = await finalPieces(pool, options, result)
    return {
      ...ingested({ ...result, ...pieces }),
      mime: await sniffMime(head, options.name ?? ''),
      isLinked: false,
    }
  } catch (error) {
    stream.destroy()
    await removeStaged(stagedPath)
    throw signal.aborted ? cancelled(signal) : error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function ignoreError(): void {
  // The iterator reports it.
}

async function receive(pool: HashPool, options: ReadStreamOptions): Promise<Pumped> {
  const { stream, maxBytes, stagedPath, encrypt, sizeHint, reserveBytes = 0, withPieces } = options
  const { signal, gate, onProgress } = options
  const storedHint = encrypt === undefined || sizeHint === undefined ? sizeHint : storedSizeOf(sizeHint)
  const folder = dirname(stagedPath)
  const reserve = async (bytes: number) =>
    pool.space.reserve(folder, bytes, reserveBytes).catch((error: unknown) => {
      throw targetError(error)
    })
  let space = await reserve(storedHint ?? 0)
  let uncheckedBytes = 0
  const target = await StagedFile.create(stagedPath, {
    sizeBytes: storedHint ?? 0,
    onWritten: (bytes) => space.used(bytes),
  }).catch((error: unknown) => {
    space.release()
    throw error
  })
  try {
    const meter = new ProgressMeter(sizeHint, onProgress)
    const source = new StreamSource(stream, maxBytes)
    let head = new Uint8Array()
    const result = await withStreamKeys(await decided(encrypt, source), (keys) =>
      pump(pool, {
        fill: (block) => source.fill(block),
        keys,
        withSha256: true,
        pieceLength: (storedBytes = keys === undefined ? sizeHint : storedHint) =>
          withPieces && storedBytes !== undefined ? pieceLengthFor(storedBytes) : undefined,
        write: async (blocks) => {
          for (const block of blocks) uncheckedBytes += block.length
          if (sizeHint === undefined && uncheckedBytes >= SPACE_CHECK_BYTES) {
            uncheckedBytes = 0
            space.release()
            space = await reserve(SPACE_CHECK_BYTES)
          }
          await target.write(blocks)
        },
        onFirstBlock: (bytes) => {
          if (bytes.length === 0) throw sourceEmpty(options.name ?? 'The upload')
          head = bytes.slice(0, SNIFF_BYTES)
        },
        meter,
        gate,
        signal,
      }),
    )
    meter.end()
    return { head, result }
  } finally {
    space.release()
    await target.close()
  }
}

/** Whether it is to be encrypted, once enough has come for a sender to have said so. */
async function decided(
  encrypt: ReadStreamOptions['encrypt'],
  source: StreamSource,
): Promise<Encrypt | undefined> {
  if (typeof encrypt !== 'function') return encrypt
  return encrypt(await source.peek(BLOCK_BYTES))
}

/** When the final size asks for another piece length than was planned with, the pieces are made from the written file. */
async function finalPieces(
  pool: HashPool,
  { stagedPath, withPieces, signal }: ReadStreamOptions,
  result: PumpResult,
): Promise<{ pieceLength?: number; pieces?: Uint8Array }> {
  const pieceLength = pieceLengthFor(result.sizeBytes)
  if (!withPieces || result.pieceLength === pieceLength) return {}
  return { pieceLength, pieces: await hashPieces(pool, { path: stagedPath, pieceLength, signal }) }
}
