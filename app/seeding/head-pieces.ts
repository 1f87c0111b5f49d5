import { PIECE_DONE, PIECE_MISSING, PIECE_VERIFYING, type Picker } from './picker.ts'
import type { PieceFile } from './piece-file.ts'
import type { HeadBytes } from './types.ts'

interface HeadTaker {
  readonly file: PieceFile
  readonly picker: Picker
  readonly pieceLength: number
  isStopped(): boolean
  onPiece(index: number, byteCount: number): void
}

/**
 * Copies every whole piece that the head covers and nobody is fetching into the file, in order, each checked by its SHA-1. A
 * piece it covers in part is fetched like any other.
 * @throws {AppError} what writing the file throws
 */
export async function takeHead(head: HeadBytes, taker: HeadTaker): Promise<void> {
  const { file, picker, pieceLength } = taker
  const memory = file.newMemory()
  for (let index = 0; index < picker.states.length && !taker.isStopped(); index += 1) {
    const start = index * pieceLength
    const byteCount = file.pieceBytes(index)
    if (!head.has({ start, endExclusive: start + byteCount })) {
      // Chunks come in order, but for a few: far behind the first gap there is nothing.
      if (!head.has({ start, endExclusive: start + 1 })) return
      continue
    }
    if (!picker.isPiece(index, PIECE_MISSING)) continue
    picker.set(index, PIECE_VERIFYING)
    const bytes = memory.take(byteCount)
    let isGood = false
    try {
      const isThere = await head.read(bytes, start)
      isGood = isThere && !taker.isStopped() && (await file.verifyAndWrite(index, bytes))
    } finally {
      memory.give(bytes)
      picker.set(index, isGood ? PIECE_DONE : PIECE_MISSING)
    }
    if (isGood) taker.onPiece(index, byteCount)
  }
}
