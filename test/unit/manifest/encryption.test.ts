import { describe, expect, it } from 'vitest'
import { verifyManifest } from '../../../app/manifest/index.ts'
import { streamEncryptionOf } from '../../../app/vault/index.ts'
import { encryptBytes, encryptedManifest, patternBytes } from '../../support/encrypted-item.ts'

const plain = patternBytes(70_000)
const bytes = encryptBytes(plain)
const point = `${'A'.repeat(43)}.${'A'.repeat(43)}`

/** @param overrides undefined takes a field away */
function refusalOf(overrides: object): unknown {
  const manifest = encryptedManifest(plain, bytes)
  const encryption: unknown = JSON.parse(JSON.stringify({ ...manifest.encryption, ...overrides }))
  try {
    verifyManifest({ ...manifest, encryption })
    return undefined
  } catch (error) {
    return error
  }
}

describe('the manifest of an encrypted item', () => {
  it('is accepted as a node writes it', () => {
    expect(refusalOf({})).toBeUndefined()
    expect(streamEncryptionOf(encryptedManifest(plain, bytes))).toMatchObject({
      layout: 'stream64k',
      plainSizeBytes: 70_000,
      storedSizeBytes: 70_032,
    })
  })

  it.each<[string, string, object]>([
    ['a plain size that is too large', 'plainSize', { plainSize: 70_001 }],
    ['a plain size of 2⁵³ − 1', 'plainSize', { plainSize: Number.MAX_SAFE_INTEGER }],
    ['a plain size below nothing', 'plainSize', { plainSize: -1 }],
    ['no plain size', 'plainSize', { plainSize: undefined }],
    ['segments of one byte', 'segmentSize', { segmentSize: 1 }],
    ['segments of 2⁵³ − 1 bytes', 'segmentSize', { segmentSize: Number.MAX_SAFE_INTEGER }],
    ['no segment size', 'segmentSize', { segmentSize: undefined }],
    ['an iv that is cut', 'iv', { iv: '00'.repeat(38) }],
    ['an iv that is too long', 'iv', { iv: '00'.repeat(40) }],
    ['the iv of another layout', 'iv', { iv: '00'.repeat(12) }],
    ['an iv that is not hexadecimal', 'iv', { iv: 'g'.repeat(78) }],
    ['a tag of 12 bytes', 'authTag', { authTag: '00'.repeat(12) }],
    ['no tag', 'authTag', { authTag: undefined }],
    ['no commitment', 'commitment', { commitment: undefined }],
    ['a short commitment', 'commitment', { commitment: '00'.repeat(31) }],
    ['no method', 'method', { method: undefined }],
    ['a method nobody knows', 'method', { method: 'rot13' }],
    ['a layout nobody knows', 'layout', { layout: 'stream1k' }],
    ['the hash of other bytes', 'cipherHash', { cipherHash: '00'.repeat(32) }],
    ['no people', 'keyEnvelope', { keyEnvelope: { scheme: 'sea', for: [], keys: {} } }],
    [
      'more than a thousand people',
      'keyEnvelope',
      { keyEnvelope: { scheme: 'sea', for: Array.from({ length: 1001 }, () => point), keys: {} } },
    ],
    [
      'a box of more than 1 KiB',
      'keyEnvelope',
      {
        keyEnvelope: {
          scheme: 'sea',
          for: [point],
          keys: { [point]: { epub: point, box: 'x'.repeat(1025) } },
        },
      },
    ],
    [
      'a key that is none',
      'keyEnvelope',
      { keyEnvelope: { scheme: 'sea', for: ['me'], keys: { me: { epub: point, box: 'x' } } } },
    ],
    ['conditions missing', 'keyEnvelope', { keyEnvelope: { scheme: 'lit', ciphertext: 'x' } }],
    ['sealed under a short nonce', 'sealed', { sealed: { iv: '00', data: 'x'.repeat(30) } }],
  ])('is refused with %s', (_what, field, overrides) => {
    const refusal = refusalOf(overrides)
    expect(refusal).toMatchObject({ code: 'MANIFEST_INVALID' })
    expect((refusal as Error).message).toContain(`encryption.${field}`)
  })
})
