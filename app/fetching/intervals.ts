import type { ByteRange } from '../seeding/index.ts'

/** A set of byte positions, as sorted ranges that do not touch. */
export class Intervals {
  #ranges: ByteRange[] = []

  get total(): number {
    return this.#ranges.reduce((sum, { start, endExclusive }) => sum + endExclusive - start, 0)
  }

  add(start: number, endExclusive: number): void {
    if (endExclusive <= start) return
    const before = this.#ranges.filter((range) => range.endExclusive < start)
    const after = this.#ranges.filter((range) => range.start > endExclusive)
    const touched = this.#ranges.slice(before.length, this.#ranges.length - after.length)
    const merged = {
      start: Math.min(start, touched[0]?.start ?? start),
      endExclusive: Math.max(endExclusive, touched.at(-1)?.endExclusive ?? endExclusive),
    }
    this.#ranges = [...before, merged, ...after]
  }

  covers(start: number, endExclusive: number): boolean {
    return (
      endExclusive <= start ||
      this.#ranges.some((range) => range.start <= start && range.endExclusive >= endExclusive)
    )
  }

  /** The parts of this range that are not in the set, in order. */
  gaps(start: number, endExclusive: number): ByteRange[] {
    const gaps: ByteRange[] = []
    let at = start
    for (const range of this.#ranges) {
      if (range.endExclusive <= at) continue
      if (range.start >= endExclusive) break
      if (range.start > at) gaps.push({ start: at, endExclusive: range.start })
      at = range.endExclusive
    }
    if (at < endExclusive) gaps.push({ start: at, endExclusive })
    return gaps
  }

  /** The first position from `start` on that is not in the set. */
  firstGap(start: number): number {
    const range = this.#ranges.find((one) => one.start <= start && one.endExclusive > start)
    return range?.endExclusive ?? start
  }

  clear(): void {
    this.#ranges = []
  }
}
