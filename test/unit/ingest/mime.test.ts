import { describe, expect, test } from 'vitest'
import { sniffMime } from '../../../app/ingest/index.ts'

const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex')
const mp4 = Buffer.from('00000018667479706d703432000000006d70343269736f6d', 'hex')

describe('sniffMime', () => {
  test('goes by content, whatever the name says', async () => {
    expect(await sniffMime(png, 'harmless.txt')).toBe('image/png')
    expect(await sniffMime(mp4, 'page.html')).toBe('video/mp4')
  })

  test('knows UTF-8 text, also when its last character is cut off', async () => {
    expect(await sniffMime(Buffer.from('Grüße\n'), 'letter')).toBe('text/plain')
    expect(await sniffMime(Buffer.from('日本語').subarray(0, 8), 'letter.mp4')).toBe('text/plain')
  })

  test('lets the name decide only between kinds of text', async () => {
    expect(await sniffMime(Buffer.from('# Title\n'), 'README.MD')).toBe('text/markdown')
    expect(await sniffMime(Buffer.from('{"a":1}'), 'a.json')).toBe('application/json')
    expect(await sniffMime(Buffer.from('<?xml version="1.0"?><svg/>'), 'a.svg')).toBe('image/svg+xml')
    expect(await sniffMime(Buffer.from([0, 1, 2, 3, 0xfe]), 'a.json')).toBe('application/octet-stream')
  })

  test('calls bytes it does not know what they are: bytes', async () => {
    expect(await sniffMime(Buffer.from([0xc3, 0x28, 0x41]), 'a')).toBe('application/octet-stream')
    expect(await sniffMime(new Uint8Array(), 'a')).toBe('application/octet-stream')
  })
})
