import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanFileName } from '../../../app/ingest/index.ts'

const cases: readonly (readonly [string, string])[] = [
  ['film.mp4', 'film.mp4'],
  ['Ünïcødé 文件 🎬.mkv', 'Ünïcødé 文件 🎬.mkv'],
  ['line\nbreak\r\t.txt', 'linebreak.txt'],
  ['a\u0000b\u007fc\u0085d', 'abcd'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['C:\\Users\\me\\a.txt', 'C:_Users_me_a.txt'],
  ['photo\u202egpj.exe', 'photogpj.exe'],
  ['\u2066hidden\u2069.txt', 'hidden.txt'],
  ['.hidden', 'hidden'],
  ['...', 'file'],
  ['..', 'file'],
  ['', 'file'],
  ['   ', 'file'],
  ['trailing. . ', 'trailing'],
  ['CON', '_CON'],
  ['nul.txt', '_nul.txt'],
  ['com1.tar.gz', '_com1.tar.gz'],
  ['LPT²', '_LPT²'],
  ['console.log', 'console.log'],
  ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
]

describe('cleanFileName', () => {
  test.each(cases)('makes of %j the name %j', (name, clean) => {
    expect(cleanFileName(name)).toBe(clean)
  })

  test('cuts a long name to 255 bytes and keeps its extension', () => {
    const name = cleanFileName(`${'文'.repeat(200)}.mp4`)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    expect(name).toMatch(/^文+\.mp4$/u)
  })

  test('leaves a name of exactly 255 bytes as it is', () => {
    const name = `${'a'.repeat(251)}.mp4`
    expect(cleanFileName(name)).toBe(name)
  })

  test('gives for any text one harmless path component, and the same again when asked again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const name = cleanFileName(text)
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
        expect(name).not.toBe('')
        expect(name).not.toMatch(/^\.|[/\\\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
        expect(name.isWellFormed()).toBe(true)
        expect(cleanFileName(name)).toBe(name)
      }),
    )
  })
})
