import { dirname } from 'node:path'
import { storedSizeOf } from '../segments.ts'
import { withStreamKeys, type Encrypt, type EncryptedBytes } from './encrypt.ts'
import { targetError } from './fs-errors.ts'
import type { HashPool } from './hash-pool.ts'
import { SNIFF_BYTES, sniffMime } from './mime.ts'
import type { PauseGate } from './pause-gate.ts'
import { pieceLengthFor } from './piece-length.ts'
import { type Progress, ProgressMeter } from './progress.ts'
import { pump, type PumpOptions, type PumpResult } from './pump.ts'
import { assertUnchanged, fillFrom, openSource, type SourceFile } from './source-file.ts'
import { cloneInto, linkInto, removeStaged, StagedFile } from './staged-file.ts'

export type Storage = 'auto' | 'copy' | 'link'

export interface ReadFileOptions {
  readonly sourcePath: string
  /** Where the bytes go; its folder exists. */
  readonly stagedPath: string
  /**
   * - `auto`: share blocks with the source where the file system can, else copy
   * - `copy`: always a copy
   * - `link`: a hard link to the source; across volumes a copy
   */
  readonly storage: Storage
  /** What is stored is the ciphertext; the plaintext stays where it is and is never shared or copied. */
  readonly encrypt?: Encrypt | undefined
  /** SHA-1 pieces for a torrent. */
  readonly withPieces: boolean
  /** Free space that must remain in the media folder. @defaultValue 0 */
  readonly reserveBytes?: number
  /** Asked for room before bytes are written; not called for a clone or a link. */
  readonly beforeCopy?: (sizeBytes: number) => Promise<void>
  readonly signal: AbortSignal
  readonly gate?: PauseGate
  readonly onProgress?: (progress: Progress) => void
}

/** A file that has been read once: what it is called by, and how it lies in the staging folder. */
export interface IngestResult {
  /** Of the stored bytes, 64 lowercase hex. */
  readonly sha256: string
  /** Stored bytes. */
  readonly sizeBytes: number
  /** Of the file itself, encrypted or not. */
  readonly mime: string
  /** Only when what is stored is ciphertext. */
  readonly encrypted?: EncryptedBytes
  readonly pieceLength?: number
  /** 20 bytes of SHA-1 per piece. */
  readonly pieces?: Uint8Array
  /** No second copy of the bytes was written. */
  readonly isLinked: boolean
}

/**
 * Reads a file once and gives its sha256, torrent pieces and type; meanwhile it is stored at `stagedPath`, encrypted if that
 * is asked for. Fails without leaving anything there.
 * @throws {AppError} `SOURCE_UNREADABLE`, `SOURCE_NOT_A_FILE`, `SOURCE_EMPTY`, `SOURCE_CHANGED`, `DISK_FULL`,
 *   `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`, `CANCELLED`
 */
export async function readFile(pool: HashPool, options: ReadFileOptions): Promise<IngestResult> {
  const source = await openSource(options.sourcePath)
  try {
    const isLinked = await shareBytes(pool, source, options)
    const { head, result } = isLinked
      ? await readShared(pool, source, options)
      : await copy(pool, source, options)
    return { ...ingested(result), mime: await sniffMime(head, options.sourcePath), isLinked }
  } catch (error) {
    await removeStaged(options.stagedPath)
    throw error
  } finally {
    await source.handle.close()
  }
}

async function shareBytes(
  pool: HashPool,
  source: SourceFile,
  { storage, stagedPath, encrypt }: ReadFileOptions,
): Promise<boolean> {
  if (encrypt !== undefined) return false
  switch (storage) {
    case 'auto':
      return cloneInto(pool, source, stagedPath)
    case 'link':
      return linkInto(source, stagedPath)
    case 'copy':
      return false
  }
}

export interface Pumped {
  readonly head: Uint8Array
  readonly result: PumpResult & { readonly encrypted?: EncryptedBytes }
}

/** A clone or link is hashed where it lies: what is named is what is stored. */
async function readShared(pool: HashPool, source: SourceFile, options: ReadFileOptions): Promise<Pumped> {
  const staged = await openSource(options.stagedPath)
  try {
    const pumped = await pumpSource(pool, staged, options)
    await assertUnchanged(staged)
    if (options.storage === 'link') await assertUnchanged(source)
    return pumped
  } finally {
    await staged.handle.close()
  }
}

async function copy(pool: HashPool, source: SourceFile, options: ReadFileOptions): Promise<Pumped> {
  const { stagedPath, reserveBytes = 0, encrypt } = options
  const storedBytes = encrypt === undefined ? source.sizeBytes : storedSizeOf(source.sizeBytes)
  await options.beforeCopy?.(storedBytes)
  const space = await pool.space.reserve(dirname(stagedPath), storedBytes, reserveBytes).catch((error) => {
    throw targetError(error)
  })
  try {
    const target = await StagedFile.create(stagedPath, {
      sizeBytes: storedBytes,
      onWritten: (bytes) => space.used(bytes),
    })
    try {
      const pumped = await pumpSource(pool, source, options, (blocks) => target.write(blocks))
      await assertUnchanged(source)
      return pumped
    } finally {
      await target.close()
    }
  } finally {
    space.release()
  }
}

async function pumpSource(
  pool: HashPool,
  source: SourceFile,
  { encrypt, withPieces, signal, gate, onProgress }: ReadFileOptions,
  write?: PumpOptions['write'],
): Promise<Pumped> {
  const meter = new ProgressMeter(source.sizeBytes, onProgress)
  let head = new Uint8Array()
  const result = await withStreamKeys(encrypt, (keys) =>
    pump(pool, {
      fill: fillFrom(source),
      sizeBytes: source.sizeBytes,
      keys,
      withSha256: true,
      pieceLength: (storedBytes = source.sizeBytes) => (withPieces ? pieceLengthFor(storedBytes) : undefined),
      write,
      onFirstBlock: (bytes) => {
        head = bytes.slice(0, SNIFF_BYTES)
      },
      meter,
      gate,
      signal,
    }),
  )
  meter.end()
  return { head, result }
}

/** The part of an `IngestResult` that hashing gives. */
export function ingested(
  result: Pumped['result'],
): Pick<IngestResult, 'sha256' | 'sizeBytes' | 'pieceLength' | 'pieces' | 'encrypted'> {
  const { sha256, sizeBytes, pieceLength, pieces, encrypted } = result
  if (sha256 === undefined) throw new Error('the sha256 was not asked for')
  return {
    sha256,
    sizeBytes,
    ...(pieces === undefined || pieceLength === undefined ? {} : { pieceLength, pieces }),
    ...(encrypted === undefined ? {} : { encrypted }),
  }
}
