import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../app/contract/index.ts'
import type { StreamEncryption } from '../../../../app/manifest/index.ts'
import {
  deriveStreamKeys,
  newFileKey,
  openSegment,
  PlainReader,
  storedSizeOf,
  streamEncryptionOf,
} from '../../../../app/vault/index.ts'
import { newSalt, sealSegment } from '../../../../app/stream-cipher.ts'
import { plainSizeWithin, SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../../../../app/segments.ts'
import {
  drain,
  encryptBytes,
  encryptedManifest,
  MemoryBytes,
  patternBytes,
} from '../../../support/encrypted-item.ts'

const KiB = 1024
const borders = [0, 1, 2, 3, 4].flatMap((segments) =>
  [-17, -16, -1, 0, 1, 16, 17].map((delta) => segments * SEGMENT_PLAIN_BYTES + delta),
)
const sizes = fc.oneof(
  fc.integer({ min: 0, max: 300 * KiB }),
  fc.constantFrom(...borders.filter((size) => size >= 0)),
)

function encryptionOf(plain: Buffer, bytes: ReturnType<typeof encryptBytes>): StreamEncryption {
  const encryption = streamEncryptionOf(encryptedManifest(plain, bytes))
  if (encryption.layout !== 'stream64k') throw new Error('not segmented')
  return encryption
}

async function readerOf(plain: Buffer, bytes = encryptBytes(plain)) {
  const stored = new MemoryBytes(bytes.stored)
  const encryption = encryptionOf(plain, bytes)
  const reader = await PlainReader.open({ stored, encryption, fileKey: bytes.fileKey })
  return { reader, stored }
}

describe('sizes', () => {
  it('have one ciphertext size each, and back', () => {
    expect(storedSizeOf(0)).toBe(16)
    expect(storedSizeOf(SEGMENT_PLAIN_BYTES)).toBe(SEGMENT_BYTES)
    expect(storedSizeOf(SEGMENT_PLAIN_BYTES + 1)).toBe(SEGMENT_BYTES + 17)
    fc.assert(
      fc.property(fc.oneof(sizes, fc.maxSafeNat()), (size) => {
        fc.pre(size <= 2 ** 32 * SEGMENT_PLAIN_BYTES)
        return plainSizeWithin(storedSizeOf(size)) === size
      }),
    )
  })

  it.each([0, 15, SEGMENT_BYTES + 1, SEGMENT_BYTES + 16, 2 * SEGMENT_BYTES + 16, -1, 1.5, NaN, 2 ** 53])(
    'refuses %d bytes, which no file encrypts to',
    (size) => {
      expect(plainSizeWithin(size)).toBeUndefined()
    },
  )

  it('ends where the counter of the nonce does', () => {
    const most = 2 ** 32 * SEGMENT_PLAIN_BYTES
    expect(storedSizeOf(most)).toBe(2 ** 48)
    expect(() => storedSizeOf(most + 1)).toThrow(RangeError)
    expect(plainSizeWithin(2 ** 48 + 17)).toBeUndefined()
  })
})

describe('a reader', () => {
  it('gives back any range of any file, and decrypts no other segments', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), fc.nat(255), async (size, a, b, seed) => {
        const plain = patternBytes(size, seed)
        const start = a % (size + 1)
        const end = start + (b % (size - start + 1))
        const { reader, stored } = await readerOf(plain)
        const { bytes, error } = await drain(reader.read(start, end))
        expect(error).toBeUndefined()
        expect(bytes.equals(plain.subarray(start, end))).toBe(true)

        const first = Math.floor(start / SEGMENT_PLAIN_BYTES) * SEGMENT_BYTES
        const lastSegment = Math.floor((stored.sizeBytes - 1) / SEGMENT_BYTES) * SEGMENT_BYTES
        for (const { position, length } of stored.reads) {
          const isEndCheck = position === lastSegment && end === size
          expect(isEndCheck || (position >= first && position < end + SEGMENT_BYTES + 16 * 5)).toBe(true)
          expect(position % SEGMENT_BYTES).toBe(0)
          expect(length % SEGMENT_BYTES === 0 || position + length === stored.sizeBytes).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })

  it.each(borders.filter((size) => size >= 0))('gives back a file of %d bytes whole', async (size) => {
    const plain = patternBytes(size, 1)
    const { reader } = await readerOf(plain)
    expect(reader.sizeBytes).toBe(size)
    expect((await drain(reader.read(0, size))).bytes.equals(plain)).toBe(true)
  })

  it('reads the end first when only the end is asked for, once', async () => {
    const plain = patternBytes(6 * SEGMENT_PLAIN_BYTES + 5)
    const { reader, stored } = await readerOf(plain)
    await drain(reader.read(plain.length - 3 * SEGMENT_PLAIN_BYTES, plain.length))
    await drain(reader.read(plain.length - 3 * SEGMENT_PLAIN_BYTES, plain.length))
    const ends = stored.reads.filter(({ position }) => position === 6 * SEGMENT_BYTES)
    expect(stored.reads[0]).toEqual({ position: 6 * SEGMENT_BYTES, length: 21 })
    expect(ends).toHaveLength(1)
  })

  it('asks for one segment first, so that the first byte does not wait for more', async () => {
    const plain = patternBytes(40 * SEGMENT_PLAIN_BYTES)
    const { reader, stored } = await readerOf(plain)
    await drain(reader.read(0, plain.length))
    expect(stored.reads[0]?.length).toBe(SEGMENT_BYTES)
    expect(Math.max(...stored.reads.map(({ length }) => length))).toBeLessThanOrEqual(16 * SEGMENT_BYTES)
  })

  it('stops when it is told to', async () => {
    const plain = patternBytes(4 * SEGMENT_PLAIN_BYTES)
    const { reader } = await readerOf(plain)
    const abort = new AbortController()
    const chunks = reader.read(0, plain.length, abort.signal)
    await chunks.next()
    abort.abort()
    await expect(chunks.next()).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('gives nothing after it was closed', async () => {
    const plain = patternBytes(10)
    const { reader } = await readerOf(plain)
    reader.close()
    await expect(drain(reader.read(0, 10))).resolves.toMatchObject({
      error: { code: 'CANCELLED' },
      bytes: Buffer.alloc(0),
    })
  })

  it.each([
    [-1, 5],
    [0, 11],
    [6, 5],
    [0.5, 5],
  ])('refuses the range %d … %d of ten bytes', async (start, end) => {
    const { reader } = await readerOf(patternBytes(10))
    expect((await drain(reader.read(start, end))).error).toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('gives out nothing with another key than the one committed to', async () => {
    const plain = patternBytes(100)
    const bytes = encryptBytes(plain)
    const stored = new MemoryBytes(bytes.stored)
    const encryption = encryptionOf(plain, bytes)
    await expect(PlainReader.open({ stored, encryption, fileKey: newFileKey() })).rejects.toMatchObject({
      code: 'KEY_NEEDED',
    })
    const commitment = Buffer.alloc(32, 1)
    await expect(
      PlainReader.open({ stored, encryption: { ...encryption, commitment }, fileKey: bytes.fileKey }),
    ).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    expect(stored.reads).toEqual([])
  })
})

describe('sealing', () => {
  const keys = deriveStreamKeys(newFileKey(), newSalt())
  const target = Buffer.alloc(SEGMENT_BYTES)

  it.each([
    ['a middle segment that is short', 0, false, SEGMENT_PLAIN_BYTES - 1],
    ['a segment that is too long', 0, true, SEGMENT_PLAIN_BYTES + 1],
    ['an empty last segment after others', 3, true, 0],
    ['a negative index', -1, true, 5],
    ['an index the counter cannot hold', 2 ** 32, true, 5],
  ] as const)('refuses %s', (_what, index, isLast, length) => {
    expect(() => sealSegment(keys, index, isLast, Buffer.alloc(length), target)).toThrow(RangeError)
  })

  it('refuses a target that is too short', () => {
    expect(() => sealSegment(keys, 0, true, Buffer.alloc(10), Buffer.alloc(25))).toThrow(RangeError)
  })

  it('never makes the same segment of two indexes, nor of a last and another one', () => {
    const plain = Buffer.alloc(SEGMENT_PLAIN_BYTES)
    const seals = [
      [0, false],
      [1, false],
      [1, true],
      [2 ** 32 - 1, true],
    ] as const
    const made = seals.map(([index, isLast]) => {
      sealSegment(keys, index, isLast, plain, target)
      return target.toString('base64')
    })
    expect(new Set(made).size).toBe(seals.length)
    expect(openSegment(keys, 2 ** 32 - 1, true, target).every((byte) => byte === 0)).toBe(true)
  })
})

describe('reading ahead', () => {
  it('stops what it began when nobody wants more', async () => {
    const plain = patternBytes(20 * SEGMENT_PLAIN_BYTES)
    const bytes = encryptBytes(plain)
    const asked: (AbortSignal | undefined)[] = []
    const memory = new MemoryBytes(bytes.stored)
    const stored = {
      sizeBytes: memory.sizeBytes,
      read: async (target: Uint8Array, position: number, signal?: AbortSignal) => {
        asked.push(signal)
        if (position === 0) return memory.read(target, position)
        await new Promise((_resolve, reject) =>
          signal?.addEventListener('abort', () => reject(new Error('stopped'))),
        )
      },
    }
    const encryption = encryptionOf(plain, bytes)
    const reader = await PlainReader.open({ stored, encryption, fileKey: bytes.fileKey })
    for await (const chunk of reader.read(0, plain.length)) {
      expect(Buffer.from(chunk).equals(plain.subarray(0, SEGMENT_PLAIN_BYTES))).toBe(true)
      break
    }
    expect(asked).toHaveLength(2)
    expect(asked[1]?.aborted).toBe(true)
  })

  it('gives out what lies before bytes that cannot be had', async () => {
    const plain = patternBytes(20 * SEGMENT_PLAIN_BYTES)
    const bytes = encryptBytes(plain)
    const memory = new MemoryBytes(bytes.stored)
    const gone = new AppError('MEDIA_OFFLINE', 'The folder is not there.')
    const stored = {
      sizeBytes: memory.sizeBytes,
      read: async (target: Uint8Array, position: number) => {
        if (position >= 5 * SEGMENT_BYTES) throw gone
        await memory.read(target, position)
      },
    }
    const encryption = encryptionOf(plain, bytes)
    const reader = await PlainReader.open({ stored, encryption, fileKey: bytes.fileKey })
    const { bytes: released, error } = await drain(reader.read(0, plain.length))
    expect(error).toBe(gone)
    expect(released.equals(plain.subarray(0, 5 * SEGMENT_PLAIN_BYTES))).toBe(true)
  })
})

describe('reading with lent chunks', () => {
  it('gives the same bytes of any range, each only until the next is asked for', async () => {
    const plain = patternBytes(20 * SEGMENT_PLAIN_BYTES + 5)
    const { reader } = await readerOf(plain)
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length), fc.nat(plain.length), async (one, other) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)]
        const copies: Buffer[] = []
        const lent: Uint8Array[] = []
        for await (const chunk of reader.read(start, end, undefined, true)) {
          copies.push(Buffer.from(chunk))
          lent.push(chunk)
        }
        expect(Buffer.concat(copies).equals(plain.subarray(start, end))).toBe(true)
        expect(lent.every(({ length }) => length === 0)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('leaves chunks alone that were not asked for as lent', async () => {
    const plain = patternBytes(20 * SEGMENT_PLAIN_BYTES + 5)
    const { reader } = await readerOf(plain)
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.read(0, plain.length)) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(plain)).toBe(true)
  })
})
