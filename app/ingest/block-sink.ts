import type { HashPool, HashTask } from './hash-pool.ts'
import { BLOCK_BYTES, RING_SLOTS, Ring } from './ring.ts'

/** As many blocks go into one write at most; the others of the ring are being read and hashed. */
const WRITE_BLOCKS = 4

type WriteBlocks = (blocks: readonly Uint8Array[]) => Promise<void>

interface BlockSinkOptions {
  /** Blocks that will be sent, when that is known. */
  readonly blocks?: number | undefined
  readonly withSha256: boolean
  readonly pieceLength: number | undefined
  readonly write: WriteBlocks | undefined
  /** The hashes share one worker, as another is busy with something else for the same job. */
  readonly isInOneWorker?: boolean
  /** A block of this many bytes went to everybody who wanted it. */
  readonly onTaken: (bytes: number) => void
}

/** Where stored bytes go, block by block in order: to their hashes, and to the file if there is one. */
export class BlockSink {
  readonly ring: Ring
  readonly #options: BlockSinkOptions
  readonly #tasks: HashTask[]
  readonly #write: ((bytes: Uint8Array) => Promise<void>) | undefined
  readonly #inFlight = new Set<Promise<void>>()
  #sentBytes = 0

  constructor(pool: HashPool, options: BlockSinkOptions) {
    const { withSha256, pieceLength, write, isInOneWorker = false } = options
    this.#options = options
    this.ring = new Ring(pool, options.blocks ?? RING_SLOTS)
    this.#write = write === undefined ? undefined : gatherWrites(write)
    const { memory } = this.ring
    try {
      this.#tasks = pool.openTasks([
        ...(withSha256
          ? [{ memory, blockBytes: BLOCK_BYTES, worker: 0, work: { type: 'sha256' } as const }]
          : []),
        ...(pieceLength === undefined
          ? []
          : [
              {
                memory,
                blockBytes: BLOCK_BYTES,
                worker: isInOneWorker || !withSha256 ? 0 : 1,
                work: { type: 'pieces', pieceLength } as const,
              },
            ]),
      ])
    } catch (error) {
      this.ring.giveBack()
      throw error
    }
  }

  get sentBytes(): number {
    return this.#sentBytes
  }

  /** Passes a block on that was taken from `ring` and filled with `length` bytes, and frees it when all are through. */
  send(slot: number, length: number): void {
    this.#sentBytes += length
    const readers = this.#tasks.map((task) => task.feed(slot, length))
    if (this.#write !== undefined) readers.push(this.#write(this.ring.block(slot).subarray(0, length)))
    const done = this.#release(slot, length, readers).finally(() => this.#inFlight.delete(done))
    this.#inFlight.add(done)
  }

  /** Waits until every block has arrived everywhere. @throws what went wrong on the way */
  async settle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
    this.ring.throwFailure()
  }

  /** The digests of everything that was sent; after `settle`. */
  async finish(): Promise<{ sha256?: string; pieceLength?: number; pieces?: Uint8Array }> {
    const { withSha256, pieceLength } = this.#options
    const digests = await Promise.all(this.#tasks.map((task) => task.finish()))
    const sha256 = withSha256 ? digests.shift() : undefined
    const pieces = digests.shift()
    return {
      ...(sha256 === undefined ? {} : { sha256: Buffer.from(sha256).toString('hex') }),
      ...(pieces === undefined || pieceLength === undefined ? {} : { pieceLength, pieces }),
    }
  }

  /** Nothing writes to the file or reads the ring any more when this returns. Never fails. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
    for (const task of this.#tasks) task.drop()
    this.ring.giveBack()
  }

  /** Frees the slot once everybody is through with it, also after a failure: the others may still be at it. */
  async #release(slot: number, length: number, readers: readonly Promise<void>[]): Promise<void> {
    const outcomes = await Promise.allSettled(readers)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed === undefined) this.#options.onTaken(length)
    else this.ring.fail(failed.reason)
    this.ring.free(slot)
  }
}

/** One call writes at a time; the blocks that come meanwhile go together in the next. After a failure nothing is written. */
function gatherWrites(write: WriteBlocks): (bytes: Uint8Array) => Promise<void> {
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
