import { execFile } from 'node:child_process'
import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { promisify } from 'node:util'
import { buildManifest, signManifest } from '../../app/manifest/index.ts'
import {
  deriveStreamKeys,
  encryptionField,
  makeEnvelope,
  newFileKey,
  sealMetadata,
  storedSizeOf,
} from '../../app/vault/index.ts'
import { newSalt, sealSegment } from '../../app/stream-cipher.ts'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../../app/segments.ts'
import { startTestNode, TEST_PAIR } from '../integration/http/test-node.ts'
import type { TestNode } from '../integration/http/test-node.ts'
import { GIB, interleave, median, MIB, rate, type Benchmark, type Row } from './report.ts'

const run = promisify(execFile)
const SEEKS = 200

/** A file the window plays: the same bytes from an encrypted item and from one that is not, and how soon a seek answers. */
export const benchmark: Benchmark = {
  name: 'decrypted',
  async run({ isQuick }) {
    const node = await startTestNode()
    try {
      return [await whole(node, isQuick ? 128 * MIB : GIB, isQuick ? 2 : 5), await seeks(node, 4 * GIB)]
    } finally {
      await node.stop()
    }
  },
}

async function whole(node: TestNode, sizeBytes: number, rounds: number): Promise<Row> {
  const sealed = await storeSealed(node, sizeBytes, 'all')
  const clear = await storeClear(node, sizeBytes)
  const urls = {
    decrypted: `${node.controlUrl}/media/${sealed.mediaId}`,
    plain: `${node.controlUrl}/media/${clear}`,
  }
  await download(node, urls.decrypted)
  await download(node, urls.plain)
  const cpuSec = { plain: 0, decrypted: 0 }
  const contestant = (name: 'plain' | 'decrypted') => async (): Promise<void> => {
    const before = process.cpuUsage()
    await download(node, urls[name])
    const { user, system } = process.cpuUsage(before)
    cpuSec[name] += (user + system) / 1e6
  }
  const times = await interleave(rounds, { plain: contestant('plain'), decrypted: contestant('decrypted') })
  const perGib = (sec: number): string => ((sec * GIB) / (rounds * sizeBytes)).toFixed(2)
  return {
    what: 'HTTP, whole file, decrypted',
    ours: rate(sizeBytes, times.decrypted),
    rival: `${rate(sizeBytes, times.plain)} not encrypted`,
    ratio: times.plain / times.decrypted,
    target: { atLeast: 0.5 },
    note: `CPU per GiB: ${perGib(cpuSec.decrypted)} s, not encrypted ${perGib(cpuSec.plain)} s`,
  }
}

/** Where the player jumps to, the first byte there; the file is one in which only those places hold anything. */
async function seeks(node: TestNode, sizeBytes: number): Promise<Row> {
  const segments = Math.ceil(sizeBytes / SEGMENT_PLAIN_BYTES)
  const places = Array.from({ length: SEEKS }, () => randomInt(segments - 2))
  const { mediaId } = await storeSealed(node, sizeBytes, new Set([...places, segments - 1]))
  const agent = new Agent({ keepAlive: true })
  const timesMs: number[] = []
  for (const place of places)
    timesMs.push(await firstByteMs(node, agent, mediaId, place * SEGMENT_PLAIN_BYTES + 1000))
  agent.destroy()
  const sorted = timesMs.toSorted((a, b) => a - b)
  const middle = median(timesMs)
  return {
    what: 'HTTP, seek in 4 GiB, decrypted',
    ours: `${middle.toFixed(1)} ms to the first byte`,
    rival: '10 ms allowed',
    ratio: middle,
    target: { atMost: 10 },
    note: `of ${SEEKS}: 95 % within ${(sorted[Math.floor(SEEKS * 0.95)] ?? 0).toFixed(1)} ms`,
  }
}

function firstByteMs(node: TestNode, agent: Agent, mediaId: string, start: number): Promise<number> {
  const headers = { authorization: `Bearer ${node.controlToken}`, range: `bytes=${start}-${start + 60_000}` }
  const startedAtMs = performance.now()
  return new Promise((resolve, reject) => {
    const outgoing = request(`${node.controlUrl}/media/${mediaId}`, { agent, headers }, (answer) => {
      let firstMs: number | undefined
      answer.on('data', () => (firstMs ??= performance.now() - startedAtMs))
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode === 206 && firstMs !== undefined) resolve(firstMs)
        else reject(new Error(`status ${answer.statusCode}`))
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

function download(node: TestNode, url: string): Promise<unknown> {
  return run('curl', ['-sf', '-o', '/dev/null', '-H', `Authorization: Bearer ${node.controlToken}`, url])
}

async function storeClear(node: TestNode, sizeBytes: number): Promise<string> {
  const staging = await node.folder.stage(randomUUID())
  const file = await open(staging.bytes, 'w')
  const block = randomBytes(MIB)
  for (let at = 0; at < sizeBytes; at += block.length) await file.write(block)
  await file.close()
  const mediaId = randomBytes(32).toString('hex')
  const unsigned = { ...described(node, mediaId, sizeBytes), name: 'film.mp4' }
  return commit(node, staging, mediaId, unsigned)
}

/**
 * An encrypted item of zeros, of which only `places` are written. Its id is no hash of anything: what is measured is the way
 * out, where nothing is hashed.
 */
async function storeSealed(
  node: TestNode,
  plainSizeBytes: number,
  places: ReadonlySet<number> | 'all',
): Promise<{ mediaId: string }> {
  const fileKey = newFileKey()
  const salt = newSalt()
  const keys = deriveStreamKeys(fileKey, salt)
  const count = Math.ceil(plainSizeBytes / SEGMENT_PLAIN_BYTES)
  const staging = await node.folder.stage(randomUUID())
  const file = await open(staging.bytes, 'w')
  const plain = Buffer.alloc(SEGMENT_PLAIN_BYTES)
  const stored = Buffer.alloc(SEGMENT_BYTES)
  let written = 0
  for (const index of places === 'all' ? Array.from({ length: count }, (_, at) => at) : places) {
    const isLast = index === count - 1
    const part = isLast ? plain.subarray(0, plainSizeBytes - index * SEGMENT_PLAIN_BYTES) : plain
    written = sealSegment(keys, index, isLast, part, stored)
    await file.write(stored, 0, written, index * SEGMENT_BYTES)
  }
  const sizeBytes = storedSizeOf(plainSizeBytes)
  await file.truncate(sizeBytes)
  await file.close()
  // The last place written is the last segment.
  const authTag = Buffer.from(stored.subarray(written - 16, written))
  const mediaId = createHash('sha256').update(fileKey).digest('hex')
  const recipients = [{ owner: node.owner, pub: TEST_PAIR.pub, epub: TEST_PAIR.epub }]
  const unsigned = {
    ...described(node, mediaId, sizeBytes),
    encryption: encryptionField({
      fileKey,
      salt,
      authTag,
      plainSizeBytes,
      mediaId,
      sealed: sealMetadata(fileKey, { name: 'film.mp4', mime: 'video/mp4', plainHash: '0'.repeat(64) }),
      keyEnvelope: await makeEnvelope({ fileKey, mediaId, version: 1, recipients }),
    }),
  }
  return { mediaId: await commit(node, staging, mediaId, unsigned) }
}

function described(node: TestNode, mediaId: string, sizeBytes: number): ReturnType<typeof buildManifest> {
  const mime = 'application/octet-stream'
  return buildManifest({
    mediaId,
    sizeBytes,
    mime,
    createdAt: Date.now(),
    accessLevel: 'private',
    owner: node.owner,
  })
}

async function commit(
  node: TestNode,
  staging: Parameters<TestNode['library']['commit']>[0]['staging'],
  mediaId: string,
  unsigned: ReturnType<typeof buildManifest>,
): Promise<string> {
  const manifest = signManifest(unsigned, node.vault.signer())
  await node.library.commit({ staging, mediaId, manifest, isOwn: true, isSeedingWanted: false })
  return mediaId
}
