import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { cancelled } from './fs-errors.ts'
import type { HashPool, HashTask } from './hash-pool.ts'
import { pieceDigester } from './hash-worker.ts'
import type { PauseGate } from './pause-gate.ts'
import type { ProgressMeter } from './progress.ts'

export const BLOCK_BYTES = 1024 * 1024
/** Enough that reading, two hashes and writing each have a few blocks ahead; more measured no faster. */
const RING_SLOTS = 16
/** As many blocks go into one write at most; the others of the ring are being read and hashed. */
const WRITE_BLOCKS = 4

export interface PumpOptions {
  /**
   * Puts the next bytes into `target` and says how many: fewer than fit only at the end.
   * Never called again before it has resolved.
   */
  readonly fill: (target: Uint8Array) => Promise<number>
  /** When known, exactly this many bytes are asked for. */
  readonly sizeBytes?: number | undefined
  readonly withSha256: boolean
  /** Gives the piece length for a size, `undefined` for no pieces; the size itself is `undefined` while nobody knows it. */
  readonly pieceLength: (sizeBytes: number | undefined) => number | undefined
  /** Blocks come in order, one call at a time; those that queued up meanwhile come together. */
  readonly write?: ((blocks: readonly Uint8Array[]) => Promise<void>) | undefined
  /** Sees the first block before it is hashed. */
  readonly onFirstBlock?: ((bytes: Uint8Array) => void) | undefined
  readonly meter: ProgressMeter
  readonly gate?: PauseGate | undefined
  readonly rateLimitBytesPerSec?: number | undefined
  readonly signal: AbortSignal
}

export interface PumpResult {
  readonly sizeBytes: number
  readonly sha256?: string
  readonly pieceLength?: number
  readonly pieces?: Uint8Array
}

/**
 * Moves bytes once from where they come to everything that wants them: the hashes in their workers and, if asked for, a
 * writer. Memory is one ring of blocks whatever the size. What fits one block is hashed right here: a worker would cost
 * more than it saves.
 * @throws {AppError} `CANCELLED` (or the signal's own reason) when `signal` fires, at any byte
 */
export async function pump(pool: HashPool, options: PumpOptions): Promise<PumpResult> {
  const { sizeBytes, signal } = options
  const pace = pacer(options)
  await pace(0)
  const first = new Uint8Array(Math.min(sizeBytes ?? BLOCK_BYTES, BLOCK_BYTES))
  const firstLength = await options.fill(first)
  if (signal.aborted) throw cancelled(signal)
  const head = first.subarray(0, firstLength)
  options.onFirstBlock?.(head)
  const isWhole = sizeBytes === undefined ? firstLength < BLOCK_BYTES : firstLength === sizeBytes
  return isWhole ? pumpInline(head, options) : new Pump(pool, options, pace).run(head)
}

async function pumpInline(bytes: Uint8Array, options: PumpOptions): Promise<PumpResult> {
  const pieceLength = options.pieceLength(bytes.length)
  await options.write?.([bytes])
  options.meter.add(bytes.length)
  return {
    sizeBytes: bytes.length,
    ...(options.withSha256 ? { sha256: hash('sha256', bytes) } : {}),
    ...(pieceLength === undefined ? {} : { pieceLength, pieces: piecesOf(bytes, pieceLength) }),
  }
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

/** The way of more than one block: ring, workers, writer. */
class Pump {
  readonly #pool: HashPool
  readonly #options: PumpOptions
  readonly #pace: (sentBytes: number) => Promise<void>
  readonly #slots: Uint8Array[]
  readonly #ring: SharedArrayBuffer
  readonly #free: number[]
  readonly #inFlight = new Set<Promise<void>>()
  #tasks: HashTask[] = []
  readonly #write: ((bytes: Uint8Array) => Promise<void>) | undefined
  #slotFreed: PromiseWithResolvers<void> | null = null
  #failure: { readonly error: unknown } | null = null
  #sentBytes = 0

  constructor(pool: HashPool, options: PumpOptions, pace: (sentBytes: number) => Promise<void>) {
    this.#pool = pool
    this.#options = options
    this.#pace = pace
    this.#write = options.write === undefined ? undefined : gatherWrites(options.write)
    const blocks = Math.ceil((options.sizeBytes ?? Infinity) / BLOCK_BYTES)
    const slotCount = Math.min(RING_SLOTS, blocks)
    // Always the same size, so that it can be used again; what a small file does not touch costs nothing.
    const ring = pool.takeRing(RING_SLOTS * BLOCK_BYTES)
    this.#ring = ring
    this.#slots = Array.from(
      { length: slotCount },
      (_, i) => new Uint8Array(ring, i * BLOCK_BYTES, BLOCK_BYTES),
    )
    this.#free = this.#slots.map((_, index) => index)
  }

  async run(head: Uint8Array): Promise<PumpResult> {
    const { withSha256, sizeBytes } = this.#options
    const pieceLength = this.#options.pieceLength(sizeBytes)
    try {
      const wanted = [...(withSha256 ? [undefined] : []), ...(pieceLength === undefined ? [] : [pieceLength])]
      this.#tasks = this.#pool.openTasks(this.#ring, BLOCK_BYTES, wanted)
      await this.#readAll(head)
      await this.#settle()
      const digests = await Promise.all(this.#tasks.map((task) => task.finish()))
      const sha256 = withSha256 ? digests.shift() : undefined
      const pieces = digests.shift()
      return {
        sizeBytes: this.#sentBytes,
        ...(sha256 === undefined ? {} : { sha256: Buffer.from(sha256).toString('hex') }),
        ...(pieces === undefined || pieceLength === undefined ? {} : { pieceLength, pieces }),
      }
    } finally {
      // Nothing may still write to the file or into the ring once the caller goes on.
      await Promise.allSettled(this.#inFlight)
      for (const task of this.#tasks) task.drop()
      this.#pool.keepRing(this.#ring)
    }
  }

  async #readAll(head: Uint8Array): Promise<void> {
    const { sizeBytes = Infinity } = this.#options
    const firstSlot = this.#free.shift() ?? 0
    this.#slots[firstSlot]?.set(head)
    this.#send(firstSlot, head.length)
    while (this.#sentBytes < sizeBytes) {
      await this.#pace(this.#sentBytes)
      const slot = await this.#freeSlot()
      const block = this.#slots[slot]
      if (block === undefined) throw new RangeError(`no slot ${slot}`)
      const target = block.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - this.#sentBytes))
      const length = await this.#options.fill(target)
      if (length > 0) this.#send(slot, length)
      if (length < target.length) return
    }
  }

  async #freeSlot(): Promise<number> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure.error
      const slot = this.#free.shift()
      if (slot !== undefined) return slot
      this.#slotFreed = Promise.withResolvers<void>()
      await this.#slotFreed.promise
    }
  }

  #send(slot: number, length: number): void {
    this.#sentBytes += length
    const readers = this.#tasks.map((task) => task.feed(slot, length))
    const bytes = this.#slots[slot]?.subarray(0, length)
    if (this.#write !== undefined && bytes !== undefined) readers.push(this.#write(bytes))
    const done = this.#release(slot, length, readers).finally(() => this.#inFlight.delete(done))
    this.#inFlight.add(done)
  }

  /** Frees the slot once everybody is through with it, also after a failure: the others may still be at it. */
  async #release(slot: number, length: number, readers: readonly Promise<void>[]): Promise<void> {
    const outcomes = await Promise.allSettled(readers)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed === undefined) this.#options.meter.add(length)
    else this.#failure ??= { error: failed.reason }
    this.#free.push(slot)
    this.#slotFreed?.resolve()
  }

  async #settle(): Promise<void> {
    while (this.#inFlight.size > 0) {
      await Promise.all(this.#inFlight)
      if (this.#options.signal.aborted) throw cancelled(this.#options.signal)
    }
    if (this.#failure !== null) throw this.#failure.error
  }
}

/** One call writes at a time; the blocks that come meanwhile go together in the next. After a failure nothing is written. */
function gatherWrites(
  write: (blocks: readonly Uint8Array[]) => Promise<void>,
): (bytes: Uint8Array) => Promise<void> {
  let gathering: { readonly blocks: Uint8Array[]; readonly written: Promise<void> } | null = null
  let last: Promise<void> = Promise.resolve()

  function startBatch(): { readonly blocks: Uint8Array[]; readonly written: Promise<void> } {
    const blocks: Uint8Array[] = []
    const previous = last
    const written = (async () => {
      await previous
      if (gathering?.blocks === blocks) gathering = null
      await write(blocks)
    })()
    last = written
    return { blocks, written }
  }

  return (bytes) => {
    if (gathering === null || gathering.blocks.length >= WRITE_BLOCKS) gathering = startBatch()
    gathering.blocks.push(bytes)
    return gathering.written
  }
}
