import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mnemonicToSeed } from 'bip39'
import { describe, expect, it } from 'vitest'
import { verifyManifest } from '../../../../app/manifest/index.ts'
import { openEnvelope, openMetadata, PlainReader, streamEncryptionOf } from '../../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../../app/vault/envelope/sea.ts'
import type { SeaPair } from '../../../../app/vault/index.ts'
import { drain, encryptBytes, MemoryBytes, patternBytes } from '../../../support/encrypted-item.ts'

// Written once, kept for ever: whatever Sower becomes, it opens these.
function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../../fixtures/encryption/${name}`, import.meta.url))
}
const manifest = verifyManifest(JSON.parse(fixture('stream64k-v1.json').toString()))
const pair = JSON.parse(fixture('sea-pair.json').toString()) as SeaPair
const plain = patternBytes(65_520 + 1000, 9)
const fileKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
const salt = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - i))

describe('golden files of format version 1', () => {
  it('still give the pair of the test wallet of BIP-39', async () => {
    const seed = await mnemonicToSeed(`${'abandon '.repeat(11)}about`)
    expect(seaPairFromSeed(seed)).toEqual(pair)
  })

  it('still open: the envelope, the sealed metadata, the bytes', async () => {
    const key = await openEnvelope(manifest.encryption?.keyEnvelope, pair, {
      mediaId: manifest.id,
      version: 1,
    })
    expect(key).toEqual(fileKey)
    expect(openMetadata(key, manifest.encryption?.sealed ?? { iv: '', data: '' })).toEqual({
      name: 'Wörter & “quotes” – 日本語.mp4',
      mime: 'video/mp4',
      plainHash: createHash('sha256').update(plain).digest('hex'),
    })
    const stored = new MemoryBytes(fixture('stream64k-v1.bin'))
    const encryption = streamEncryptionOf(manifest)
    const reader = await PlainReader.open({ stored, encryption, fileKey: key })
    expect((await drain(reader.read(0, plain.length))).bytes.equals(plain)).toBe(true)
  })

  it('are still what is made of the same key, salt and file', () => {
    const made = encryptBytes(plain, fileKey, salt)
    expect(made.stored.equals(fixture('stream64k-v1.bin'))).toBe(true)
    expect(made.mediaId).toBe(manifest.id)
  })
})
