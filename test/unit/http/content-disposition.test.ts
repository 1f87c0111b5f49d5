import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentDisposition, safeDownloadName } from '../../../app/http/content-disposition.ts'

describe('contentDisposition', () => {
  it.each([
    ['film.mp4', 'inline; filename="film.mp4"'],
    [
      'a "quote" 100%.mp4',
      `inline; filename="a _quote_ 100_.mp4"; filename*=UTF-8''a%20_quote_%20100%25.mp4`,
    ],
    ['naïve.mp4', `inline; filename="na_ve.mp4"; filename*=UTF-8''na%C3%AFve.mp4`],
    ["it's (1).mp4", `inline; filename="it's (1).mp4"`],
    ['€ rates', `inline; filename="_ rates"; filename*=UTF-8''%E2%82%AC%20rates`],
  ])('writes %j', (name, expected) => {
    expect(contentDisposition('inline', name, 'id')).toBe(expected)
  })

  it('is one line of printable ASCII whatever the name holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const value = contentDisposition('attachment', name, 'id')
        expect(value).toMatch(
          /^attachment; filename="[ !#-$&-[\]-~]+"(; filename\*=UTF-8''[A-Za-z0-9%!#$&+.^_`|~-]+)?$/,
        )
      }),
      { numRuns: 5000 },
    )
  })
})

describe('safeDownloadName', () => {
  it.each([
    ['../../etc/passwd', '_.._etc_passwd'],
    ['..\\..\\boot.ini', '_.._boot.ini'],
    ['.bashrc', 'bashrc'],
    ['con.txt', '_con.txt'],
    ['COM1', '_COM1'],
    ['console.txt', 'console.txt'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['a\r\nSet-Cookie: x', 'aSet-Cookie_ x'],
    ['', 'id'],
    ['...', 'id'],
    ['\u0000\u0007', 'id'],
    ['trailing. . ', 'trailing'],
  ])('makes %j safe', (name, expected) => {
    expect(safeDownloadName(name, 'id')).toBe(expected)
  })

  it('keeps the extension of a name that is too long', () => {
    const name = safeDownloadName(`${'ж'.repeat(300)}.mp4`, 'id')
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    expect(name.endsWith('ж.mp4')).toBe(true)
  })
})
