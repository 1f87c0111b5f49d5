import fs from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { canonicalJson } from '../../../app/manifest/index.ts'
import { signRevocation } from '../../../app/sharing/revocation.ts'
import { openEnvelope } from '../../../app/vault/index.ts'
import { openSharingNode, testPerson } from '../../support/sharing-node.ts'
import type { SharingNode } from '../../support/sharing-node.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { bytesOf } from '../ingest/fixture.ts'

const ana = testPerson('ana')
const ben = testPerson('ben')

interface Arranged {
  readonly node: SharingNode
  /** Another node with the same bytes: Ana's. */
  copyTo: (word: string, mediaId: string) => Promise<SharingNode>
  readonly root: string
  readonly file: string
}

async function setUp(): Promise<Arranged> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const open = async (word: string): Promise<SharingNode> => {
    const node = await openSharingNode({ root: dir.file(word), word })
    onTestFinished(() => node.close())
    return node
  }
  const node = await open('owner')
  for (const { card } of [ana, ben]) node.contacts.add(card)
  const file = dir.file('talk.webm')
  await fs.writeFile(file, bytesOf(100_000))
  return {
    node,
    root: dir.path,
    file,
    copyTo: async (word, mediaId) => {
      const target = path.join(dir.file(word), 'media')
      await fs.cp(path.join(node.mediaDir, mediaId), path.join(target, mediaId), { recursive: true })
      await fs.copyFile(path.join(node.mediaDir, '.sower-media'), path.join(target, '.sower-media'))
      const other = await open(word)
      await other.library.verified()
      return other
    },
  }
}

describe('adding people', () => {
  it('is a new version with one more envelope each: the bytes, the link and those before stay', async () => {
    const { node, file } = await setUp()
    const item = await node.addEncrypted(file)
    expect(item).toMatchObject({ accessLevel: 'private', sharedWith: [] })
    const first = await node.library.manifest(item.mediaId)

    const row = await node.sharing.addPeople(item.mediaId, [ana.owner])
    expect(row).toMatchObject({
      mediaId: item.mediaId,
      name: 'talk.webm',
      accessLevel: 'shared',
      sharedWith: [ana.owner],
      manifestVersion: 2,
      infoHash: item.infoHash,
    })
    const second = await node.library.manifest(item.mediaId)
    expect(second.transport).toEqual(first.transport)
    expect({ ...second.encryption, keyEnvelope: null }).toEqual({ ...first.encryption, keyEnvelope: null })
    const context = { mediaId: second.id, version: second.version }
    const keys = await Promise.all(
      [node.me, ana].map(({ pair }) => openEnvelope(second.encryption?.keyEnvelope, pair, context)),
    )
    expect(keys[0]).toEqual(keys[1])
    await expect(openEnvelope(second.encryption?.keyEnvelope, ben.pair, context)).rejects.toMatchObject({
      code: 'KEY_NEEDED',
    })
  })

  it('again changes nothing; several at once are all added', async () => {
    const { node, file } = await setUp()
    const { mediaId } = await node.addEncrypted(file, [ana.owner])
    expect(await node.sharing.addPeople(mediaId, [ana.owner, node.me.owner])).toMatchObject({
      manifestVersion: 1,
    })
    await Promise.all([
      node.sharing.addPeople(mediaId, [ben.owner]),
      node.sharing.addPeople(mediaId, [ben.owner, ana.owner]),
    ])
    expect(node.library.get(mediaId)).toMatchObject({
      manifestVersion: 2,
      sharedWith: [ana.owner, ben.owner],
    })
    expect(node.sharing.people(mediaId)).toMatchObject([
      { owner: node.me.owner, isOwner: true },
      { owner: ana.owner, name: 'ana', isOwner: false },
      { owner: ben.owner, name: 'ben', isOwner: false },
    ])
  })

  it('lets them read the file, and nobody else', async () => {
    const { node, file, copyTo } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    await node.sharing.addPeople(mediaId, [ana.owner])
    const hers = await copyTo('ana', mediaId)
    expect(hers.library.get(mediaId)).toMatchObject({
      protection: 'readable',
      name: 'talk.webm',
      isOwn: false,
    })
    expect(await hers.read(mediaId)).toEqual(await fs.readFile(file))
    const bens = await copyTo('ben', mediaId)
    expect(bens.library.get(mediaId)).toMatchObject({ protection: 'needs-key', name: 'Encrypted item' })
    await expect(bens.read(mediaId)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
  })

  it('is for owners of encrypted items, with contacts, while the wallet is open', async () => {
    const { node, file, copyTo } = await setUp()
    const { mediaId } = await node.addEncrypted(file, [ana.owner])
    await fs.writeFile(file, 'clear')
    const plain = await node.addPlain(file)
    const adding = (id: string, owner: string) => node.sharing.addPeople(id, [owner])
    await expect(adding(plain.mediaId, ana.owner)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(adding('0'.repeat(64), ana.owner)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(adding(mediaId, testPerson('nobody').owner)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    node.isUnlocked = false
    await expect(adding(mediaId, ben.owner)).rejects.toThrow(/wallet is closed/)
    const hers = await copyTo('ana', mediaId)
    hers.contacts.add(ben.card)
    await expect(hers.sharing.addPeople(mediaId, [ben.owner])).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(hers.sharing.linkKey(mediaId)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(hers.rekeys.remove(mediaId, { people: [ana.owner] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
  })
})

describe('asking for access', () => {
  it('is a text with the link and one’s card, for what one can’t read', async () => {
    const { node, file, copyTo } = await setUp()
    const { mediaId } = await node.addEncrypted(file, [ana.owner])
    const bens = await copyTo('ben', mediaId)
    const asked = bens.sharing.requestAccess(mediaId, `sower://media/${mediaId}?v=1`, () => ben.card)
    expect(asked.owner).toBe(node.me.owner)
    expect(asked.text).toContain(`sower://media/${mediaId}?v=1`)
    expect(asked.text).toContain(ben.card)
    const hers = await copyTo('ana', mediaId)
    for (const [reader, reason] of [
      [node, /is yours/],
      [hers, /shared with you/],
    ] as const) {
      expect(() => reader.sharing.requestAccess(mediaId, '', () => '')).toThrow(reason)
    }
  })
})

describe('a withdrawal of somebody else’s item', () => {
  it('is obeyed when its owner signed it: not seeded, told once, nothing moved; also after the database is gone', async () => {
    const { node, file, copyTo, root } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner])
    const hers = await copyTo('ana', old.mediaId)
    expect(hers.library.get(old.mediaId)?.isSeedingWanted).toBe(true)
    await node.over(await node.rekeys.remove(old.mediaId, { people: [ana.owner], reason: 'Moved on' }))
    const revocation = node.revocations.get(old.mediaId)

    expect(hers.revocations.apply(revocation)).toMatchObject({ isHeld: true, isNew: true })
    expect(hers.revocations.apply(revocation)).toMatchObject({ isHeld: true, isNew: false })
    expect(hers.library.get(old.mediaId)).toMatchObject({ isSeedingWanted: false, protection: 'readable' })
    expect(hers.notices.filter((text) => text.includes('withdrawn'))).toHaveLength(1)
    expect(hers.notices.join()).toContain('Moved on')
    // What she has stays hers to read.
    expect(await hers.read(old.mediaId)).toEqual(await fs.readFile(file))

    await hers.close()
    await fs.rm(path.join(root, 'ana', 'data'), { recursive: true })
    const anew = await openSharingNode({ root: path.join(root, 'ana'), word: 'ana' })
    onTestFinished(() => anew.close())
    expect(anew.revocations.get(old.mediaId)).toEqual(revocation)
    expect(anew.library.get(old.mediaId)?.isSeedingWanted).toBe(false)
  })

  it('is refused when somebody else signed it, and forgotten when the item is not here', async () => {
    const { node, file } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const foreign = signRevocation({ mediaId, atMs: Date.now() }, ben.signer)
    expect(() => node.revocations.apply(foreign)).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    )
    const unknown = signRevocation({ mediaId: 'a'.repeat(64), atMs: Date.now() }, ben.signer)
    expect(node.revocations.apply(unknown)).toMatchObject({ isHeld: false, isNew: false })
    expect(node.revocations.get('a'.repeat(64))).toBeUndefined()
    expect(node.library.get(mediaId)?.isSeedingWanted).toBe(true)
  })

  it('never gives way to an older one', async () => {
    const { node, file } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const say = (atMs: number, reason: string) => signRevocation({ mediaId, atMs, reason }, node.me.signer)
    node.revocations.apply(say(2_000_000, 'second'))
    node.revocations.apply(say(1_000_000, 'first'))
    expect(node.revocations.get(mediaId)?.reason).toBe('second')
    node.revocations.apply(say(3_000_000, 'third'))
    expect(node.revocations.get(mediaId)?.reason).toBe('third')
    const file3 = await fs.readFile(path.join(node.mediaDir, '.withdrawn', `${mediaId}.json`), 'utf8')
    expect(file3).toBe(canonicalJson(say(3_000_000, 'third')))
  })
})
