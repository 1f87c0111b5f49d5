import type { Metainfo } from './metainfo.ts'

/** First byte, and the byte after the last. */
export interface ByteRange {
  readonly start: number
  readonly endExclusive: number
}

/** More than anybody reads ahead; a reader never makes the rest of the download wait for long. */
const MAX_PIECES = 1024

/** The pieces of these ranges, each once, in the order in which they are needed. */
export function piecesOf(
  ranges: readonly ByteRange[],
  { pieceLength, pieceCount }: Pick<Metainfo, 'pieceLength' | 'pieceCount'>,
): Set<number> {
  const pieces = new Set<number>()
  for (const { start, endExclusive } of ranges) {
    const first = Math.max(0, Math.floor(start / pieceLength))
    const last = Math.min(pieceCount, Math.ceil(endExclusive / pieceLength))
    for (let index = first; index < last && pieces.size < MAX_PIECES; index += 1) pieces.add(index)
  }
  return pieces
}
