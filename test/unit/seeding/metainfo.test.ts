import parseTorrent from 'parse-torrent'
import { expect, test } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { buildMetainfo, magnetURI, parseMetainfo } from '../../../app/seeding/index.ts'

const input = {
  name: 'Ein Film.mp4',
  sizeBytes: 100_000,
  pieceLength: 65_536,
  pieces: new Uint8Array(40).fill(7),
  trackers: ['wss://one.example/', 'https://two.example/announce'],
  webSeeds: ['https://node.example/media/1'],
}

test('builds metainfo that another library reads the same way', async () => {
  const { metainfo, infoHash } = buildMetainfo(input)
  expect(await parseTorrent(metainfo)).toMatchObject({
    infoHash,
    name: input.name,
    length: input.sizeBytes,
    pieceLength: input.pieceLength,
    announce: input.trackers,
    urlList: input.webSeeds,
  })
})

test('keeps giving the infoHash it gave when this test was written', () => {
  expect(buildMetainfo(input).infoHash).toBe('d867de1a8ce34ce87d6133ef34ef4550c7905ae3')
})

test('reads back what it builds', () => {
  const { metainfo, infoHash } = buildMetainfo({ ...input, isPrivate: true })
  expect(parseMetainfo(metainfo)).toMatchObject({
    infoHash,
    name: input.name,
    sizeBytes: input.sizeBytes,
    pieceCount: 2,
    trackers: input.trackers,
    webSeeds: input.webSeeds,
    isPrivate: true,
  })
})

test('writes magnet links with every way to the file', async () => {
  const { infoHash } = buildMetainfo(input)
  const magnet = magnetURI({ ...input, infoHash })
  expect(await parseTorrent(magnet)).toMatchObject({
    infoHash,
    name: input.name,
    announce: input.trackers,
    urlList: input.webSeeds,
  })
  expect(magnet).toContain('xl=100000')
})

const info = 'd6:lengthi100000e4:name1:a12:piece lengthi65536e6:pieces40:' + 'x'.repeat(40) + 'e'
const bad: readonly [what: string, metainfo: string, says: string][] = [
  ['nothing', '', 'not a well-formed torrent file'],
  ['a web page', '<!doctype html>', 'not a well-formed torrent file'],
  ['a file cut off', `d4:info${info.slice(0, 60)}`, 'not a well-formed torrent file'],
  ['no info', 'd8:announce1:xe', 'no info dictionary'],
  ['several files', 'd4:infod5:filesle4:name1:aee', 'holds several files'],
  ['a version 2 torrent', 'd4:infod6:lengthi1e12:meta versioni2eee', 'version 2'],
  ['an odd piece length', `d4:info${info.replace('65536', '65537')}e`, 'piece length'],
  ['a tiny piece length', `d4:info${info.replace('65536', '8192')}e`, 'piece length'],
  ['too few pieces', `d4:info${info.replace('100000', '900000')}e`, 'do not fit its size'],
  ['a negative size', `d4:info${info.replace('100000', '-1')}e`, 'names no size'],
  ['a number with leading zeros', `d4:info${info.replace('i100000e', 'i0100000e')}e`, 'not a well-formed'],
  ['a key twice', `d4:info${info}4:info${info}e`, 'not a well-formed'],
  ['endless nesting', 'd1:a' + 'l'.repeat(5000) + 'e'.repeat(5000) + 'e', 'not a well-formed'],
]
test.each(bad)('refuses %s and says what is wrong', (_what, metainfo, says) => {
  const read = (): unknown => parseMetainfo(Buffer.from(metainfo, 'latin1'))
  expect(read).toThrow(AppError)
  expect(read).toThrow(says)
})

test.each([16, 1024, 16_384, 32_768])('accepts pieces of %i KiB', (kibibytes) => {
  const pieceLength = kibibytes * 1024
  const { metainfo } = buildMetainfo({
    ...input,
    pieceLength,
    sizeBytes: pieceLength,
    pieces: new Uint8Array(20),
  })
  expect(parseMetainfo(metainfo).pieceLength).toBe(pieceLength)
})
