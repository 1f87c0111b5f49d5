import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { HashPool } from '../../../app/ingest/index.ts'
import { silentLog } from '../../../app/ports/log.ts'

export const KIB = 1024
export const MIB = 1024 * KIB

export const never = new AbortController().signal

export function makePool(): HashPool {
  const pool = new HashPool({ log: silentLog })
  onTestFinished(() => pool.close())
  return pool
}

export async function makeDir(): Promise<string> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-ingest-'))
  onTestFinished(() => fs.rm(dir, { recursive: true, force: true }))
  return dir
}

/** Bytes that differ from block to block and can be made again from their seed. */
export function bytesOf(sizeBytes: number, seed = 1): Buffer {
  const pattern = createHash('sha512').update(String(seed)).digest()
  const bytes = Buffer.alloc(sizeBytes, pattern)
  for (let at = 0; at + 4 <= sizeBytes; at += 4096) bytes.writeUInt32LE(at + seed, at)
  return bytes
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function piecesOf(bytes: Uint8Array, pieceLength: number): Buffer {
  const count = Math.ceil(bytes.length / pieceLength)
  return Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      createHash('sha1')
        .update(bytes.subarray(index * pieceLength, (index + 1) * pieceLength))
        .digest(),
    ),
  )
}

/** A file of random bytes, written without holding it in memory. */
export async function writeRandom(file: string, sizeBytes: number): Promise<void> {
  const block = randomBytes(Math.min(sizeBytes, MIB))
  const handle = await fs.open(file, 'w')
  for (let at = 0; at < sizeBytes; at += block.length) {
    block.writeUInt32LE(at / 4 + 1, 0)
    await handle.write(block, 0, Math.min(block.length, sizeBytes - at))
  }
  await handle.close()
}

export async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  )
}
