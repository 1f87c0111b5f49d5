/*
 * Run as a process of its own: writes a file by one of the ways that write it part by part, and says on stdout where its bytes
 * are, or that the disk was refused.
 */
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { Bootstrap } from '../../../app/fetching/bootstrap.ts'
import { Intervals } from '../../../app/fetching/intervals.ts'
import { PlainTarget } from '../../../app/fetching/plain-target.ts'
import { HashPool } from '../../../app/ingest/index.ts'
import { readFile } from '../../../app/ingest/read-file.ts'
import { chunksOf } from '../../../app/manifest/index.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { buildMetainfo, parseMetainfo } from '../../../app/seeding/metainfo.ts'
import { PieceFile } from '../../../app/seeding/piece-file.ts'
import { PiecePool } from '../../../app/seeding/piece-pool.ts'
import { writeDraft } from '../../../app/sharing/target-file.ts'
import { never, piecesOf } from '../../integration/ingest/fixture.ts'
import { openNode } from '../../integration/ingest/node.ts'
import { signed } from '../../support/manifests.ts'

const [how = '', dir = '', source = ''] = process.argv.slice(2)
const bytes = fs.readFileSync(source)
const target = path.join(dir, 'written')
const blocks = function* (sizeBytes: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += sizeBytes) yield bytes.subarray(start, start + sizeBytes)
}

/** Each gives the path of what it wrote. */
const ways: Record<string, () => Promise<string>> = {
  async upload() {
    const node = await openNode({ root: path.join(dir, '..', 'node'), mediaDir: dir })
    try {
      const said = { name: 'said late', accessLevel: 'private' as const }
      const stream = Readable.from(blocks(100_000))
      // Stored encrypted until the end of the stream, then decrypted where it lies.
      const { row } = await node.adder.addStream({ ...said, stream, details: () => said, signal: never })
      return path.join(dir, row.mediaId, 'original')
    } finally {
      await node.close()
    }
  },
  async copy() {
    const pool = new HashPool({ log })
    const options = { sourcePath: source, stagedPath: target, withPieces: false, signal: never }
    try {
      await readFile(pool, { ...options, storage: 'copy' })
    } finally {
      await pool.close()
    }
    return target
  },
  async head() {
    const chunks = await chunksOf(source, bytes.length)
    const head = new Bootstrap({
      network: { chunk: (_, place) => Promise.resolve(bytes.subarray(place.start, place.endExclusive)) },
      manifest: signed({ sizeBytes: bytes.length, ...(chunks === undefined ? {} : { chunks }) }),
      path: target,
      onChunk: () => undefined,
    })
    await head.run(never)
    return target
  },
  async plain() {
    const file = await PlainTarget.open(target, [], new Intervals(), bytes.length)
    try {
      let position = 0
      for (const block of blocks(100_000)) position += await file.write('one', block, position)
    } finally {
      await file.close(bytes.length)
    }
    return target
  },
  async saved() {
    const onChunk = (): Promise<void> => Promise.resolve()
    await writeDraft(Readable.from(blocks(65_536)), { draft: target, target: path.join(dir, 'x'), onChunk })
    return target
  },
  async pieces() {
    const pieceLength = 65_536
    const pieces = piecesOf(bytes, pieceLength)
    const { metainfo } = buildMetainfo({
      name: 'x',
      sizeBytes: bytes.length,
      pieceLength,
      pieces,
      trackers: [],
    })
    const pool = new PiecePool()
    const file = new PieceFile(parseMetainfo(metainfo), target, pool)
    try {
      const memory = file.newMemory()
      for (const [index, block] of [...blocks(pieceLength)].entries()) {
        const piece = memory.take(block.length)
        piece.set(block)
        if (!(await file.verifyAndWrite(index, piece))) throw new Error('a piece was refused')
      }
    } finally {
      await file.close()
      await pool.close()
    }
    return target
  },
}

try {
  const written = await ways[how]?.()
  fs.writeSync(1, `${written ?? 'no such way'}\n`)
} catch (error) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'DISK_FULL' && code !== 'ENOSPC') throw error
  fs.writeSync(1, 'refused\n')
}
