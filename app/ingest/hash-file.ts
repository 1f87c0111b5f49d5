import { cpus } from 'node:os'
import type { HashPool } from './hash-pool.ts'
import type { PauseGate } from './pause-gate.ts'
import { type Progress, ProgressMeter } from './progress.ts'
import { pump } from './pump.ts'
import { assertUnchanged, fillFrom, openSource } from './source-file.ts'

interface HashFileOptions {
  readonly path: string
  /** SHA-1 pieces of this many bytes as well. */
  readonly pieceLength?: number
  readonly signal: AbortSignal
  readonly gate?: PauseGate
  readonly onProgress?: (progress: Progress) => void
  /** For work in the background. @defaultValue unlimited */
  readonly rateLimitBytesPerSec?: number
}

/**
 * Reads a file once and gives its sha256 (64 lowercase hex) and, if asked for, its torrent pieces (20 bytes each).
 * @throws {AppError} as `readFile` does for its source
 */
export async function hashFile(
  pool: HashPool,
  options: HashFileOptions,
): Promise<{ sha256: string; pieces?: Uint8Array }> {
  const source = await openSource(options.path)
  try {
    const meter = new ProgressMeter(source.sizeBytes, options.onProgress)
    const result = await pump(pool, {
      fill: fillFrom(source),
      sizeBytes: source.sizeBytes,
      withSha256: true,
      pieceLength: () => options.pieceLength,
      meter,
      gate: options.gate,
      rateLimitBytesPerSec: options.rateLimitBytesPerSec,
      signal: options.signal,
    })
    await assertUnchanged(source)
    meter.end()
    if (result.sha256 === undefined) throw new Error('the sha256 was asked for')
    return { sha256: result.sha256, ...(result.pieces === undefined ? {} : { pieces: result.pieces }) }
  } finally {
    await source.handle.close()
  }
}

interface HashPiecesOptions {
  readonly path: string
  readonly pieceLength: number
  readonly signal: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  /** For work in the background. @defaultValue unlimited */
  readonly rateLimitBytesPerSec?: number
}

/**
 * Only the torrent pieces of a file whose sha256 is known: each worker takes a run of whole pieces, so it is as many times
 * faster as there are cores.
 * @returns 20 bytes of SHA-1 per piece
 * @throws {AppError} as `readFile` does for its source
 */
export async function hashPieces(pool: HashPool, options: HashPiecesOptions): Promise<Uint8Array> {
  const { path, pieceLength, signal, onProgress, rateLimitBytesPerSec } = options
  const source = await openSource(path)
  try {
    const meter = new ProgressMeter(source.sizeBytes, onProgress)
    const pieceCount = Math.ceil(source.sizeBytes / pieceLength)
    const runs = Math.min(pieceCount, pool.workers, cpus().length)
    const borders = Array.from(
      { length: runs + 1 },
      (_, run) => Math.floor((pieceCount * run) / runs) * pieceLength,
    )
    const parts = await Promise.all(
      borders.slice(0, -1).map(async (start, run) => {
        const end = Math.min(borders[run + 1] ?? source.sizeBytes, source.sizeBytes)
        const fill = fillFrom(source, start)
        const options = {
          fill,
          sizeBytes: end - start,
          withSha256: false,
          pieceLength: () => pieceLength,
          rateLimitBytesPerSec: rateLimitBytesPerSec === undefined ? undefined : rateLimitBytesPerSec / runs,
          meter,
          signal,
        }
        return (await pump(pool, options)).pieces ?? new Uint8Array()
      }),
    )
    await assertUnchanged(source)
    meter.end()
    return Uint8Array.from(Buffer.concat(parts))
  } finally {
    await source.handle.close()
  }
}
