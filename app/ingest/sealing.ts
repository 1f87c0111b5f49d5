import { segmentCountOf, storedSizeOf, TAG_BYTES } from '../segments.ts'
import type { StreamKeys } from '../stream-cipher.ts'
import type { BlockSink } from './block-sink.ts'
import type { HashPool, HashTask } from './hash-pool.ts'
import { BLOCK_BYTES, Ring } from './ring.ts'

/** Blocks of plaintext at the same time: one being read, one held back, the others on their way through the cipher. */
const PLAIN_SLOTS = 8

/** What encrypting a file gave, beside the stored bytes. */
export interface Sealed {
  readonly plainSizeBytes: number
  /** 64 lowercase hex: sha256 of the plaintext. */
  readonly plainHash: string
  /** 16 bytes: the tag of the last segment. */
  readonly authTag: Uint8Array
}

/**
 * Encrypts on the way: blocks of plaintext come in, blocks of ciphertext go on to a sink. One worker hashes the plaintext
 * and encrypts it, the ones behind the sink hash what comes out. The last block is encrypted in another way than all others,
 * so each is held back until it is known whether another follows.
 */
export class Sealing {
  readonly ring: Ring
  readonly #sink: BlockSink
  readonly #task: HashTask
  #held: { readonly slot: number; readonly length: number } | null = null
  #segments = 0
  #plainSizeBytes = 0
  #authTag: Uint8Array | undefined
  /** Blocks go into the cipher one after another, each when there is room for what comes out. */
  #turn: Promise<void> = Promise.resolve()
  readonly #inFlight = new Set<Promise<void>>()

  constructor(pool: HashPool, keys: StreamKeys, sink: BlockSink) {
    this.#sink = sink
    this.ring = new Ring(pool, PLAIN_SLOTS)
    const work = { type: 'seal', keys, target: sink.ring.memory, targetBlockBytes: BLOCK_BYTES } as const
    try {
      const [task] = pool.openTasks([{ memory: this.ring.memory, blockBytes: BLOCK_BYTES, worker: 0, work }])
      if (task === undefined) throw new Error('a task was not opened')
      this.#task = task
    } catch (error) {
      this.ring.giveBack()
      throw error
    }
  }

  get sentBytes(): number {
    return this.#plainSizeBytes
  }

  /** Takes a block of plaintext: whole segments, unless it is the last. */
  send(slot: number, length: number): void {
    this.#plainSizeBytes += length
    if (this.#held !== null) this.#seal(this.#held, false)
    this.#held = { slot, length }
  }

  /** No block follows. Waits until all ciphertext has arrived everywhere. @throws what went wrong on the way */
  async settle(): Promise<void> {
    if (this.#held !== null) this.#seal(this.#held, true)
    this.#held = null
    await this.#turn
    await Promise.all(this.#inFlight)
    this.ring.throwFailure()
    await this.#sink.settle()
  }

  /** After `settle`. */
  async finish(): Promise<Sealed> {
    const plainHash = Buffer.from(await this.#task.finish()).toString('hex')
    if (this.#authTag === undefined) throw new Error('the last block was not sealed')
    return { plainSizeBytes: this.#plainSizeBytes, plainHash, authTag: this.#authTag }
  }

  /** Nothing reads or writes either ring any more when this returns; the sink is closed after it. Never fails. */
  async close(): Promise<void> {
    this.ring.fail(new Error('closed'))
    await this.#turn
    await Promise.allSettled(this.#inFlight)
    this.#task.drop()
    this.ring.giveBack()
  }

  #seal({ slot, length }: { readonly slot: number; readonly length: number }, isLast: boolean): void {
    const firstIndex = this.#segments
    this.#segments += segmentCountOf(length)
    this.#turn = this.#turn.then(async () => {
      try {
        this.ring.throwFailure()
        const target = await this.#sink.ring.take()
        const sealed = this.#pass({ slot, length, target, firstIndex, isLast })
        this.#inFlight.add(sealed)
        void sealed.finally(() => this.#inFlight.delete(sealed))
      } catch (error) {
        this.ring.fail(error)
      }
    })
  }

  async #pass(block: {
    readonly slot: number
    readonly length: number
    readonly target: number
    readonly firstIndex: number
    readonly isLast: boolean
  }): Promise<void> {
    const { slot, length, target, firstIndex, isLast } = block
    try {
      await this.#task.feed(slot, length, { target, firstIndex, isLast })
    } catch (error) {
      this.ring.fail(error)
      return
    }
    const storedBytes = storedSizeOf(length)
    if (isLast) this.#authTag = this.#sink.ring.block(target).slice(storedBytes - TAG_BYTES, storedBytes)
    this.ring.free(slot)
    this.#sink.send(target, storedBytes)
  }
}
