import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newFileKey, openMetadata, sealMetadata } from '../../../../app/vault/index.ts'

const description = { name: 'Wörter.mp4', mime: 'video/mp4', plainHash: 'ab'.repeat(32) }

describe('sealed metadata', () => {
  it('come back whole, with fields nobody knows yet', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 1024, unit: 'grapheme' }),
        fc.jsonValue(),
        (name, future) => {
          fc.pre(name.length <= 1024)
          const metadata = JSON.parse(JSON.stringify({ ...description, name, future })) as typeof description
          const key = newFileKey()
          expect(openMetadata(key, sealMetadata(key, metadata))).toEqual(metadata)
        },
      ),
    )
  })

  it('say nothing that can be read without the key, and never the same twice', () => {
    const key = newFileKey()
    const first = sealMetadata(key, description)
    const second = sealMetadata(key, description)
    expect(first.iv).toMatch(/^[0-9a-f]{24}$/)
    expect(first.iv).not.toBe(second.iv)
    expect(Buffer.from(first.data, 'base64url').toString('latin1')).not.toMatch(/mp4|abab/)
  })

  it('are refused with another key, or when a single bit of them changed', () => {
    const key = newFileKey()
    const sealed = sealMetadata(key, description)
    const refused: unknown = expect.objectContaining({ code: 'CIPHERTEXT_INVALID' })
    expect(() => openMetadata(newFileKey(), sealed)).toThrow(refused as Error)
    const data = Buffer.from(sealed.data, 'base64url')
    for (let bit = 0; bit < data.length * 8; bit += 1) {
      const changed = Buffer.from(data)
      changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => openMetadata(key, { ...sealed, data: changed.toString('base64url') })).toThrow(
        refused as Error,
      )
    }
    expect(() => openMetadata(key, { ...sealed, iv: '00'.repeat(12) })).toThrow(refused as Error)
    expect(() => openMetadata(key, { ...sealed, iv: '' })).toThrow(refused as Error)
    expect(() => openMetadata(key, { ...sealed, data: '' })).toThrow(refused as Error)
  })

  it('are not sealed when they are no description', () => {
    const key = newFileKey()
    expect(() => sealMetadata(key, { ...description, mime: 'nothing' })).toThrow()
    expect(() => sealMetadata(key, { ...description, plainHash: 'AB' })).toThrow()
  })
})
