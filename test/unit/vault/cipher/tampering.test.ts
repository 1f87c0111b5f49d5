import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamEncryption } from '../../../../app/manifest/index.ts'
import { PlainReader, streamEncryptionOf } from '../../../../app/vault/index.ts'
import { plainSizeWithin, SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../../../../app/segments.ts'
import {
  drain,
  encryptBytes,
  encryptedManifest,
  MemoryBytes,
  patternBytes,
} from '../../../support/encrypted-item.ts'
import type { EncryptedBytes } from '../../../support/encrypted-item.ts'

const refused = { code: 'CIPHERTEXT_INVALID' }

interface Subject {
  readonly plain: Buffer
  readonly bytes: EncryptedBytes
  readonly encryption: StreamEncryption
}

function subjectOf(size: number, seed = 0): Subject {
  const plain = patternBytes(size, seed)
  const bytes = encryptBytes(plain)
  const encryption = streamEncryptionOf(encryptedManifest(plain, bytes))
  if (encryption.layout !== 'stream64k') throw new Error('not segmented')
  return { plain, bytes, encryption }
}

/** Reads a range of tampered bytes; sizes follow the bytes, as in a manifest that was tampered with as well. */
async function readTampered(
  { bytes, encryption }: Subject,
  stored: Buffer,
  range?: readonly [start: number, endExclusive: number],
): Promise<{ bytes: Buffer; error: unknown }> {
  const plainSizeBytes = plainSizeWithin(stored.length) ?? 0
  const reader = await PlainReader.open({
    stored: new MemoryBytes(stored),
    encryption: { ...encryption, storedSizeBytes: stored.length, plainSizeBytes },
    fileKey: bytes.fileKey,
  })
  return drain(reader.read(...(range ?? [0, plainSizeBytes])))
}

function segmentsOf(stored: Buffer): Buffer[] {
  const count = Math.ceil(stored.length / SEGMENT_BYTES)
  return Array.from({ length: count }, (_, i) => stored.subarray(i * SEGMENT_BYTES, (i + 1) * SEGMENT_BYTES))
}

describe('tampered bytes', () => {
  it('are refused for every single bit of a small file, before a byte is given out', async () => {
    const subject = subjectOf(40)
    for (let bit = 0; bit < subject.bytes.stored.length * 8; bit += 1) {
      const stored = Buffer.from(subject.bytes.stored)
      stored[bit >>> 3] = (stored[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await readTampered(subject, stored)).toEqual({
        bytes: Buffer.alloc(0),
        error: expect.objectContaining(refused) as unknown,
      })
    }
  })

  it('are refused for any bit of a larger file, before a byte of that segment is given out', async () => {
    const subject = subjectOf(3 * SEGMENT_PLAIN_BYTES + 1000)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(subject.bytes.stored.length - 1),
        fc.nat(7),
        fc.nat(),
        fc.nat(),
        async (at, bit, a, b) => {
          const stored = Buffer.from(subject.bytes.stored)
          stored[at] = (stored[at] ?? 0) ^ (1 << bit)
          const segmentStart = Math.floor(at / SEGMENT_BYTES) * SEGMENT_PLAIN_BYTES

          const whole = await readTampered(subject, stored)
          expect(whole.error).toMatchObject(refused)
          expect(whole.bytes.equals(subject.plain.subarray(0, segmentStart))).toBe(true)

          const segmentEnd = Math.min(segmentStart + SEGMENT_PLAIN_BYTES, subject.plain.length)
          const start = segmentStart + (a % (segmentEnd - segmentStart))
          const end = start + 1 + (b % (segmentEnd - start))
          const part = await readTampered(subject, stored, [start, end])
          expect(part).toMatchObject({ error: refused, bytes: Buffer.alloc(0) })
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are refused when cut anywhere, although every remaining segment is genuine', async () => {
    const subject = subjectOf(3 * SEGMENT_PLAIN_BYTES + 100)
    const { stored } = subject.bytes
    const cuts = [1, 2, 3].map((segments) => segments * SEGMENT_BYTES)
    cuts.push(stored.length - 1, stored.length - 50, SEGMENT_BYTES + 17, 3 * SEGMENT_BYTES + 17, 16, 17)
    for (const cut of cuts) {
      const { bytes, error } = await readTampered(subject, stored.subarray(0, cut))
      expect(error).toMatchObject(refused)
      const before = (Math.ceil(cut / SEGMENT_BYTES) - 1) * SEGMENT_PLAIN_BYTES
      expect(bytes.equals(subject.plain.subarray(0, before))).toBe(true)

      const end = plainSizeWithin(cut) ?? 0
      if (end < 2) continue
      const tail = await readTampered(subject, stored.subarray(0, cut), [1, end])
      expect(tail).toMatchObject({ error: refused, bytes: Buffer.alloc(0) })
    }
  })

  it('are refused when there are fewer or more than the manifest says', async () => {
    const { bytes, encryption } = subjectOf(SEGMENT_PLAIN_BYTES + 100)
    for (const stored of [bytes.stored.subarray(0, -1), Buffer.concat([bytes.stored, Buffer.alloc(1)])]) {
      const opened = PlainReader.open({ stored: new MemoryBytes(stored), encryption, fileKey: bytes.fileKey })
      await expect(opened).rejects.toMatchObject(refused)
    }
  })

  it('are refused when segments change places', async () => {
    const subject = subjectOf(4 * SEGMENT_PLAIN_BYTES + 100)
    const segments = segmentsOf(subject.bytes.stored)
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.nat(3), async (a, b) => {
        fc.pre(a !== b)
        const swapped = [...segments]
        ;[swapped[a], swapped[b]] = [segments[b] ?? Buffer.alloc(0), segments[a] ?? Buffer.alloc(0)]
        const { bytes, error } = await readTampered(subject, Buffer.concat(swapped))
        expect(error).toMatchObject(refused)
        expect(bytes.length).toBe(Math.min(a, b) * SEGMENT_PLAIN_BYTES)
      }),
    )
  })

  it('are refused when a segment is left out, doubled, or put in the place of the last', async () => {
    const subject = subjectOf(4 * SEGMENT_PLAIN_BYTES)
    const [a, b, c, d] = segmentsOf(subject.bytes.stored) as [Buffer, Buffer, Buffer, Buffer]
    for (const [kept, ...segments] of [
      [1, a, c, d],
      [2, a, b, d],
      [1, a, a, b, c, d],
      [3, a, b, c, c],
      [3, a, b, c, d, d],
      [0, d],
    ] as [number, ...Buffer[]][]) {
      const { bytes, error } = await readTampered(subject, Buffer.concat(segments))
      expect(error).toMatchObject(refused)
      expect(bytes.length).toBe(kept * SEGMENT_PLAIN_BYTES)
    }
  })

  it('are refused when a segment comes from another encryption, even of the same file with the same key', async () => {
    const subject = subjectOf(3 * SEGMENT_PLAIN_BYTES + 100)
    const others = [
      subjectOf(3 * SEGMENT_PLAIN_BYTES + 100).bytes,
      encryptBytes(subject.plain, subject.bytes.fileKey),
    ]
    for (const other of others) {
      for (let i = 0; i < 4; i += 1) {
        const spliced = segmentsOf(subject.bytes.stored)
        spliced[i] = segmentsOf(other.stored)[i] ?? Buffer.alloc(0)
        const { bytes, error } = await readTampered(subject, Buffer.concat(spliced))
        expect(error).toMatchObject(refused)
        expect(bytes.length).toBe(i * SEGMENT_PLAIN_BYTES)
      }
    }
  })

  it('are refused when the tag is not the one the manifest names', async () => {
    const subject = subjectOf(100)
    const authTag = Buffer.alloc(16)
    const changed = { ...subject, encryption: { ...subject.encryption, authTag } }
    expect(await readTampered(changed, subject.bytes.stored)).toMatchObject({
      error: refused,
      bytes: Buffer.alloc(0),
    })
  })

  it('are refused in the same words, whatever is wrong with them', async () => {
    const subject = subjectOf(SEGMENT_PLAIN_BYTES + 100)
    const flipped = Buffer.from(subject.bytes.stored)
    flipped[0] = (flipped[0] ?? 0) ^ 1
    const errors = [
      (await readTampered(subject, flipped)).error,
      (await readTampered(subject, subject.bytes.stored.subarray(0, SEGMENT_BYTES))).error,
      (await readTampered(subject, Buffer.alloc(SEGMENT_BYTES))).error,
    ]
    expect(new Set(errors.map((error) => (error as Error).message)).size).toBe(1)
  })
})
