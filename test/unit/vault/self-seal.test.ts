import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openOwn, sealForSelf, selfName } from '../../../app/vault/self-seal.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import type { SeaPair } from '../../../app/vault/index.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')
const pair = JSON.parse(read('encryption/sea-pair.json')) as SeaPair
const golden = JSON.parse(read('wallet/kept-v1.json')) as {
  name: string
  key: { file: string; content: unknown }
  contacts: { file: string; content: unknown }
  followed: { file: string; content: unknown }
}
const other = seaPairFromSeed(Buffer.alloc(64, 9))

describe('what a wallet seals for itself', () => {
  it('opens as the golden files say, under the name they say', () => {
    expect(selfName(pair)).toBe(golden.name)
    expect(openOwn(pair, 'sower-kept-key', golden.key.file)).toEqual(golden.key.content)
    expect(openOwn(pair, 'sower-kept-contacts', golden.contacts.file)).toEqual(golden.contacts.content)
    expect(openOwn(pair, 'sower-kept-followed', golden.followed.file)).toEqual(golden.followed.content)
  })

  it('comes back, for this wallet and as this kind of thing alone', () => {
    const file = sealForSelf(pair, 'sower-kept-key', { a: 'ü' })
    expect(openOwn(pair, 'sower-kept-key', file)).toEqual({ a: 'ü' })
    expect(openOwn(other, 'sower-kept-key', file)).toBeUndefined()
    expect(openOwn(pair, 'sower-kept-contacts', file)).toBeUndefined()
    const renamed = file.replace('sower-kept-key', 'sower-kept-contacts')
    expect(openOwn(pair, 'sower-kept-contacts', renamed)).toBeUndefined()
    expect(selfName(other)).not.toBe(selfName(pair))
  })

  it('is never the same twice, and of one size', () => {
    const files = ['x', 'x', 'y'.repeat(100)].map((text) => sealForSelf(pair, 'sower-kept-key', text))
    expect(new Set(files).size).toBe(3)
    expect(new Set(files.map(({ length }) => length)).size).toBe(1)
  })

  it('does not open when it was changed, cut or is something else', () => {
    const file = sealForSelf(pair, 'sower-kept-key', 'x')
    const value = JSON.parse(file) as Record<string, string>
    for (const field of ['salt', 'iv', 'data', 'tag']) {
      const bytes = Buffer.from(value[field] ?? '', 'base64')
      bytes[0] = (bytes[0] ?? 0) ^ 1
      const changed = JSON.stringify({ ...value, [field]: bytes.toString('base64') })
      expect(openOwn(pair, 'sower-kept-key', changed)).toBeUndefined()
    }
    for (const text of ['', '{}', 'null', file.slice(0, 200), JSON.stringify({ ...value, version: 2 })])
      expect(openOwn(pair, 'sower-kept-key', text)).toBeUndefined()
  })
})
