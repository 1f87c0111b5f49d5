import fs from 'node:fs/promises'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pieceLengthFor, type HashPool, type IngestResult } from '../../../app/ingest/index.ts'
import { readFile } from '../../../app/ingest/read-file.ts'
import { readStream } from '../../../app/ingest/read-stream.ts'
import { deriveStreamKeys, newFileKey, openSegment, storedSizeOf } from '../../../app/vault/index.ts'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../../../app/segments.ts'
import { bytesOf, exists, KIB, makeDir, makePool, MIB, never, piecesOf, sha256 } from './fixture.ts'

/** Decrypts with nothing but segments, one after another. */
function decrypt(stored: Buffer, fileKey: Uint8Array, { encrypted }: IngestResult): Buffer {
  if (encrypted === undefined) throw new Error('not encrypted')
  const keys = deriveStreamKeys(fileKey, encrypted.salt)
  const count = Math.ceil(stored.length / SEGMENT_BYTES)
  return Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      openSegment(
        keys,
        index,
        index === count - 1,
        stored.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES),
      ),
    ),
  )
}

async function expectSealed(result: IngestResult, stagedPath: string, plain: Buffer, fileKey: Buffer) {
  const stored = await fs.readFile(stagedPath)
  expect(stored.length).toBe(storedSizeOf(plain.length))
  expect(decrypt(stored, fileKey, result).equals(plain)).toBe(true)
  const pieceLength = pieceLengthFor(stored.length)
  expect(result).toMatchObject({
    sha256: sha256(stored),
    sizeBytes: stored.length,
    isLinked: false,
    pieceLength,
  })
  expect(Buffer.from(result.pieces ?? []).equals(piecesOf(stored, pieceLength))).toBe(true)
  expect(result.encrypted).toMatchObject({ plainSizeBytes: plain.length, plainHash: sha256(plain) })
  expect(Buffer.from(result.encrypted?.authTag ?? []).equals(stored.subarray(stored.length - 16))).toBe(true)
}

const block = 16 * SEGMENT_PLAIN_BYTES
const sizes = [
  1,
  65_519,
  65_520,
  65_521,
  block - 1,
  block,
  block + 1,
  MIB,
  2 * block,
  2 * block + 65_520,
  40 * block + 3,
]

test.each(sizes)('a file of %i bytes is stored as segments that open again', async (size) => {
  const dir = await makeDir()
  const [sourcePath, stagedPath] = [path.join(dir, 'source'), path.join(dir, 'staged')]
  const plain = bytesOf(size)
  await fs.writeFile(sourcePath, plain)
  const fileKey = newFileKey()
  const key = Buffer.from(fileKey)
  // Sharing blocks with the source, or its very file, would leave the plaintext in the media folder.
  for (const storage of ['auto', 'link', 'copy'] as const) {
    const result = await readFile(makePool(), {
      sourcePath,
      stagedPath,
      storage,
      withPieces: true,
      encrypt: { fileKey },
      signal: never,
    })
    await expectSealed(result, stagedPath, plain, key)
  }
  expect(fileKey.equals(key)).toBe(true)
})

function inChunks(plain: Buffer, chunk: number): Readable {
  const parts = Array.from({ length: Math.ceil(plain.length / chunk) }, (_, index) =>
    plain.subarray(index * chunk, (index + 1) * chunk),
  )
  return Readable.from(parts, { objectMode: false })
}

test('a stream is stored the same way, wherever it ends and whatever it says of its size', async () => {
  const pool = makePool()
  const dir = await makeDir()
  const stagedPath = path.join(dir, 'staged')
  const near = (border: number) => fc.integer({ min: Math.max(1, border - 2), max: border + 2 })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.integer({ min: 1, max: 300 * KIB }),
        near(SEGMENT_PLAIN_BYTES),
        near(block),
        near(2 * block),
        near(MIB),
      ),
      fc.constantFrom(undefined, 1, 300 * KIB, 70 * MIB),
      fc.boolean(),
      async (size, sizeHint, isAskedLate) => {
        const plain = bytesOf(size, size)
        const fileKey = newFileKey()
        const result = await readStream(pool, {
          stream: inChunks(plain, 60_000),
          stagedPath,
          sizeHint,
          withPieces: true,
          encrypt: isAskedLate ? () => ({ fileKey }) : { fileKey },
          signal: never,
        })
        await expectSealed(result, stagedPath, plain, fileKey)
        await fs.rm(stagedPath)
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)

test('a salt is never used twice, with the same key and file neither', async () => {
  const pool = makePool()
  const dir = await makeDir()
  const fileKey = newFileKey()
  const read = async (name: string) =>
    readStream(pool, {
      stream: Readable.from([Buffer.from('the same')]),
      stagedPath: path.join(dir, name),
      withPieces: false,
      encrypt: { fileKey },
      signal: never,
    })
  const [one, two] = [await read('a'), await read('b')]
  expect(one.sha256).not.toBe(two.sha256)
  expect(one.encrypted?.salt).not.toEqual(two.encrypted?.salt)
})

test('several at once do not mix, and a cancelled one leaves nothing', async () => {
  const pool = makePool()
  const dir = await makeDir()
  const add = async (name: string, plain: Buffer, signal: AbortSignal, fileKey: Buffer | undefined) => {
    const stagedPath = path.join(dir, name)
    const result = await readStream(pool, {
      stream: inChunks(plain, 200_000),
      stagedPath,
      withPieces: true,
      encrypt: fileKey === undefined ? undefined : { fileKey },
      signal,
    })
    if (fileKey !== undefined) await expectSealed(result, stagedPath, plain, fileKey)
    else expect(result.sha256).toBe(sha256(plain))
  }
  const abort = new AbortController()
  const endless = new PassThrough()
  endless.write(bytesOf(3 * MIB))
  const cancelled = readStream(pool, {
    stream: endless,
    stagedPath: path.join(dir, 'cancelled'),
    withPieces: true,
    encrypt: { fileKey: newFileKey() },
    signal: abort.signal,
  })
  const others = Promise.all(
    [1, 2, 3, 4].map((n) =>
      add(`${n}`, bytesOf(n * 3 * MIB + n, n), never, n % 2 === 0 ? newFileKey() : undefined),
    ),
  )
  setTimeout(() => abort.abort(), 50)
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
  await others
  expect(await exists(path.join(dir, 'cancelled'))).toBe(false)
})

test('a worker that dies in the middle fails the add cleanly, and the next one works', async () => {
  const pool: HashPool = makePool()
  const dir = await makeDir()
  const stream = new PassThrough()
  stream.write(bytesOf(3 * MIB))
  const failing = readStream(pool, {
    stream,
    stagedPath: path.join(dir, 'staged'),
    withPieces: true,
    encrypt: { fileKey: newFileKey() },
    signal: never,
  })
  setTimeout(() => {
    stream.end()
    void pool.close()
  }, 20)
  await expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(await exists(path.join(dir, 'staged'))).toBe(false)
})
