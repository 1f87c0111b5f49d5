import type { PieceBytes } from './piece-memory.ts'

export const BLOCK_BYTES = 16 * 1024

const FREE = 0
const ASKED = 1
const ARRIVING = 2
const ARRIVED = 3

/** Whoever sends blocks; compared by identity. */
export type Sender = object

/** A piece that is being fetched: its bytes so far, and who sent which block. */
export class ActivePiece {
  readonly index: number
  readonly bytes: PieceBytes
  readonly byteCount: number
  readonly blockCount: number
  /** Who works on it alone; `null` = left behind by someone who went away. */
  owner: Sender | null
  /** All of it must come from one sender, because a mixture failed before. */
  isExclusive: boolean
  freeCount: number
  missingCount: number
  readonly #states: Uint8Array
  readonly #senders: (Sender | null)[]

  constructor(index: number, bytes: PieceBytes, owner: Sender | null, isExclusive: boolean) {
    this.index = index
    this.bytes = bytes
    this.byteCount = bytes.length
    this.owner = owner
    this.isExclusive = isExclusive
    this.blockCount = Math.ceil(bytes.length / BLOCK_BYTES)
    this.freeCount = this.missingCount = this.blockCount
    this.#states = new Uint8Array(this.blockCount)
    this.#senders = Array.from({ length: this.blockCount }, () => null)
  }

  blockLength(block: number): number {
    return Math.min(BLOCK_BYTES, this.byteCount - block * BLOCK_BYTES)
  }

  /** Bytes that have arrived. */
  get arrivedBytes(): number {
    return Math.min((this.blockCount - this.missingCount) * BLOCK_BYTES, this.byteCount)
  }

  /** The next block nobody was asked for, now asked; -1 when there is none. */
  ask(): number {
    if (this.freeCount === 0) return -1
    const block = this.#states.indexOf(FREE)
    this.#states[block] = ASKED
    this.freeCount -= 1
    return block
  }

  isAsked(block: number): boolean {
    return this.#states[block] === ASKED
  }

  isArrived(block: number): boolean {
    return this.#states[block] === ARRIVED
  }

  /** Back to nobody's, unless it has arrived; `sender` only gives up what it was sending itself. */
  giveBack(block: number, sender: Sender): void {
    const state = this.#states[block]
    const isItsOwn = state === ASKED || (state === ARRIVING && this.#senders[block] === sender)
    if (!isItsOwn) return
    this.#states[block] = FREE
    this.#senders[block] = null
    this.freeCount += 1
  }

  /** Where the block goes; `null` when another sender has brought or is bringing it. */
  arriving(block: number, sender: Sender): Uint8Array | null {
    const state = this.#states[block]
    if (state === undefined || state >= ARRIVING) return null
    if (state === FREE) this.freeCount -= 1
    this.#states[block] = ARRIVING
    this.#senders[block] = sender
    return this.bytes.subarray(block * BLOCK_BYTES, block * BLOCK_BYTES + this.blockLength(block))
  }

  /** @returns whether the piece is now complete */
  arrived(block: number): boolean {
    if (this.#states[block] !== ARRIVING) return false
    this.#states[block] = ARRIVED
    this.missingCount -= 1
    return this.missingCount === 0
  }

  sender(block: number): Sender | null {
    return this.#senders[block] ?? null
  }

  /** Everybody who sent a part of it. */
  senders(): Set<Sender> {
    return new Set(this.#senders.filter((sender) => sender !== null))
  }
}
