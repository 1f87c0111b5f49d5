import type { HashPool } from './hash-pool.ts'

export const BLOCK_BYTES = 1024 * 1024
/** Enough that reading, two hashes and writing each have a few blocks ahead; more measured no faster. */
export const RING_SLOTS = 16

/** Blocks of shared memory that go round: taken, filled, read by whoever wants them, free again. */
export class Ring {
  readonly memory: SharedArrayBuffer
  readonly #pool: HashPool
  readonly #slots: Uint8Array[]
  readonly #free: number[]
  #freed: PromiseWithResolvers<void> | null = null
  #failure: { readonly error: unknown } | null = null

  /** @param slots at most `RING_SLOTS`; what is not used costs nothing */
  constructor(pool: HashPool, slots: number) {
    this.#pool = pool
    // Always the same size, so that it can be used again; what a small file does not touch costs nothing.
    const memory = pool.takeRing(RING_SLOTS * BLOCK_BYTES)
    this.memory = memory
    this.#slots = Array.from(
      { length: Math.min(RING_SLOTS, slots) },
      (_, index) => new Uint8Array(memory, index * BLOCK_BYTES, BLOCK_BYTES),
    )
    this.#free = this.#slots.map((_, index) => index)
  }

  /** @throws what `fail` was given */
  async take(): Promise<number> {
    for (;;) {
      this.throwFailure()
      const slot = this.#free.shift()
      if (slot !== undefined) return slot
      this.#freed ??= Promise.withResolvers<void>()
      await this.#freed.promise
    }
  }

  block(slot: number): Uint8Array {
    const block = this.#slots[slot]
    if (block === undefined) throw new RangeError(`no slot ${slot}`)
    return block
  }

  free(slot: number): void {
    this.#free.push(slot)
    this.#wake()
  }

  /** Nobody gets a block any more. The first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Nothing reads or writes it any more: its memory is the next one's. */
  giveBack(): void {
    this.#pool.keepRing(this.memory)
  }

  #wake(): void {
    this.#freed?.resolve()
    this.#freed = null
  }
}
