import { access, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseMetainfo } from '../../../app/seeding/index.ts'
import { PieceFile } from '../../../app/seeding/piece-file.ts'
import type { PieceBytes } from '../../../app/seeding/piece-memory.ts'
import { PiecePool } from '../../../app/seeding/piece-pool.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../../support/sample-torrent.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MIB = 1024 * 1024
/** Large enough to go past the page cache, with a last piece that can't. */
const SIZE_BYTES = 17 * MIB + 12_345
/** So much at once that the rest goes through the page cache. */
const QUEUE_BYTES = 40 * MIB + 12_345

interface Opened extends AsyncDisposable {
  readonly file: PieceFile
  readonly count: number
  bytes(index: number, place?: (length: number) => PieceBytes): PieceBytes
}

async function openPieces(sample: SampleTorrent, path: string): Promise<Opened> {
  const pool = new PiecePool()
  const metainfo = parseMetainfo(sample.metainfo)
  const file = new PieceFile(metainfo, path, pool)
  await file.open()
  const memory = file.newMemory()
  return {
    file,
    count: metainfo.pieceCount,
    bytes: (index, place = (length) => memory.take(length)) => {
      const bytes = place(file.pieceBytes(index))
      bytes.set(
        sample.bytes.subarray(index * metainfo.pieceLength, index * metainfo.pieceLength + bytes.length),
      )
      return bytes
    },
    [Symbol.asyncDispose]: async () => {
      await file.close()
      await pool.close()
    },
  }
}

test.for([
  [16 * 1024, SIZE_BYTES],
  [MIB, QUEUE_BYTES],
  [8 * MIB, SIZE_BYTES],
] as const)('pieces of %i bytes land where they belong, all at once', async ([pieceLength, sizeBytes]) => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes, pieceLength })
  await using pieces = await openPieces(sample, dir.file('got'))
  const indexes = Array.from({ length: pieces.count }, (_, index) => pieces.count - 1 - index)
  const answers = await Promise.all(
    indexes.map((index) => pieces.file.verifyAndWrite(index, pieces.bytes(index))),
  )
  expect(answers.every((isGood) => isGood)).toBe(true)
  expect(await sha256Of(dir.file('got'))).toBe(sample.mediaId)
})

test('a wrong piece is not written', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes: SIZE_BYTES, pieceLength: MIB })
  await using pieces = await openPieces(sample, dir.file('got'))
  const bytes = pieces.bytes(3)
  bytes[MIB - 1]! ^= 1
  expect(await pieces.file.verifyAndWrite(3, bytes)).toBe(false)
  expect(await pieces.file.holds(3)).toBe(false)
  const written = await readFile(dir.file('got'))
  expect(written).toHaveLength(SIZE_BYTES)
  expect(written.every((byte) => byte === 0)).toBe(true)
})

test('what the device refuses to take past the page cache is written through it', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes: SIZE_BYTES, pieceLength: MIB })
  await using pieces = await openPieces(sample, dir.file('got'))
  // Memory that begins eight bytes after a page border is refused, as a larger block size of the device would be.
  const crooked = (length: number): PieceBytes => new Uint8Array(new SharedArrayBuffer(length + 8), 8)
  for (let index = 0; index < pieces.count; index += 1) {
    expect(await pieces.file.verifyAndWrite(index, pieces.bytes(index, crooked))).toBe(true)
  }
  expect(await sha256Of(dir.file('got'))).toBe(sample.mediaId)
})

test('a piece can be read for others as soon as it is written, and keeps what a former run wrote', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes: SIZE_BYTES, pieceLength: MIB })
  const before = await open(dir.file('got'), 'w')
  await before.write(sample.bytes, 0, 5 * MIB, 0)
  await before.close()
  await using pieces = await openPieces(sample, dir.file('got'))
  expect(await pieces.file.holds(4)).toBe(true)
  expect(await pieces.file.holds(5)).toBe(false)
  await pieces.file.verifyAndWrite(5, pieces.bytes(5))
  expect(await pieces.file.read(5, 1000, 64)).toEqual(sample.bytes.subarray(5 * MIB + 1000, 5 * MIB + 1064))
  expect(await pieces.file.holds(4)).toBe(true)
})

const shm = await access('/dev/shm').then(
  () => true,
  () => false,
)
test.runIf(shm)('a file system in memory takes pieces too', async () => {
  await using dir = await tempDir()
  const sample = await makeSample({ dir: dir.path, sizeBytes: SIZE_BYTES, pieceLength: MIB })
  const folder = await mkdtemp('/dev/shm/sower-test-')
  try {
    await using pieces = await openPieces(sample, join(folder, 'got'))
    for (let index = 0; index < pieces.count; index += 1)
      await pieces.file.verifyAndWrite(index, pieces.bytes(index))
    expect(await sha256Of(join(folder, 'got'))).toBe(sample.mediaId)
  } finally {
    await rm(folder, { recursive: true })
  }
})
