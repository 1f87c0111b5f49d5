import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { plainSizeWithin, storedSizeOf, TAG_BYTES } from '../segments.ts'
import type { StreamKeys } from '../stream-cipher.ts'
import { BlockSink } from './block-sink.ts'
import { cancelled } from './fs-errors.ts'
import type { HashPool } from './hash-pool.ts'
import { pieceDigester } from './hash-worker.ts'
import type { PauseGate } from './pause-gate.ts'
import type { ProgressMeter } from './progress.ts'
import { BLOCK_BYTES } from './ring.ts'
import { PLAIN_BLOCK_BYTES, sealBlock } from './seal-block.ts'
import { Sealing, type Sealed } from './sealing.ts'

export interface PumpOptions {
  /**
   * Puts the next bytes into `target` and says how many: fewer than fit only at the end.
   * Never called again before it has resolved.
   */
  readonly fill: (target: Uint8Array) => Promise<number>
  /** When known, exactly this many bytes are asked for. */
  readonly sizeBytes?: number | undefined
  /** What is read is encrypted with these; then what is stored, hashed and written is the ciphertext. */
  readonly keys?: StreamKeys | undefined
  readonly withSha256: boolean
  /** Gives the piece length for a stored size, `undefined` for no pieces; the size is `undefined` while nobody knows it. */
  readonly pieceLength: (sizeBytes: number | undefined) => number | undefined
  /** Blocks come in order, one call at a time; those that queued up meanwhile come together. */
  readonly write?: ((blocks: readonly Uint8Array[]) => Promise<void>) | undefined
  /** Sees the first block, as it was read, before it is hashed. */
  readonly onFirstBlock?: ((bytes: Uint8Array) => void) | undefined
  readonly meter: ProgressMeter
  readonly gate?: PauseGate | undefined
  readonly rateLimitBytesPerSec?: number | undefined
  readonly signal: AbortSignal
}

export interface PumpResult {
  /** Stored bytes. */
  readonly sizeBytes: number
  readonly sha256?: string
  readonly pieceLength?: number
  readonly pieces?: Uint8Array
  readonly sealed?: Sealed
}

/**
 * Moves bytes once from where they come to everything that wants them: the cipher, if there are keys, the hashes in their
 * workers and, if asked for, a writer. Memory is one ring of blocks (two with a cipher) whatever the size. What fits one block is hashed right here: a worker would cost
 * more than it saves.
 * @throws {AppError} `CANCELLED` (or the signal's own reason) when `signal` fires, at any byte
 */
export async function pump(pool: HashPool, options: PumpOptions): Promise<PumpResult> {
  const { sizeBytes, signal } = options
  const pace = pacer(options)
  await pace(0)
  const blockBytes = blockBytesOf(options)
  const first = new Uint8Array(Math.min(sizeBytes ?? blockBytes, blockBytes))
  const firstLength = await options.fill(first)
  if (signal.aborted) throw cancelled(signal)
  const head = first.subarray(0, firstLength)
  options.onFirstBlock?.(head)
  const isWhole = sizeBytes === undefined ? firstLength < blockBytes : firstLength === sizeBytes
  return isWhole ? pumpInline(head, options) : pumpBlocks(pool, options, pace, head)
}

/** As much is read at a time; encrypted it fills a block. */
function blockBytesOf({ keys }: PumpOptions): number {
  return keys === undefined ? BLOCK_BYTES : PLAIN_BLOCK_BYTES
}

async function pumpInline(read: Uint8Array, options: PumpOptions): Promise<PumpResult> {
  const { bytes, sealed } = options.keys === undefined ? { bytes: read } : sealInline(read, options.keys)
  const pieceLength = options.pieceLength(bytes.length)
  await options.write?.([bytes])
  options.meter.add(read.length)
  return {
    sizeBytes: bytes.length,
    ...(options.withSha256 ? { sha256: hash('sha256', bytes) } : {}),
    ...(pieceLength === undefined ? {} : { pieceLength, pieces: piecesOf(bytes, pieceLength) }),
    ...(sealed === undefined ? {} : { sealed }),
  }
}

function sealInline(plain: Uint8Array, keys: StreamKeys): { bytes: Uint8Array; sealed: Sealed } {
  const bytes = new Uint8Array(storedSizeOf(plain.length))
  sealBlock(keys, 0, true, plain, bytes)
  const authTag = bytes.slice(bytes.length - TAG_BYTES)
  return { bytes, sealed: { plainSizeBytes: plain.length, plainHash: hash('sha256', plain), authTag } }
}

function piecesOf(bytes: Uint8Array, pieceLength: number): Uint8Array {
  const digester = pieceDigester(pieceLength)
  digester.update(bytes)
  return digester.digest()
}

/** Waits before a block is read for as long as the gate is closed or the rate asks for. */
function pacer({
  gate,
  meter,
  rateLimitBytesPerSec,
  signal,
}: PumpOptions): (sentBytes: number) => Promise<void> {
  const startedAtMs = performance.now()
  let pausedMs = 0
  return async (sentBytes) => {
    if (gate?.isPaused) {
      const sinceMs = performance.now()
      await gate.wait(signal)
      pausedMs += performance.now() - sinceMs
      meter.restart()
    }
    if (rateLimitBytesPerSec !== undefined) {
      const dueAtMs = startedAtMs + pausedMs + (sentBytes * 1000) / rateLimitBytesPerSec
      const waitMs = dueAtMs - performance.now()
      if (waitMs > 1) await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    }
    if (signal.aborted) throw cancelled(signal)
  }
}

/** The way of more than one block: what is read goes to the sink, through the cipher if there are keys. */
async function pumpBlocks(
  pool: HashPool,
  options: PumpOptions,
  pace: (sentBytes: number) => Promise<void>,
  head: Uint8Array,
): Promise<PumpResult> {
  const { withSha256, sizeBytes, write, meter, keys, signal } = options
  const storedBytes = sizeBytes === undefined || keys === undefined ? sizeBytes : storedSizeOf(sizeBytes)
  const sink = new BlockSink(pool, {
    blocks: storedBytes === undefined ? undefined : Math.ceil(storedBytes / BLOCK_BYTES),
    withSha256,
    pieceLength: options.pieceLength(storedBytes),
    write,
    isInOneWorker: keys !== undefined,
    onTaken: (bytes) => meter.add(keys === undefined ? bytes : (plainSizeWithin(bytes) ?? 0)),
  })
  let sealing: Sealing | undefined
  try {
    if (keys !== undefined) sealing = new Sealing(pool, keys, sink)
    await readAll(options, pace, sealing ?? sink, head)
    await (sealing ?? sink).settle()
    if (signal.aborted) throw cancelled(signal)
    const [digests, sealed] = await Promise.all([sink.finish(), sealing?.finish()])
    return { sizeBytes: sink.sentBytes, ...digests, ...(sealed === undefined ? {} : { sealed }) }
  } finally {
    // Nothing may still write to the file or into the rings once the caller goes on.
    await sealing?.close()
    await sink.close()
  }
}

async function readAll(
  options: PumpOptions,
  pace: (sentBytes: number) => Promise<void>,
  to: BlockSink | Sealing,
  head: Uint8Array,
): Promise<void> {
  const { sizeBytes = Infinity } = options
  const blockBytes = blockBytesOf(options)
  const firstSlot = await to.ring.take()
  to.ring.block(firstSlot).set(head)
  to.send(firstSlot, head.length)
  while (to.sentBytes < sizeBytes) {
    await pace(to.sentBytes)
    const slot = await to.ring.take()
    const target = to.ring.block(slot).subarray(0, Math.min(blockBytes, sizeBytes - to.sentBytes))
    const length = await options.fill(target)
    if (length > 0) to.send(slot, length)
    if (length < target.length) return
  }
}
