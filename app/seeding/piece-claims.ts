import { PIECE_DONE, PIECE_MISSING, PIECE_VERIFYING, type Picker } from './picker.ts'
import type { PieceFile } from './piece-file.ts'

/**
 * Checks the pieces a former run says it had, two at a time, and tells the picker which are there.
 * @param verified one bit per piece, the first in the highest bit
 * @returns the bytes that hold
 */
export async function checkClaims(file: PieceFile, picker: Picker, verified: Uint8Array): Promise<number> {
  const claimed: number[] = []
  for (let index = 0; index < picker.states.length; index += 1) {
    if (((verified[index >> 3] ?? 0) & (0x80 >> (index & 7))) === 0) continue
    picker.set(index, PIECE_VERIFYING)
    claimed.push(index)
  }
  let goodBytes = 0
  const check = async (): Promise<void> => {
    for (let index = claimed.shift(); index !== undefined; index = claimed.shift()) {
      const isGood = await file.holds(index)
      picker.set(index, isGood ? PIECE_DONE : PIECE_MISSING)
      if (isGood) goodBytes += file.pieceBytes(index)
    }
  }
  await Promise.all([check(), check()])
  return goodBytes
}
