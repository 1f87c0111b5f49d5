import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { expect, onTestFinished, test } from 'vitest'
import { type AdderOptions } from '../../../app/ingest/index.ts'
import { verifyManifest, type OwnerSigner } from '../../../app/manifest/index.ts'
import { parseMetainfo } from '../../../app/seeding/index.ts'
import { openEnvelope, openMetadata, storedSizeOf } from '../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { cardLink, makeCard } from '../../../app/vault/contacts/card.ts'
import { bytesOf, makeDir, MIB, never, piecesOf, sha256 } from './fixture.ts'
import { openNode, pair, signer, trackers } from './node.ts'

const friendSecret = createHash('sha256').update('a friend').digest()
const friendSigner: OwnerSigner = {
  publicKey: Buffer.from(secp256k1.getPublicKey(friendSecret)).toString('hex'),
  sign: (hash32) => secp256k1.sign(hash32, friendSecret, { prehash: false, lowS: true }),
}
const friendPair = seaPairFromSeed(Buffer.alloc(64, 9))
const friendCard = cardLink(
  makeCard({ signer: friendSigner, ...friendPair, nodes: [], name: 'Friend', nowMs: Date.now() }),
)

async function setUp(overrides: Partial<AdderOptions> = {}) {
  const root = await makeDir()
  const node = await openNode({ root, settings: { publicUrl: 'https://media.example/' }, overrides })
  onTestFinished(() => node.close())
  const put = async (name: string, content: Buffer): Promise<string> => {
    await fs.writeFile(path.join(root, name), content)
    return path.join(root, name)
  }
  return { root, put, ...node }
}

test('an encrypted file tells nobody but its people what it is', async () => {
  const { root, adder, over, put, library, fileKeys, contacts, mediaDir } = await setUp()
  contacts.add(friendCard)
  const plain = Buffer.concat([Buffer.from('CANARY-CONTENT '.repeat(5000)), bytesOf(2 * MIB)])
  const sourcePath = await put('CANARY-NAME.txt', plain)
  const id = adder.addPath({
    path: sourcePath,
    accessLevel: 'private',
    storage: 'auto',
    people: [friendSigner.publicKey],
  })
  const transfer = await over(id)
  expect(transfer).toMatchObject({
    state: 'done',
    stage: 'seed',
    accessLevel: 'shared',
    isEncrypted: true,
    isDuplicate: false,
    isLinked: false,
    bytesDone: plain.length,
    bytesTotal: plain.length,
  })
  const mediaId = transfer.mediaId ?? ''
  expect(library.get(mediaId)).toMatchObject({
    name: 'CANARY-NAME.txt',
    protection: 'readable',
    plainSizeBytes: plain.length,
    sizeBytes: storedSizeOf(plain.length),
    accessLevel: 'shared',
    sharedWith: [friendSigner.publicKey],
    isOwn: true,
  })
  expect((await fs.readdir(path.join(mediaDir, mediaId))).toSorted()).toEqual([
    'encrypted',
    'manifest.json',
    'manifests',
    'media.torrent',
  ])

  const manifest = verifyManifest(await library.manifest(mediaId), { mediaId })
  const metainfo = parseMetainfo((await library.metainfo(mediaId)) ?? new Uint8Array())
  expect(manifest).toMatchObject({
    mime: 'application/octet-stream',
    size: storedSizeOf(plain.length),
    version: 1,
    encryption: {
      enabled: true,
      method: 'aes-256-gcm',
      layout: 'stream64k',
      segmentSize: 65_536,
      plainSize: plain.length,
      cipherHash: mediaId,
      keyEnvelope: { scheme: 'sea', for: [pair.pub, friendPair.pub] },
    },
    transport: {
      bittorrent: { infoHash: metainfo.infoHash, trackers },
      http: [`https://media.example/media/${mediaId}`],
    },
    accessControl: {
      access_level: 'shared',
      owner_public_key: signer.publicKey,
      shared_with: [friendSigner.publicKey],
    },
  })
  expect(manifest.name).toBeUndefined()
  expect(manifest.transport?.bittorrent?.webSeeds).toBeUndefined()
  expect(metainfo).toMatchObject({ name: 'media', isPrivate: false, webSeeds: [] })
  expect(manifest.transport?.bittorrent?.magnetURI).toContain('dn=media')

  for (const name of await fs.readdir(mediaDir, { recursive: true })) {
    const bytes = await fs.readFile(path.join(mediaDir, name)).catch(() => Buffer.alloc(0))
    expect([name, bytes.includes('CANARY')]).toEqual([name, false])
  }

  const { keyEnvelope, sealed } = manifest.encryption ?? {}
  const own = await fileKeys.get(manifest)
  const spelled = [own, ...(['hex', 'base64', 'base64url'] as const).map((form) => own.toString(form))]
  for (const name of ['sower.db', 'sower.db-wal']) {
    const bytes = await fs.readFile(path.join(root, name)).catch(() => Buffer.alloc(0))
    expect([name, spelled.some((key) => bytes.includes(key))]).toEqual([name, false])
  }
  const theirs = await openEnvelope(keyEnvelope, friendPair, { mediaId, version: 1 })
  expect(theirs.equals(own)).toBe(true)
  if (sealed === undefined) throw new Error('nothing is sealed')
  expect(openMetadata(theirs, sealed)).toEqual({
    name: 'CANARY-NAME.txt',
    mime: 'text/plain',
    plainHash: sha256(plain),
  })
  const stranger = seaPairFromSeed(randomBytes(64))
  await expect(openEnvelope(keyEnvelope, stranger, { mediaId, version: 1 })).rejects.toMatchObject({
    code: 'KEY_NEEDED',
  })
})

test('the same file encrypted twice is two items under two keys', async () => {
  const { adder, over, put, library, fileKeys } = await setUp()
  const sourcePath = await put('same.bin', bytesOf(100))
  const add = { path: sourcePath, accessLevel: 'private', storage: 'auto', isEncrypted: true } as const
  const [one, two] = [await over(adder.addPath(add)), await over(adder.addPath(add))]
  expect(one.mediaId).not.toBe(two.mediaId)
  expect([one.isDuplicate, two.isDuplicate]).toEqual([false, false])
  const keys = await Promise.all(
    [one, two].map(async ({ mediaId = '' }) => fileKeys.get(await library.manifest(mediaId))),
  )
  expect(keys[0]?.equals(keys[1] ?? Buffer.alloc(0))).toBe(false)
  expect(library.get(one.mediaId ?? '')).toMatchObject({ accessLevel: 'private', sharedWith: [] })
})

test('what can’t be is refused before anything is read', async () => {
  const { adder, transfers, put } = await setUp()
  const sourcePath = await put('a.txt', Buffer.from('a'))
  const add = { path: sourcePath, storage: 'auto' } as const
  expect(() => adder.addPath({ ...add, accessLevel: 'public', isEncrypted: true })).toThrow(
    expect.objectContaining({ code: 'BAD_REQUEST' }),
  )
  expect(() => adder.addPath({ ...add, accessLevel: 'private', people: [friendSigner.publicKey] })).toThrow(
    expect.objectContaining({ code: 'BAD_REQUEST', details: { owner: friendSigner.publicKey } }),
  )
  expect(transfers.list()).toEqual([])
})

test('somebody who is no contact any more when their turn comes fails the add, not the others', async () => {
  const { adder, over, put, contacts } = await setUp()
  contacts.add(friendCard)
  const path_ = await put('a.txt', Buffer.from('a'))
  const add = { path: path_, accessLevel: 'private', storage: 'auto' } as const
  const ids = adder.addPaths([
    { ...add, people: [friendSigner.publicKey] },
    { ...add, isEncrypted: true },
  ])
  contacts.remove(friendSigner.publicKey)
  const [lost, kept] = await Promise.all(ids.map(over))
  expect(lost).toMatchObject({ state: 'failed', error: { code: 'BAD_REQUEST' } })
  expect(kept).toMatchObject({ state: 'done' })
})

test('an encrypted item is not made public, nor private, by a word', async () => {
  const { adder, over, put } = await setUp()
  const sourcePath = await put('a.txt', Buffer.from('a'))
  const id = adder.addPath({ path: sourcePath, accessLevel: 'private', storage: 'auto', isEncrypted: true })
  const { mediaId = '' } = await over(id)
  await expect(adder.setAccess(mediaId, 'public')).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(adder.setAccess(mediaId, 'private')).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('an upload is as its fields say at last, and no plaintext is on the disk before they said so', async () => {
  const { adder, library, mediaDir } = await setUp()
  const plain = Buffer.concat([Buffer.from('CANARY'.repeat(10_000)), bytesOf(3 * MIB)])
  const incoming = path.join(mediaDir, '.incoming')
  type Said = { isEncrypted?: boolean; accessLevel: 'public' | 'private' }
  const upload = async (bytes: Buffer, first: Said, then: Said) => {
    let said = first
    const stream = new PassThrough({ highWaterMark: 8 * MIB })
    stream.write(bytes)
    const added = adder.addStream({
      stream,
      name: 'up.bin',
      accessLevel: 'private',
      details: () => ({ name: 'up.bin', ...said }),
      signal: never,
    })
    added.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 150))
    const staged = await fs.readdir(incoming, { recursive: true, withFileTypes: true })
    const files = staged.filter((entry) => entry.isFile())
    const onDisk = await Promise.all(
      files.map(({ parentPath, name }) => fs.readFile(path.join(parentPath, name))),
    )
    said = then
    stream.end()
    return { onDisk: Buffer.concat(onDisk), added }
  }
  const unsaid = { accessLevel: 'private' } as const
  for (const bytes of [plain.subarray(0, 1000), plain]) {
    const late = await upload(bytes, unsaid, { ...unsaid, isEncrypted: true })
    expect(late.onDisk.includes('CANARY')).toBe(false)
    const sealed = (await late.added).row
    expect(sealed.infoHash).toMatch(/^[0-9a-f]{40}$/)
    expect(library.get(sealed.mediaId)).toMatchObject({
      protection: 'readable',
      plainSizeBytes: bytes.length,
    })

    for (const accessLevel of ['private', 'public'] as const) {
      const { added } = await upload(bytes, unsaid, { accessLevel })
      const { row, isDuplicate } = await added
      expect(row).toMatchObject({
        mediaId: sha256(bytes),
        protection: 'none',
        accessLevel,
        sizeBytes: bytes.length,
      })
      expect((await fs.readFile(path.join(mediaDir, row.mediaId, 'original'))).equals(bytes)).toBe(true)
      expect(isDuplicate).toBe(false)
      if (accessLevel === 'public') {
        const metainfo = parseMetainfo((await library.metainfo(row.mediaId)) ?? new Uint8Array())
        expect(Buffer.from(metainfo.pieces).equals(piecesOf(bytes, metainfo.pieceLength))).toBe(true)
      }
      await library.remove([row.mediaId])
      await fs.rm(path.join(mediaDir, '.trash', row.mediaId), { recursive: true })
    }
  }

  const contradicting = await upload(
    plain,
    { ...unsaid, isEncrypted: false },
    { ...unsaid, isEncrypted: true },
  )
  await expect(contradicting.added).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  expect(await fs.readdir(incoming)).toEqual([])
})
