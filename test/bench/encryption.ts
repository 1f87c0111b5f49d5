import { execFileSync } from 'node:child_process'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES, segmentCountOf, storedSizeOf } from '../../app/segments.ts'
import { deriveStreamKeys, newFileKey, newSalt, sealSegment } from '../../app/stream-cipher.ts'
import type { StreamKeys } from '../../app/stream-cipher.ts'
import { PlainReader } from '../../app/vault/index.ts'
import type { StoredBytes } from '../../app/vault/index.ts'
import { interleave, median, MIB, rate, seconds, versionOf, type Benchmark, type Row } from './report.ts'

const BLOCK_BYTES = MIB

/** Segments sealed and opened on one core, against OpenSSL alone and against reading the same bytes as they are. */
export const benchmark: Benchmark = {
  name: 'encryption',
  versions: () => ({ openssl: versionOf('openssl', 'version') }),
  async run({ isQuick, dir }) {
    const rounds = isQuick ? 2 : 5
    const sizeBytes = (isQuick ? 128 : 1024) * MIB
    const salt = newSalt()
    const fileKey = newFileKey()
    const keys = deriveStreamKeys(fileKey, salt)
    const file = path.join(dir, 'encrypted')
    const authTag = await writeEncrypted(file, sizeBytes, keys)
    const handle = await open(file)
    try {
      const stored = storedIn(handle, storedSizeOf(sizeBytes))
      const { noncePrefix, commitment } = keys
      const sizes = { plainSizeBytes: sizeBytes, storedSizeBytes: stored.sizeBytes }
      const encryption = { layout: 'stream64k' as const, salt, noncePrefix, commitment, authTag, ...sizes }
      const reader = await PlainReader.open({ stored, encryption, fileKey })
      const times = await interleave(rounds, {
        plain: async () => readPlain(stored),
        decrypted: async () => {
          for await (const _chunk of reader.read(0, sizeBytes));
        },
      })
      const firstBytes: number[] = []
      for (let i = 0; i < 200; i += 1) firstBytes.push(await seconds(async () => firstByte(reader, i / 250)))
      const firstByteMs = median(firstBytes) * 1000
      return [
        sealing(keys, rounds),
        {
          what: 'read decrypted',
          ours: rate(sizeBytes, times.decrypted),
          rival: `${rate(sizeBytes, times.plain)} the stored bytes`,
          ratio: times.plain / times.decrypted,
        },
        {
          what: 'first byte after a seek, ms',
          ours: `${firstByteMs.toFixed(2)} ms`,
          rival: '',
          ratio: firstByteMs,
          target: { atMost: 10 },
        },
      ]
    } finally {
      await handle.close()
    }
  },
}

function sealing(keys: StreamKeys, rounds: number): Row {
  const plain = Buffer.alloc(SEGMENT_PLAIN_BYTES, 7)
  const target = Buffer.alloc(SEGMENT_BYTES)
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedAtMs = performance.now()
    let segments = 0
    while (performance.now() - startedAtMs < 1000) {
      for (let i = 0; i < 100; i += 1) sealSegment(keys, i, false, plain, target)
      segments += 100
    }
    ours.push((segments * SEGMENT_PLAIN_BYTES) / ((performance.now() - startedAtMs) / 1000))
    theirs.push(opensslSpeed())
  }
  return {
    what: 'seal segments on one core',
    ours: rate(median(ours), 1),
    rival: `${rate(median(theirs), 1)} openssl speed aes-256-gcm`,
    ratio: median(ours) / median(theirs),
    note: 'openssl encrypts one buffer again and again under one nonce',
  }
}

/** Bytes a second, over buffers of a segment's size. */
function opensslSpeed(): number {
  const args = ['speed', '-mr', '-seconds', '1', '-bytes', String(SEGMENT_BYTES), '-evp', 'aes-256-gcm']
  const output = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const line = output.split('\n').find((text) => text.startsWith('+F:'))
  const bytesPerSec = Number(line?.split(':').at(-1))
  if (!(bytesPerSec > 0)) throw new Error('openssl speed says something else than before')
  return bytesPerSec
}

async function writeEncrypted(file: string, sizeBytes: number, keys: StreamKeys): Promise<Uint8Array> {
  const plain = Buffer.alloc(SEGMENT_PLAIN_BYTES, 7)
  const stored = Buffer.alloc(SEGMENT_BYTES)
  const count = segmentCountOf(sizeBytes)
  const handle = await open(file, 'w')
  let length = 0
  for (let i = 0; i < count; i += 1) {
    const isLast = i === count - 1
    const part = isLast ? plain.subarray(0, sizeBytes - i * SEGMENT_PLAIN_BYTES) : plain
    length = sealSegment(keys, i, isLast, part, stored)
    await handle.write(stored, 0, length)
  }
  await handle.close()
  return stored.slice(length - 16, length)
}

function storedIn(handle: FileHandle, sizeBytes: number): StoredBytes {
  return {
    sizeBytes,
    read: async (target, position) => {
      const { bytesRead } = await handle.read(target, 0, target.length, position)
      if (bytesRead !== target.length) throw new Error('the file is shorter than it was')
    },
  }
}

async function readPlain(stored: StoredBytes): Promise<void> {
  for (let at = 0; at < stored.sizeBytes; at += BLOCK_BYTES) {
    await stored.read(Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, stored.sizeBytes - at)), at)
  }
}

async function firstByte(reader: PlainReader, at01: number): Promise<void> {
  const chunks = reader.read(Math.floor(reader.sizeBytes * at01), reader.sizeBytes)
  await chunks.next()
  await chunks.return(undefined)
}
