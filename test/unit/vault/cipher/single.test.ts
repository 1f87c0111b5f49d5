import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { buildManifest, signManifest } from '../../../../app/manifest/index.ts'
import type { Encryption } from '../../../../app/manifest/index.ts'
import { newFileKey, PlainReader, streamEncryptionOf } from '../../../../app/vault/index.ts'
import { testSigner } from '../../manifest/owner.ts'
import { drain, MemoryBytes, patternBytes } from '../../../support/encrypted-item.ts'

/** What a program writes that follows the seeds' first form: one message, its tag in the manifest. */
function otherWriter(size: number, overrides: Partial<Encryption> = {}, storedSize = size) {
  const plain = patternBytes(size)
  const fileKey = newFileKey()
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', fileKey, iv)
  const stored = Buffer.concat([cipher.update(plain), cipher.final()])
  const signer = testSigner()
  const encryption = {
    enabled: true,
    method: 'aes-256-gcm' as const,
    iv: iv.toString('hex'),
    authTag: cipher.getAuthTag().toString('hex'),
    ...overrides,
  }
  const unsigned = buildManifest({
    mediaId: createHash('sha256').update(stored).digest('hex'),
    sizeBytes: storedSize,
    mime: 'application/octet-stream',
    createdAt: 0,
    accessLevel: 'private',
    owner: signer.publicKey,
  })
  return { plain, fileKey, stored, sign: () => signManifest({ ...unsigned, encryption }, signer) }
}

describe('a file that is one message', () => {
  it.each([undefined, 'single' as const])('is read with the layout %s', async (layout) => {
    const { plain, fileKey, stored, sign } = otherWriter(200_000, layout && { layout })
    const encryption = streamEncryptionOf(sign())
    const reader = await PlainReader.open({ stored: new MemoryBytes(stored), encryption, fileKey })
    expect(reader.sizeBytes).toBe(200_000)
    expect((await drain(reader.read(0, 200_000))).bytes.equals(plain)).toBe(true)
    expect((await drain(reader.read(65_530, 131_080))).bytes.equals(plain.subarray(65_530, 131_080))).toBe(
      true,
    )
    reader.close()
    expect((await drain(reader.read(0, 1))).error).toMatchObject({ code: 'CANCELLED' })
  })

  it('is read when it is empty', async () => {
    const { fileKey, stored, sign } = otherWriter(0)
    const encryption = streamEncryptionOf(sign())
    const reader = await PlainReader.open({ stored: new MemoryBytes(stored), encryption, fileKey })
    expect(await drain(reader.read(0, 0))).toEqual({ bytes: Buffer.alloc(0), error: undefined })
  })

  it('gives out nothing when a bit changed, or with another key', async () => {
    const { fileKey, stored, sign } = otherWriter(1000)
    const encryption = streamEncryptionOf(sign())
    const changed = Buffer.from(stored)
    changed[999] = (changed[999] ?? 0) ^ 1
    const refused = { code: 'CIPHERTEXT_INVALID' }
    await expect(
      PlainReader.open({ stored: new MemoryBytes(changed), encryption, fileKey }),
    ).rejects.toMatchObject(refused)
    await expect(
      PlainReader.open({ stored: new MemoryBytes(stored), encryption, fileKey: newFileKey() }),
    ).rejects.toMatchObject(refused)
  })

  it.each([
    ['of more than 64 MiB', {}, 64 * 1024 * 1024 + 1],
    ['with another plain size', { plainSize: 9 }, 10],
    ['with a nonce of another length', { iv: '00'.repeat(16) }, 10],
    ['with a tag that is cut', { authTag: '00'.repeat(12) }, 10],
  ])('is refused %s', (_what, overrides, storedSize) => {
    const { sign } = otherWriter(10, overrides, storedSize)
    expect(sign).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }) as Error)
  })
})
