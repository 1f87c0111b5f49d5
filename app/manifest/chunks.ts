import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { readFully } from '../file-bytes.ts'
import type { Manifest } from './schema.ts'

/** Of the chunks the network carries; the last one of a file may be shorter. */
export const CHUNK_BYTES = 65_536
/** No more than this is ever carried, whatever a manifest says. */
export const MAX_CHUNKS = 32

/** One chunk of the beginning of an item, as its manifest has it. */
export interface ChunkPlace {
  readonly index: number
  readonly start: number
  readonly endExclusive: number
  /** Hex. */
  readonly sha256: string
}

/**
 * The hashes of the first bytes of a stored file, for its manifest.
 * @param maxBytes how much of it the network may carry; 0 = none
 * @returns undefined for nothing
 */
export async function chunksOf(path: string, maxBytes: number): Promise<Manifest['chunks']> {
  const hashes: string[] = []
  if (maxBytes < 1) return undefined
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES)
    const count = Math.min(Math.ceil(maxBytes / CHUNK_BYTES), MAX_CHUNKS)
    for (let index = 0; index < count; index += 1) {
      const bytesRead = await readFully(file, buffer, index * CHUNK_BYTES)
      if (bytesRead === 0) break
      hashes.push(createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex'))
      if (bytesRead < CHUNK_BYTES) break
    }
  } finally {
    await file.close()
  }
  return hashes.length === 0 ? undefined : { chunkSize: CHUNK_BYTES, count: hashes.length, hashes }
}

/** The chunks of an item that the network may carry; none where the manifest names none of our size. */
export function chunkPlaces({ chunks, size }: Pick<Manifest, 'chunks' | 'size'>): ChunkPlace[] {
  if (chunks?.hashes === undefined || chunks.chunkSize !== CHUNK_BYTES) return []
  return chunks.hashes.slice(0, MAX_CHUNKS).flatMap((sha256, index) => {
    const start = index * CHUNK_BYTES
    return start < size ? [{ index, start, endExclusive: Math.min(start + CHUNK_BYTES, size), sha256 }] : []
  })
}
