import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashFile, hashPieces, HashPool, pieceLengthFor } from '../../../app/ingest/index.ts'
import { readFile } from '../../../app/ingest/read-file.ts'
import { readStream } from '../../../app/ingest/read-stream.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { buildMetainfo, parseMetainfo } from '../../../app/seeding/index.ts'
import { bytesOf, KIB, makeDir, makePool, MIB, never, piecesOf, sha256, writeRandom } from './fixture.ts'

const aroundBorders = fc
  .tuple(
    fc.constantFrom(0, 16 * KIB, 64 * KIB, 128 * KIB, MIB, 2 * MIB, 16 * MIB, 17 * MIB, 20 * MIB),
    fc.integer({ min: -5000, max: 5000 }),
  )
  .map(([border, offset]) => Math.max(1, border + offset))

test(
  'for any size the hashes are those of node:crypto and the copy is the source',
  { timeout: 60_000 },
  async () => {
    const pool = makePool()
    const dir = await makeDir()
    const sourcePath = path.join(dir, 'source')
    const stagedPath = path.join(dir, 'staged')
    await fc.assert(
      fc.asyncProperty(aroundBorders, fc.nat(), async (sizeBytes, seed) => {
        const bytes = bytesOf(sizeBytes, seed)
        await fs.writeFile(sourcePath, bytes)
        const result = await readFile(pool, {
          sourcePath,
          stagedPath,
          storage: 'copy',
          withPieces: true,
          signal: never,
        })
        expect(result.sha256).toBe(sha256(bytes))
        expect(result.sizeBytes).toBe(sizeBytes)
        expect(result.pieceLength).toBe(pieceLengthFor(sizeBytes))
        expect(piecesOf(bytes, pieceLengthFor(sizeBytes)).equals(result.pieces ?? Buffer.alloc(0))).toBe(true)
        expect(bytes.equals(await fs.readFile(stagedPath))).toBe(true)
      }),
      { numRuns: 40 },
    )
  },
)

test('pieces of any length come out right, alone and beside the sha256', { timeout: 60_000 }, async () => {
  const pool = makePool()
  const file = path.join(await makeDir(), 'file')
  const pieceLengths = fc.constantFrom(16 * KIB, 64 * KIB, 512 * KIB, MIB, 4 * MIB, 16 * MIB)
  await fc.assert(
    fc.asyncProperty(aroundBorders, pieceLengths, async (sizeBytes, pieceLength) => {
      const bytes = bytesOf(sizeBytes)
      await fs.writeFile(file, bytes)
      const expected = piecesOf(bytes, pieceLength)
      const alone = await hashPieces(pool, { path: file, pieceLength, signal: never })
      const beside = await hashFile(pool, { path: file, pieceLength, signal: never })
      expect(expected.equals(alone)).toBe(true)
      expect(expected.equals(beside.pieces ?? Buffer.alloc(0))).toBe(true)
      expect(beside.sha256).toBe(sha256(bytes))
    }),
    { numRuns: 25 },
  )
})

test(
  'a stream in chunks of any size gives the same as a file, with a right, a wrong and no hint',
  { timeout: 60_000 },
  async () => {
    const pool = makePool()
    const stagedPath = path.join(await makeDir(), 'staged')
    const chunkSizes = fc.integer({ min: 1000, max: 3 * MIB })
    const hints = fc.constantFrom('right', 'small', 'large', 'none')
    await fc.assert(
      fc.asyncProperty(aroundBorders, chunkSizes, hints, async (sizeBytes, chunkBytes, hint) => {
        const bytes = bytesOf(sizeBytes)
        const sizeHint = { right: sizeBytes, small: 1, large: 1024 * MIB, none: undefined }[hint]
        const result = await readStream(pool, {
          stream: Readable.from(chunksOf(bytes, chunkBytes)),
          stagedPath,
          sizeHint,
          withPieces: true,
          signal: never,
        })
        expect(result.sha256).toBe(sha256(bytes))
        expect(result.pieceLength).toBe(pieceLengthFor(sizeBytes))
        expect(piecesOf(bytes, pieceLengthFor(sizeBytes)).equals(result.pieces ?? Buffer.alloc(0))).toBe(true)
        expect(bytes.equals(await fs.readFile(stagedPath))).toBe(true)
      }),
      { numRuns: 30 },
    )
  },
)

function* chunksOf(bytes: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

test('the torrent is the one mktorrent makes of the same file', async () => {
  const pool = makePool()
  const dir = await makeDir()
  const sourcePath = path.join(dir, 'a film.bin')
  await writeRandom(sourcePath, 70 * MIB + 12_345)
  const result = await readFile(pool, {
    sourcePath,
    stagedPath: path.join(dir, 'staged'),
    storage: 'copy',
    withPieces: true,
    signal: never,
  })
  const { pieces = Buffer.alloc(0), pieceLength = 0, sizeBytes } = result
  const torrentFile = path.join(dir, 'rival.torrent')
  await promisify(execFile)('mktorrent', [
    '-l',
    String(Math.log2(pieceLength)),
    '-o',
    torrentFile,
    sourcePath,
  ])
  const rival = parseMetainfo(await fs.readFile(torrentFile))
  expect(Buffer.from(rival.pieces).equals(pieces)).toBe(true)
  const ours = buildMetainfo({ name: 'a film.bin', sizeBytes, pieceLength, pieces, trackers: [] })
  expect(ours.infoHash).toBe(rival.infoHash)
})

test.runIf(process.platform === 'linux')('the source is read once, and memory stays bounded', async () => {
  const pool = makePool()
  const dir = await makeDir()
  const sourcePath = path.join(dir, 'source')
  const sizeBytes = 300 * MIB
  await writeRandom(sourcePath, sizeBytes)
  await hashFile(pool, { path: sourcePath, signal: never })
  const rssBefore = process.memoryUsage.rss()
  let rssPeak = 0
  const readBefore = readChars()
  await readFile(pool, {
    sourcePath,
    stagedPath: path.join(dir, 'staged'),
    storage: 'copy',
    withPieces: true,
    signal: never,
    onProgress: () => {
      rssPeak = Math.max(rssPeak, process.memoryUsage.rss())
    },
  })
  expect((readChars() - readBefore) / sizeBytes).toBeLessThan(1.02)
  expect(rssPeak - rssBefore).toBeLessThan(150 * MIB)
})

/** Bytes this process has asked the system to read. */
function readChars(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

test('a worker that crashes fails its job with a sentence, leaves nothing, and is replaced', async () => {
  const workers: Worker[] = []
  const url = new URL('../../../app/ingest/hash-worker.ts', import.meta.url)
  const pool = new HashPool({
    log: silentLog,
    spawn: () => {
      const worker = new Worker(url)
      workers.push(worker)
      return worker
    },
  })
  const dir = await makeDir()
  const sourcePath = path.join(dir, 'source')
  const stagedPath = path.join(dir, 'staged')
  await writeRandom(sourcePath, 200 * MIB)
  const options = { sourcePath, stagedPath, storage: 'copy', withPieces: true, signal: never } as const
  const crashed = readFile(pool, { ...options, onProgress: () => void workers[1]?.terminate() })
  await expect(crashed).rejects.toMatchObject({ code: 'INTERNAL', message: /stopped unexpectedly/ })
  expect(await fs.readdir(dir)).toEqual(['source'])
  const again = await readFile(pool, options)
  expect(again.sha256).toBe(sha256(await fs.readFile(sourcePath)))
  expect(workers).toHaveLength(3)
  await pool.close()
})

test('a rate limit holds, and does not hold up another job', async () => {
  const pool = makePool()
  const dir = await makeDir()
  const slowFile = path.join(dir, 'slow')
  const fastFile = path.join(dir, 'fast')
  await writeRandom(slowFile, 6 * MIB)
  await writeRandom(fastFile, 40 * MIB)
  const startedAtMs = performance.now()
  const slow = hashFile(pool, { path: slowFile, signal: never, rateLimitBytesPerSec: 10 * MIB })
  await hashFile(pool, { path: fastFile, pieceLength: MIB, signal: never })
  const fastMs = performance.now() - startedAtMs
  await slow
  const slowMs = performance.now() - startedAtMs
  expect(slowMs).toBeGreaterThan(450)
  expect(fastMs).toBeLessThan(slowMs)
})
