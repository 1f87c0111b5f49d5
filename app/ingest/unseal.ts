import { open } from 'node:fs/promises'
import { AppError } from '../contract/errors.ts'
import { readFully, writeFully } from '../file-bytes.ts'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES, segmentCountOf, storedSizeOf } from '../segments.ts'
import { deriveStreamKeys } from '../stream-cipher.ts'
import { openSegment } from '../vault/index.ts'
import { targetError } from './fs-errors.ts'
import type { HashPool } from './hash-pool.ts'
import type { PauseGate } from './pause-gate.ts'
import { pieceLengthFor } from './piece-length.ts'
import { ProgressMeter } from './progress.ts'
import { pump } from './pump.ts'
import { ingested, type IngestResult } from './read-file.ts'

interface UnsealOptions {
  /** What `readStream` has stored encrypted. */
  readonly stagedPath: string
  readonly fileKey: Uint8Array
  readonly stored: IngestResult
  readonly signal: AbortSignal
  readonly gate?: PauseGate
}

/**
 * Decrypts a staged file where it lies: it was encrypted because nobody knew yet whether it should be, and now it should not.
 * Plaintext is shorter than its ciphertext, so what is written never reaches what is still to be read, and no more room is
 * needed.
 * @throws {AppError} `HASH_MISMATCH` when the disk has changed it, `CANCELLED`, and what `readStream` throws of its target
 */
export async function unseal(pool: HashPool, options: UnsealOptions): Promise<IngestResult> {
  const { stagedPath, fileKey, stored, signal, gate } = options
  const { encrypted, mime } = stored
  if (encrypted === undefined) return stored
  const { plainSizeBytes, plainHash, salt } = encrypted
  const keys = deriveStreamKeys(fileKey, salt)
  const handle = await open(stagedPath, 'r+').catch((error: unknown) => {
    keys.key.fill(0)
    throw targetError(error)
  })
  let index = 0
  let position = 0
  const last = segmentCountOf(plainSizeBytes) - 1
  /** Decrypted, and not asked for yet. */
  let rest: Uint8Array = new Uint8Array()
  const segment = Buffer.allocUnsafe(SEGMENT_BYTES)
  const next = async (): Promise<Uint8Array> => {
    const plainBytes = Math.min(SEGMENT_PLAIN_BYTES, plainSizeBytes - index * SEGMENT_PLAIN_BYTES)
    const bytes = segment.subarray(0, storedSizeOf(plainBytes))
    if ((await readFully(handle, bytes, index * SEGMENT_BYTES)) < bytes.length) throw changed()
    const plain = openSegment(keys, index, index === last, bytes)
    index += 1
    return plain
  }
  try {
    const result = await pump(pool, {
      fill: async (target) => {
        let filled = 0
        while (filled < target.length) {
          if (rest.length === 0) rest = await next()
          const part = rest.subarray(0, target.length - filled)
          target.set(part, filled)
          filled += part.length
          rest = rest.subarray(part.length)
        }
        return filled
      },
      sizeBytes: plainSizeBytes,
      withSha256: true,
      pieceLength: () => pieceLengthFor(plainSizeBytes),
      write: async (blocks) => {
        await writeFully(handle, blocks, position, (bytes) => {
          position += bytes
        })
      },
      meter: new ProgressMeter(plainSizeBytes, undefined),
      gate,
      signal,
    })
    await handle.truncate(plainSizeBytes)
    if (result.sha256 !== plainHash) throw changed()
    return { ...ingested(result), mime, isLinked: false }
  } catch (error) {
    throw targetError(error)
  } finally {
    keys.key.fill(0)
    await handle.close()
  }
}

function changed(): AppError {
  return new AppError('HASH_MISMATCH', 'The stored bytes are not the ones that arrived. Nothing was added.', {
    hint: 'Check the drive of the media folder, then send it again.',
  })
}
