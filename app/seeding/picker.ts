/** Where a piece stands: missing → active → verifying → done, and back when its bytes turn out wrong. */
export const PIECE_MISSING = 0
export const PIECE_ACTIVE = 1
export const PIECE_VERIFYING = 2
export const PIECE_DONE = 3

/** Chooses the piece to fetch next: the rarest first, equals in random order. */
export class Picker {
  readonly states: Uint8Array
  readonly #availability: Uint16Array
  #missingCount: number
  #doneCount = 0

  constructor(pieceCount: number) {
    this.states = new Uint8Array(pieceCount)
    this.#availability = new Uint16Array(pieceCount)
    this.#missingCount = pieceCount
  }

  get isDone(): boolean {
    return this.#doneCount === this.states.length
  }

  /** Nothing is left that nobody works on. */
  get isEndgame(): boolean {
    return this.#missingCount === 0
  }

  set(index: number, state: number): void {
    const before = this.states[index]
    if (before === undefined || before === state) return
    if (before === PIECE_MISSING) this.#missingCount -= 1
    if (before === PIECE_DONE) this.#doneCount -= 1
    if (state === PIECE_MISSING) this.#missingCount += 1
    if (state === PIECE_DONE) this.#doneCount += 1
    this.states[index] = state
  }

  /** One bit per piece that is done, the first in the highest bit. */
  bits(): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.states.length / 8))
    this.states.forEach((state, index) => {
      if (state === PIECE_DONE) bits[index >> 3]! |= 0x80 >> (index & 7) // within by construction
    })
    return bits
  }

  isPiece(index: number, state: number): boolean {
    return this.states[index] === state
  }

  /** Counts a peer's pieces in (`by` 1) or out (-1). */
  count(index: number, by: 1 | -1): void {
    const before = this.#availability[index]
    if (before !== undefined) this.#availability[index] = Math.max(0, before + by)
  }

  /**
   * @param has which pieces the asking source can give
   * @returns a missing piece, or -1
   */
  rarest(has: (index: number) => boolean): number {
    if (this.#missingCount === 0) return -1
    const count = this.states.length
    const start = Math.floor(Math.random() * count)
    let best = -1
    let bestAvailability = Infinity
    for (let step = 0; step < count; step += 1) {
      const index = start + step < count ? start + step : start + step - count
      const availability = this.#availability[index] ?? 0
      if (this.states[index] !== PIECE_MISSING || availability >= bestAvailability || !has(index)) continue
      best = index
      bestAvailability = availability
      if (availability <= 1) break
    }
    return best
  }

  /** The missing pieces right after `index`, at most `count`. */
  run(index: number, count: number): number[] {
    const found: number[] = []
    for (let next = index + 1; found.length < count && this.states[next] === PIECE_MISSING; next += 1)
      found.push(next)
    return found
  }
}
