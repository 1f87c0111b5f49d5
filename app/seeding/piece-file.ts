import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import { readFully } from '../file-bytes.ts'
import { SHA1_BYTES, sha1Hex, type Metainfo } from './metainfo.ts'
import { PAGE_BYTES, PieceMemory, type PieceBytes } from './piece-memory.ts'
import type { PieceAnswer, PiecePool } from './piece-pool.ts'

/** From this size on pieces go past the page cache where the system lets them. */
const DIRECT_FROM_BYTES = 16 * 1024 * 1024
/** With so much waiting the disk is slower than the network, and the page cache does better: it sorts what it writes. */
const DIRECT_QUEUE_BYTES = 32 * 1024 * 1024

/**
 * The file a download grows in: full length from the start (sparse), only verified pieces written. Hashing and writing
 * happen in the piece pool's threads. Pieces of large files are written past the page cache (O_DIRECT): filling it costs
 * more than all the rest of a fast download, and stalls when the system begins to write it back.
 */
export class PieceFile {
  readonly #metainfo: Metainfo
  readonly #path: string
  readonly #pool: PiecePool
  readonly #writes = new Set<Promise<unknown>>()
  #handle: FileHandle | null = null
  #direct: FileHandle | null = null
  #isDirectRefused = false
  #opening: Promise<FileHandle> | null = null

  constructor(metainfo: Metainfo, path: string, pool: PiecePool) {
    this.#pool = pool
    this.#metainfo = metainfo
    this.#path = path
  }

  /** @throws {AppError} `DISK_FULL`, `MEDIA_READ_ONLY` or `MEDIA_OFFLINE` */
  async open(): Promise<void> {
    await this.#use()
  }

  pieceBytes(index: number): number {
    const { pieceLength, sizeBytes } = this.#metainfo
    return Math.min(pieceLength, sizeBytes - index * pieceLength)
  }

  /** For the pieces that are to be written. */
  newMemory(): PieceMemory {
    return new PieceMemory(this.#pool.slabs, this.#metainfo.pieceLength)
  }

  /** Whether the file holds the piece. */
  async holds(index: number): Promise<boolean> {
    const bytes = await this.read(index, 0, this.pieceBytes(index))
    return bytes !== null && sha1Hex(bytes) === this.#sha1(index)
  }

  /**
   * Writes the piece if its SHA-1 is right.
   * @param bytes stay as they are until this is done
   * @returns whether it was right
   * @throws {AppError} `DISK_FULL`, `MEDIA_READ_ONLY` or `MEDIA_OFFLINE`
   */
  async verifyAndWrite(index: number, bytes: PieceBytes): Promise<boolean> {
    const handle = await this.#use()
    const writing = this.#verifyAndWrite(index, bytes, handle)
    this.#writes.add(writing)
    try {
      const { isGood, errno } = await writing
      if (errno !== undefined) throw storageError(Object.assign(new Error('write'), { code: errno }))
      return isGood
    } finally {
      this.#writes.delete(writing)
    }
  }

  /** `null` when the file is shorter than that or can't be read. */
  async read(index: number, offset: number, length: number): Promise<Uint8Array | null> {
    try {
      const handle = await this.#use()
      const bytes = Buffer.allocUnsafeSlow(length)
      const position = index * this.#metainfo.pieceLength + offset
      return (await readFully(handle, bytes, position)) === length ? bytes : null
    } catch {
      return null // whoever asked treats it like bytes we do not have
    }
  }

  async sync(): Promise<void> {
    await this.#handle?.sync()
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes)
    const opening = this.#opening
    this.#opening = null
    this.#handle = null
    const handle = await opening?.catch(() => undefined)
    await this.#direct?.close()
    this.#direct = null
    await handle?.close()
  }

  async #verifyAndWrite(index: number, bytes: PieceBytes, { fd }: FileHandle): Promise<PieceAnswer> {
    const position = index * this.#metainfo.pieceLength
    const job = { bytes, sha1: this.#sha1(index), position }
    const isAligned = bytes.length % PAGE_BYTES === 0 && position % PAGE_BYTES === 0
    const mayBeDirect = isAligned && !this.#isDirectRefused && this.#pool.queuedBytes < DIRECT_QUEUE_BYTES
    if (this.#direct !== null && mayBeDirect) {
      const answer = await this.#pool.verifyAndWrite({ ...job, fd: this.#direct.fd })
      // Some devices ask for more than pages, some network file systems for things nobody can know; and what is left after
      // a short write near a full disk is not aligned.
      if (answer.errno !== 'EINVAL') return answer
      this.#isDirectRefused = true
    }
    return this.#pool.verifyAndWrite({ ...job, fd })
  }

  #sha1(index: number): string {
    const { pieces } = this.#metainfo
    return Buffer.from(pieces.subarray(index * SHA1_BYTES, (index + 1) * SHA1_BYTES)).toString('hex')
  }

  #use(): Promise<FileHandle> | FileHandle {
    if (this.#handle !== null) return this.#handle
    this.#opening ??= this.#openFile()
    return this.#opening
  }

  async #openFile(): Promise<FileHandle> {
    let handle: FileHandle | undefined
    try {
      // Never truncates what a former run has verified, creates what is missing.
      await (await open(this.#path, 'a')).close()
      handle = await open(this.#path, 'r+')
      const { size } = await handle.stat()
      if (size !== this.#metainfo.sizeBytes) await handle.truncate(this.#metainfo.sizeBytes)
      this.#direct = await this.#openDirect()
      this.#handle = handle
      return handle
    } catch (error) {
      await handle?.close()
      this.#opening = null
      throw storageError(error)
    }
  }

  async #openDirect(): Promise<FileHandle | null> {
    if (process.platform !== 'linux' || this.#metainfo.sizeBytes < DIRECT_FROM_BYTES) return null
    return open(this.#path, constants.O_WRONLY | constants.O_DIRECT).catch(() => null)
  }
}

function storageError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('DISK_FULL', 'The disk is full, so the download stopped. What has arrived is kept.', {
      hint: 'Make room and resume.',
      cause: error,
    })
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new AppError('MEDIA_READ_ONLY', "The media folder can't be written to, so the download stopped.", {
      cause: error,
    })
  }
  return new AppError('MEDIA_OFFLINE', "The download can't be stored: the media folder can't be reached.", {
    hint: 'Connect the drive and resume.',
    cause: error,
  })
}
