import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildMetainfo } from '../../app/seeding/index.ts'

/** A file nobody has seen before, and its torrent. */
export interface SampleTorrent {
  readonly mediaId: string
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly infoHash: string
  readonly metainfo: Uint8Array
  readonly metainfoPath: string
  readonly bytes: Buffer
}

interface SampleOptions {
  readonly dir: string
  readonly sizeBytes: number
  readonly pieceLength?: number
  readonly name?: string
  readonly trackers?: readonly string[]
  /** Equal seeds give equal files. */
  readonly seed?: string
}

export async function makeSample(options: SampleOptions): Promise<SampleTorrent> {
  const { dir, sizeBytes, pieceLength = 64 * 1024, name = 'sample.bin', trackers = [] } = options
  const bytes = noise(sizeBytes, options.seed ?? `${name}${String(Math.random())}`)
  const pieces = Buffer.concat(
    Array.from({ length: Math.ceil(sizeBytes / pieceLength) }, (_, index) =>
      hash('sha1', bytes.subarray(index * pieceLength, (index + 1) * pieceLength), 'buffer'),
    ),
  )
  const { metainfo, infoHash } = buildMetainfo({ name, sizeBytes, pieceLength, pieces, trackers })
  const path = join(dir, name)
  const metainfoPath = join(dir, `${name}.torrent`)
  await Promise.all([writeFile(path, bytes), writeFile(metainfoPath, metainfo)])
  const mediaId = hash('sha256', bytes, 'hex')
  return { mediaId, name, path, sizeBytes, infoHash, metainfo, metainfoPath, bytes }
}

/** The sha256 of a file, hex. */
export async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer) // no encoding set: chunks are buffers
  return digest.digest('hex')
}

/** Bytes that look random but depend on `seed` alone. */
function noise(sizeBytes: number, seed: string): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0, block = hash('sha512', seed, 'buffer'); at < sizeBytes; at += 64) {
    block.copy(bytes, at)
    block = hash('sha512', block, 'buffer')
  }
  return bytes
}
