import { hash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { readFully } from '../file-bytes.ts'
import { parseMetainfo, type ByteRange, type Metainfo } from '../seeding/index.ts'
import type { Road } from './arriving-bytes.ts'
import { Intervals } from './intervals.ts'

/** What proves bytes that came over plain HTTP before the whole is there. */
export type Proof =
  /** Whoever reads them decrypts them: every segment carries its own. */
  | 'cipher'
  /** The hashes of the pieces of its torrent. */
  | { readonly metainfo: Uint8Array }
  /** Nothing: they are given out when the whole is there and its hash is right. */
  | 'none'

/** A file that comes in over plain HTTP, in parts. */
export class PlainRoad implements Road {
  readonly path: string
  /** What is in the file. */
  readonly written = new Intervals()
  readonly #metainfo: Metainfo | undefined
  readonly #isSelfProving: boolean
  readonly #good = new Set<number>()
  readonly #bad = new Set<number>()
  #wanted: readonly ByteRange[] = []

  constructor(path: string, proof: Proof) {
    this.path = path
    this.#isSelfProving = proof === 'cipher'
    this.#metainfo = typeof proof === 'string' ? undefined : parseMetainfo(proof.metainfo)
  }

  /** What somebody waits for. */
  get wanted(): readonly ByteRange[] {
    return this.#wanted
  }

  /** Nothing of what has arrived counts any more. */
  startOver(): void {
    this.#good.clear()
    this.#bad.clear()
  }

  has({ start, endExclusive }: ByteRange): boolean | Promise<boolean> {
    if (this.#isSelfProving) return this.written.covers(start, endExclusive)
    if (this.#metainfo === undefined) return false
    const { pieceLength, sizeBytes } = this.#metainfo
    const firstByte = Math.floor(start / pieceLength) * pieceLength
    const lastByte = Math.min(Math.ceil(endExclusive / pieceLength) * pieceLength, sizeBytes)
    if (endExclusive > sizeBytes || !this.written.covers(firstByte, lastByte)) return false
    const open: number[] = []
    for (let index = Math.floor(start / pieceLength); index * pieceLength < endExclusive; index += 1) {
      if (this.#bad.has(index)) return false
      if (!this.#good.has(index)) open.push(index)
    }
    return open.length === 0 || this.#check(open, this.#metainfo)
  }

  prioritize(ranges: readonly ByteRange[]): void {
    this.#wanted = ranges
  }

  async #check(indexes: readonly number[], { pieces, pieceLength, sizeBytes }: Metainfo): Promise<boolean> {
    const file = await open(this.path, 'r')
    try {
      for (const index of indexes) {
        const position = index * pieceLength
        const bytes = Buffer.allocUnsafeSlow(Math.min(pieceLength, sizeBytes - position))
        const wanted = Buffer.from(pieces.subarray(index * 20, (index + 1) * 20))
        const isWhole = (await readFully(file, bytes, position)) === bytes.length
        const isGood = isWhole && hash('sha1', bytes, 'buffer').equals(wanted)
        ;(isGood ? this.#good : this.#bad).add(index)
        if (!isGood) return false
      }
      return true
    } finally {
      await file.close()
    }
  }
}
