const KIB = 1024
const MIN_PIECE_LENGTH = 64 * KIB
const MAX_PIECE_LENGTH = 16 * KIB * KIB
const MAX_PIECES = 1024

/**
 * Bytes per torrent piece: 64 KiB up to 64 MiB, then doubling so that there are at most 1,024 pieces, never over 16 MiB.
 * Always a multiple of 64 KiB. Few pieces keep seeds cheap: a torrent client's memory grows with their number.
 */
export function pieceLengthFor(sizeBytes: number): number {
  let pieceLength = MIN_PIECE_LENGTH
  while (pieceLength < MAX_PIECE_LENGTH && sizeBytes > pieceLength * MAX_PIECES) pieceLength *= 2
  return pieceLength
}
