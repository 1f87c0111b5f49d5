import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { AppError, type Settings } from '../../../app/contract/index.ts'
import { type AdderOptions, pieceLengthFor } from '../../../app/ingest/index.ts'
import { verifyManifest } from '../../../app/manifest/index.ts'
import { parseMetainfo } from '../../../app/seeding/index.ts'
import { bytesOf, exists, makeDir, MIB, never, piecesOf, sha256, writeRandom } from './fixture.ts'
import { openNode, signer, trackers } from './node.ts'

interface SetUp {
  readonly settings?: Partial<Pick<Settings, 'publicUrl' | 'reserveBytes'>>
  readonly overrides?: Partial<AdderOptions>
}

async function setUp(options: SetUp = {}) {
  const root = await makeDir()
  const node = await openNode({ root, ...options })
  onTestFinished(() => node.close())
  const put = async (name: string, content: Buffer): Promise<string> => {
    await fs.writeFile(path.join(root, name), content)
    return path.join(root, name)
  }
  const incoming = (): Promise<string[]> => fs.readdir(path.join(node.mediaDir, '.incoming'))
  return { root, node, put, incoming, ...node }
}

test('a public file gets a signed manifest, a torrent, and a place in the library', async () => {
  const { adder, library, over, put, mediaDir, incoming } = await setUp({
    settings: { publicUrl: 'https://media.example/' },
    overrides: { webSeeds: (mediaId) => [`https://media.example/media/${mediaId}`] },
  })
  const bytes = bytesOf(3 * MIB + 7)
  const filePath = await put('my\nfilm\u202e.txt', bytes)
  const id = adder.addPath({ path: filePath, accessLevel: 'public', storage: 'copy' })
  const mediaId = sha256(bytes)
  const webSeeds = [`https://media.example/media/${mediaId}`]
  expect(await over(id)).toMatchObject({
    state: 'done',
    stage: 'seed',
    mediaId,
    name: 'myfilm.txt',
    bytesDone: bytes.length,
    isDuplicate: false,
    isLinked: false,
  })
  const manifest = verifyManifest(await library.manifest(mediaId), { mediaId })
  const metainfo = parseMetainfo((await library.metainfo(mediaId)) ?? new Uint8Array())
  expect(manifest).toMatchObject({
    id: mediaId,
    did: `did:gun:media:${mediaId}`,
    name: 'myfilm.txt',
    size: bytes.length,
    version: 1,
    transport: {
      bittorrent: { infoHash: metainfo.infoHash, trackers, pieceLength: 65_536, webSeeds },
      http: webSeeds,
    },
    accessControl: {
      access_level: 'public',
      owner_public_key: signer.publicKey,
      created_by: signer.publicKey,
    },
    oip: { creatorPubKey: signer.publicKey },
  })
  expect(metainfo).toMatchObject({ name: 'myfilm.txt', trackers, webSeeds, sizeBytes: bytes.length })
  expect(piecesOf(bytes, 65_536).equals(metainfo.pieces)).toBe(true)
  expect((await fs.readFile(path.join(mediaDir, mediaId, 'original'))).equals(bytes)).toBe(true)
  expect(library.get(mediaId)).toMatchObject({
    infoHash: metainfo.infoHash,
    isOwn: true,
    accessLevel: 'public',
  })
  expect(await incoming()).toEqual([])
})

test('a private file has no torrent and its manifest no transport', async () => {
  const { adder, library, over, put } = await setUp({ settings: { publicUrl: 'https://media.example' } })
  const id = adder.addPath({
    path: await put('a.txt', Buffer.from('secret')),
    accessLevel: 'private',
    storage: 'auto',
  })
  const { mediaId = '' } = await over(id)
  expect(await library.metainfo(mediaId)).toBeNull()
  expect((await library.manifest(mediaId)).transport).toBeUndefined()
  expect(library.get(mediaId)?.infoHash).toBeUndefined()
})

test('the same bytes again are recognised and keep their entry', async () => {
  const { adder, library, over, put, incoming } = await setUp()
  const bytes = bytesOf(2 * MIB)
  const first = await over(
    adder.addPath({ path: await put('first.bin', bytes), accessLevel: 'private', storage: 'copy' }),
  )
  const again = await over(
    adder.addPath({ path: await put('second.bin', bytes), accessLevel: 'public', storage: 'link' }),
  )
  expect(again).toMatchObject({ state: 'done', isDuplicate: true, mediaId: first.mediaId })
  expect(library.get(sha256(bytes))).toMatchObject({ name: 'first.bin', accessLevel: 'private' })
  expect(library.list().total).toBe(1)
  expect(await incoming()).toEqual([])
})

test('what can not be added says why, and leaves nothing', async () => {
  const { adder, over, put, root, incoming, library } = await setUp()
  const outcomes = await Promise.all(
    [await put('empty', Buffer.alloc(0)), path.join(root, 'missing'), root, '/dev/zero'].map((file) =>
      over(adder.addPath({ path: file, accessLevel: 'public', storage: 'auto' })),
    ),
  )
  expect(outcomes.map(({ error }) => error?.code)).toEqual([
    'SOURCE_EMPTY',
    'SOURCE_UNREADABLE',
    'SOURCE_NOT_A_FILE',
    'SOURCE_NOT_A_FILE',
  ])
  expect(await incoming()).toEqual([])
  expect(library.list().total).toBe(0)
})

test('a failed add can be tried again', async () => {
  const { adder, over, root, put } = await setUp()
  const id = adder.addPath({ path: path.join(root, 'late.txt'), accessLevel: 'public', storage: 'copy' })
  expect(await over(id)).toMatchObject({ state: 'failed', error: { code: 'SOURCE_UNREADABLE' } })
  await put('late.txt', Buffer.from('here now'))
  adder.retry(id)
  const again = await over(id)
  expect(again.state).toBe('done')
  expect(again.error).toBeUndefined()
  expect(() => adder.retry(id)).toThrow('has not failed')
})

test('nothing is read while the wallet is closed, and the reason is said', async () => {
  const locked = new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.', { hint: 'Unlock it.' })
  const { adder, over, put } = await setUp({
    overrides: {
      signer: () => {
        throw locked
      },
    },
  })
  const id = adder.addPath({ path: await put('a', Buffer.from('a')), accessLevel: 'public', storage: 'copy' })
  expect((await over(id)).error).toEqual({
    code: 'KEYCHAIN_LOCKED',
    message: 'The keychain is locked.',
    hint: 'Unlock it.',
  })
})

test('paused, resumed and cancelled, queued or under way', { timeout: 60_000 }, async () => {
  const { adder, over, root, transfers, incoming, library } = await setUp()
  const files = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const file = path.join(root, name)
      await writeRandom(file, 150 * MIB)
      return file
    }),
  )
  const [a = '', b = '', c = ''] = files.map((file) =>
    adder.addPath({ path: file, accessLevel: 'public', storage: 'copy' }),
  )
  adder.pause(a)
  adder.pause(b)
  await adder.cancel(c)
  expect([a, b, c].map((id) => transfers.get(id)?.state)).toEqual(['paused', 'paused', 'cancelled'])
  adder.resume(a)
  await new Promise<void>((resolve) => {
    const off = transfers.onChange(() => {
      if ((transfers.get(a)?.bytesDone ?? 0) === 0) return
      off()
      resolve()
    })
  })
  adder.pause(a)
  adder.resume(b)
  expect((await over(b)).state).toBe('done')
  expect(transfers.get(a)).toMatchObject({ state: 'paused', rateBytesPerSec: 0 })
  await adder.cancel(a)
  expect(transfers.get(a)).toMatchObject({ state: 'cancelled' })
  expect(await incoming()).toEqual([])
  adder.retry(c)
  expect((await over(c)).state).toBe('done')
  expect(library.list().total).toBe(2)
})

test('a stopped node takes its adds up again by itself; uploads are over', { timeout: 60_000 }, async () => {
  const root = await makeDir()
  const file = path.join(root, 'big.bin')
  await writeRandom(file, 200 * MIB)
  const first = await openNode({ root })
  const id = first.adder.addPath({ path: file, accessLevel: 'public', storage: 'copy' })
  const stream = new PassThrough()
  stream.write(bytesOf(3 * MIB))
  const upload = first.adder.addStream({ stream, name: 'up', accessLevel: 'public', signal: never })
  upload.catch(() => undefined)
  await first.close()
  await expect(upload).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  const second = await openNode({ root })
  onTestFinished(() => second.close())
  expect(await second.over(id)).toMatchObject({ state: 'done', isDuplicate: false })
  const ended = second.transfers.list().find(({ name }) => name === 'up')
  expect(ended).toMatchObject({ state: 'failed', error: { code: 'SOURCE_UNREADABLE' } })
  expect(() => second.adder.retry(ended?.id ?? '')).toThrow('must send it again')
  expect(await fs.readdir(path.join(second.mediaDir, '.incoming'))).toEqual([])
})

test('an upload is stored with the details that come after it', async () => {
  const { adder, library, transfers } = await setUp()
  const bytes = bytesOf(5 * MIB)
  const { row, isDuplicate } = await adder.addStream({
    stream: Readable.from([bytes]),
    name: 'blob',
    accessLevel: 'private',
    details: () => ({ name: '../said later.txt', accessLevel: 'public' }),
    signal: never,
  })
  expect(isDuplicate).toBe(false)
  expect(row).toMatchObject({ name: '_said later.txt', accessLevel: 'public', mediaId: sha256(bytes) })
  expect(await library.metainfo(row.mediaId)).not.toBeNull()
  expect(transfers.list()[0]).toMatchObject({ state: 'done', name: '_said later.txt', accessLevel: 'public' })
})

test('an upload that breaks off or is too large leaves nothing but its reason', async () => {
  const { adder, transfers, incoming } = await setUp()
  const stream = new PassThrough()
  stream.write(bytesOf(2 * MIB))
  const broken = adder.addStream({ stream, name: 'a', accessLevel: 'public', signal: never })
  setImmediate(() => stream.destroy())
  await expect(broken).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' })
  const large = adder.addStream({
    stream: Readable.from([bytesOf(2 * MIB)]),
    name: 'b',
    accessLevel: 'public',
    maxBytes: MIB,
    signal: never,
  })
  await expect(large).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  expect(transfers.list().map(({ error }) => error?.code)).toEqual(['PAYLOAD_TOO_LARGE', 'SOURCE_UNREADABLE'])
  expect(await incoming()).toEqual([])
})

test('made public: pieces, torrent and the next version; made private: gone again', async () => {
  const unseeded: string[] = []
  const { adder, library, over, put, mediaDir } = await setUp({
    overrides: { unseed: async (infoHash) => void unseeded.push(infoHash) },
  })
  const bytes = bytesOf(2 * MIB + 3)
  const { mediaId = '' } = await over(
    adder.addPath({ path: await put('a.bin', bytes), accessLevel: 'private', storage: 'copy' }),
  )
  const first = await library.manifest(mediaId)
  const publicRow = await adder.setAccess(mediaId, 'public')
  const second = await library.manifest(mediaId)
  const metainfo = parseMetainfo((await library.metainfo(mediaId)) ?? new Uint8Array())
  verifyManifest(second, { mediaId, previous: first })
  expect(second.version).toBe(2)
  expect(publicRow).toMatchObject({ accessLevel: 'public', infoHash: metainfo.infoHash })
  expect(piecesOf(bytes, pieceLengthFor(bytes.length)).equals(metainfo.pieces)).toBe(true)

  const privateRow = await adder.setAccess(mediaId, 'private')
  const third = await library.manifest(mediaId)
  verifyManifest(third, { mediaId, previous: second })
  expect(third.version).toBe(3)
  expect(third.transport).toBeUndefined()
  expect(privateRow.infoHash).toBeUndefined()
  expect(unseeded).toEqual([metainfo.infoHash])
  expect(await exists(path.join(mediaDir, mediaId, 'media.torrent'))).toBe(false)
  expect((await adder.setAccess(mediaId, 'private')).manifestVersion).toBe(3)
})

test('what has rotted on the disk is not made public', async () => {
  const { adder, over, put, mediaDir } = await setUp()
  const { mediaId = '' } = await over(
    adder.addPath({ path: await put('a', bytesOf(1000)), accessLevel: 'private', storage: 'copy' }),
  )
  const stored = path.join(mediaDir, mediaId, 'original')
  const { atime, mtime } = await fs.stat(stored)
  await fs.writeFile(stored, bytesOf(1000, 2))
  await fs.utimes(stored, atime, mtime)
  await expect(adder.setAccess(mediaId, 'public')).rejects.toBeInstanceOf(AppError)
})

test('many small files are added, each under its own name', { timeout: 60_000 }, async () => {
  const { adder, library, over, put } = await setUp()
  const ids: string[] = []
  for (let index = 0; index < 200; index++) {
    const file = await put(`file ${index}.txt`, Buffer.from(`content ${index}`))
    ids.push(adder.addPath({ path: file, accessLevel: 'public', storage: 'auto' }))
  }
  const states = await Promise.all(ids.map(async (id) => (await over(id)).state))
  expect(new Set(states)).toEqual(new Set(['done']))
  expect(library.list().total).toBe(200)
})

test.runIf(process.platform === 'linux')(
  'of several files those that are none are refused one by one, and the others are added',
  async () => {
    const { root, adder, over, put } = await setUp()
    const fifo = path.join(root, 'fifo')
    execFileSync('mkfifo', [fifo])
    const loop = path.join(root, 'loop')
    await fs.symlink('loop', loop)
    const first = await put('first', Buffer.from('first'))
    const last = await put('last', Buffer.from('last'))
    const paths = [first, fifo, '/dev/zero', loop, root, last]
    const ids = adder.addPaths(
      paths.map((file) => ({ path: file, accessLevel: 'private', storage: 'auto' }) as const),
    )
    const ends = await Promise.all(ids.map((id) => over(id)))
    expect(ends.map(({ state, error }) => error?.code ?? state)).toEqual([
      'done',
      'SOURCE_NOT_A_FILE',
      'SOURCE_NOT_A_FILE',
      'SOURCE_UNREADABLE',
      'SOURCE_NOT_A_FILE',
      'done',
    ])
  },
)
