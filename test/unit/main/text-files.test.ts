import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { controlPathOf } from '../../../main/media-protocol.ts'
import { readTextFile, safeFileName, writeTextFile } from '../../../main/text-files.ts'

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sower-text-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('a text the window saves', () => {
  it('is whole, for this user only, and leaves nothing beside it', async () => {
    const folder = makeFolder()
    const path = join(folder, 'ana.sowercard')
    writeFileSync(path, 'older and longer', { mode: 0o644 })
    await writeTextFile(path, '{"é":1}')
    expect(readFileSync(path, 'utf8')).toBe('{"é":1}')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['ana.sowercard'])
  })

  it('says where it could not be written, and what is safe', async () => {
    const folder = makeFolder()
    await expect(writeTextFile(join(folder, 'gone', 'a.txt'), 'x')).rejects.toThrow(/Nothing was changed/)
    await expect(writeTextFile(folder, 'x')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('is suggested under a name that leaves no folder', () => {
    expect(safeFileName('../../etc/passwd')).toBe('_.._etc_passwd')
    expect(safeFileName('.hidden\n')).toBe('hidden_')
    expect(safeFileName('...')).toBe('file')
    expect(safeFileName('Ana Lindqvist.sowercard')).toBe('Ana Lindqvist.sowercard')
    expect(safeFileName('x'.repeat(300))).toHaveLength(200)
  })
})

describe('a text the window opens', () => {
  it('may be 64 KiB and not a byte more', async () => {
    const path = join(makeFolder(), 'a')
    writeFileSync(path, 'x'.repeat(65_536))
    expect(await readTextFile(path)).toHaveLength(65_536)
    writeFileSync(path, 'x'.repeat(65_537))
    await expect(readTextFile(path)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  it('has to be there, and a text', async () => {
    const folder = makeFolder()
    await expect(readTextFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' })
    await expect(readTextFile(folder)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' })
    writeFileSync(join(folder, 'bytes'), Buffer.from([0xff, 0xfe, 0x00]))
    await expect(readTextFile(join(folder, 'bytes'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('a media address of the window', () => {
  it.each([
    [`sower-media://item/${'ab'.repeat(32)}`, `/media/${'ab'.repeat(32)}`],
    ['sower-media://transfer/0b5c-A_9', '/transfers/0b5c-A_9/media'],
    ['sower-media://transfer/..%2Frpc', undefined],
    ['sower-media://transfer/../rpc/vault.reveal', undefined],
    [`sower-media://item/${'AB'.repeat(32)}`, undefined],
    ['sower-media://rpc/vault', undefined],
  ])('%s is %s of the control listener', (url, path) => {
    expect(controlPathOf(url)).toBe(path)
  })
})
