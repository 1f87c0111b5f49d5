import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { MediaId } from '../../../app/contract/index.ts'
import type { ItemRow } from '../../../app/library/index.ts'
import { buildManifest, signManifest } from '../../../app/manifest/index.ts'
import type { Manifest } from '../../../app/manifest/index.ts'
import { verifyRevocation } from '../../../app/sharing/revocation.ts'
import { encryptionField, makeEnvelope, openEnvelope, sealMetadata } from '../../../app/vault/index.ts'
import { encryptBytes } from '../../support/encrypted-item.ts'
import { openSharingNode, testPerson } from '../../support/sharing-node.ts'
import type { SharingNode, TestPerson } from '../../support/sharing-node.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { bytesOf } from '../ingest/fixture.ts'

const ana = testPerson('ana')
const ben = testPerson('ben')

async function setUp(): Promise<{ node: SharingNode; root: string; file: string; bytes: Buffer }> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const node = await openSharingNode({ root: dir.file('node') })
  onTestFinished(() => node.close())
  for (const { card } of [ana, ben]) node.contacts.add(card)
  const bytes = bytesOf(300_000)
  const file = dir.file('Canary film.mp4')
  await fs.writeFile(file, bytes)
  return { node, root: dir.file('node'), file, bytes }
}

const reads = (person: TestPerson, { id: mediaId, version, encryption }: Manifest): Promise<boolean> =>
  openEnvelope(encryption?.keyEnvelope, person.pair, { mediaId, version }).then(
    () => true,
    () => false,
  )

/** Everything in a folder, as one text. */
async function textOf(dir: string): Promise<string> {
  const entries = await fs.readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = files.map(({ parentPath, name }) => fs.readFile(path.join(parentPath, name), 'latin1'))
  return (await Promise.all(texts)).join('\n')
}

const incoming = (node: SharingNode): Promise<string[]> => fs.readdir(path.join(node.mediaDir, '.incoming'))

/** An item of one’s own whose seal names another file than the one that is in it. */
async function addWithWrongSeal(node: SharingNode, plain: Buffer): Promise<ItemRow> {
  const bytes = encryptBytes(plain)
  const { fileKey, mediaId, stored } = bytes
  const { owner, signer, pair } = node.me
  const keyEnvelope = await makeEnvelope({ fileKey, mediaId, version: 1, recipients: [{ owner, ...pair }] })
  const plainHash = createHash('sha256').update('another file').digest('hex')
  const sealed = sealMetadata(fileKey, { name: 'film.mp4', mime: 'video/mp4', plainHash })
  const unsigned = buildManifest({
    mediaId,
    sizeBytes: stored.length,
    mime: 'application/octet-stream',
    createdAt: 0,
    accessLevel: 'private',
    owner,
    encryption: encryptionField({ ...bytes, plainSizeBytes: plain.length, sealed, keyEnvelope }),
  })
  const staging = await node.folder.stage('wrong-seal')
  await fs.writeFile(staging.bytes, stored)
  const manifest = signManifest(unsigned, signer)
  const { row } = await node.library.commit({
    staging,
    mediaId,
    manifest,
    isOwn: true,
    isSeedingWanted: true,
  })
  return row
}

describe('removing somebody', () => {
  it('puts a new item in the place of the old one, which only those who remain can read', async () => {
    const { node, file, bytes } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner, ben.owner])
    const before = await node.library.manifest(old.mediaId)
    expect(await Promise.all([reads(ana, before), reads(ben, before)])).toEqual([true, true])

    const done = await node.over(
      await node.rekeys.remove(old.mediaId, { people: [ana.owner], reason: 'Not any more' }),
    )
    expect(done).toMatchObject({ kind: 'rekey', state: 'done', stage: 'seed', name: 'Canary film.mp4' })
    expect(done.mediaId).not.toBe(old.mediaId)

    const row = node.library.get(done.mediaId ?? '')
    expect(row).toMatchObject({
      name: 'Canary film.mp4',
      mime: old.mime,
      protection: 'readable',
      accessLevel: 'shared',
      sharedWith: [ben.owner],
      createdAt: old.createdAt,
      addedAtMs: old.addedAtMs,
      isOwn: true,
      isSeedingWanted: true,
    })
    const after = await node.library.manifest(done.mediaId ?? '')
    expect(after).toMatchObject({ supersedes: old.mediaId, version: 1, mime: 'application/octet-stream' })
    expect(await Promise.all([reads(ana, after), reads(ben, after)])).toEqual([false, true])
    const text = JSON.stringify(after)
    expect(text).not.toContain(ana.pair.pub)
    expect(text).not.toContain(ana.owner)
    expect(text).not.toContain('Canary')
    expect(await node.read(after.id)).toEqual(bytes)
    // What they have of the old one stays readable to them.
    expect(await reads(ana, before)).toBe(true)
  })

  it('withdraws the old one: signed, unseeded, in the trash', async () => {
    const { node, file } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner, ben.owner])
    const { mediaId: newId } = await node.over(
      await node.rekeys.remove(old.mediaId, { people: [ana.owner], reason: 'Not any more' }),
    )
    expect(node.library.list().rows.map(({ mediaId }) => mediaId)).toEqual([newId])
    expect(node.library.get(old.mediaId, { isTrashIncluded: true })).toMatchObject({ isSeedingWanted: false })
    expect(node.settled).toContain(old.mediaId)
    const kept = await fs.readFile(path.join(node.mediaDir, '.withdrawn', `${old.mediaId}.json`), 'utf8')
    const revocation = verifyRevocation(JSON.parse(kept), { mediaId: old.mediaId, owner: node.me.owner })
    expect(revocation).toMatchObject({ supersededBy: newId, reason: 'Not any more' })
    expect(node.revocations.get(old.mediaId)).toEqual(revocation)

    await node.library.restore([old.mediaId])
    await new Promise((resolve) => setImmediate(resolve))
    expect(node.library.get(old.mediaId)?.isSeedingWanted).toBe(false)
    node.library.setSeedingWanted([old.mediaId], true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(node.library.get(old.mediaId)?.isSeedingWanted).toBe(false)
    expect(() => node.revocations.requireValid(old.mediaId)).toThrow(
      expect.objectContaining({ code: 'WITHDRAWN' }),
    )
  })

  it('leaves an item private when nobody remains', async () => {
    const { node, file } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner])
    const { mediaId = '' } = await node.over(await node.rekeys.remove(old.mediaId, { people: [ana.owner] }))
    const { accessControl } = await node.library.manifest(mediaId)
    expect(accessControl.access_level).toBe('private')
    expect(accessControl).not.toHaveProperty('shared_with')
    // Everybody hears of the old one that it is withdrawn, and nobody that there is a new one.
    expect(node.revocations.get(old.mediaId)).not.toHaveProperty('supersededBy')
    expect(node.revocations.replaced()).toEqual([{ mediaId: old.mediaId, supersededBy: mediaId }])
  })

  it('does not forget who was added while it waited', async () => {
    const { node, file } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner, ben.owner])
    const id = await node.rekeys.remove(old.mediaId, { people: [ana.owner] })
    await expect(node.sharing.addPeople(old.mediaId, [ana.owner])).rejects.toThrow(/encrypted anew/)
    await node.over(id)
    const { mediaId = '' } = node.transfers.get(id) ?? {}
    await node.sharing.addPeople(mediaId, [ana.owner])
    expect(await reads(ana, await node.library.manifest(mediaId))).toBe(true)
  })

  it('is refused with a sentence where it can’t be done', async () => {
    const { node, file } = await setUp()
    const shared = await node.addEncrypted(file, [ben.owner])
    await fs.writeFile(file, 'in the clear')
    const plain = await node.addPlain(file)
    const { owner } = node.me
    const removing = (mediaId: string, key: string) => node.rekeys.remove(mediaId, { people: [key] })
    await expect(removing(plain.mediaId, ana.owner)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(removing(shared.mediaId, ana.owner)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(removing(shared.mediaId, owner)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(removing('0'.repeat(64), ben.owner)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    node.isUnlocked = false
    await expect(removing(shared.mediaId, ben.owner)).rejects.toThrow(/wallet is closed/)
    node.isUnlocked = true
    const id = await removing(shared.mediaId, ben.owner)
    await expect(removing(shared.mediaId, ben.owner)).rejects.toMatchObject({ code: 'CONFLICT' })
    await node.over(id)
  })

  it('says who has to become a contact again before they can be kept', async () => {
    const { node, file } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner, ben.owner])
    node.contacts.remove(ben.owner)
    await expect(node.rekeys.remove(old.mediaId, { people: [ana.owner] })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      details: { owner: ben.owner },
    })
  })
})

describe('while it goes on', () => {
  it('can be paused, goes on, and can be cancelled without a trace', async () => {
    const { node, file, bytes } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner])
    const id = await node.rekeys.remove(old.mediaId, { people: [ana.owner] })
    node.rekeys.jobs.pause(id)
    await vi.waitFor(async () => expect(await incoming(node)).toEqual([id]))
    expect(node.transfers.get(id)).toMatchObject({ state: 'paused', rateBytesPerSec: 0 })
    await node.rekeys.jobs.cancel(id)
    expect(node.transfers.get(id)?.state).toBe('cancelled')
    expect(node.library.list().rows.map(({ mediaId }) => mediaId)).toEqual([old.mediaId])
    expect(await incoming(node)).toEqual([])
    expect(node.revocations.get(old.mediaId)).toBeUndefined()

    node.rekeys.jobs.retry(id)
    node.rekeys.jobs.pause(id)
    node.rekeys.jobs.resume(id)
    const { state, mediaId = '' } = await node.over(id)
    expect(state).toBe('done')
    expect(await node.read(mediaId)).toEqual(bytes)
  })

  it('stops with the node and goes on at the next start', async () => {
    const { node, file, root, bytes } = await setUp()
    const old = await node.addEncrypted(file, [ana.owner])
    const id = await node.rekeys.remove(old.mediaId, { people: [ana.owner] })
    await node.close()
    const again = await openSharingNode({ root })
    onTestFinished(() => again.close())
    const { mediaId = '', state } = await again.over(id)
    expect(state).toBe('done')
    expect(again.library.list().rows.map((row) => row.mediaId)).toEqual([mediaId])
    expect(await again.read(mediaId)).toEqual(bytes)
  })

  it('waits for a wallet that is locked after a start', async () => {
    const { node, file, root } = await setUp()
    await node.addEncrypted(file)
    const [id = ''] = node.rekeys.rotateAll()
    await node.close()
    const again = await openSharingNode({ root, isUnlocked: false })
    onTestFinished(() => again.close())
    await vi.waitFor(() => expect(again.transfers.get(id)?.state).toBe('active'))
    expect(await incoming(again)).toEqual([])
    again.isUnlocked = true
    expect(await again.over(id)).toMatchObject({ state: 'done' })
  })

  it('keeps the old item when its plaintext is not what was sealed', async () => {
    const { node, bytes } = await setUp()
    const old = await addWithWrongSeal(node, bytes)
    const [id = ''] = node.rekeys.rotateAll()
    expect(await node.over(id)).toMatchObject({ state: 'failed', error: { code: 'HASH_MISMATCH' } })
    expect(node.library.list().rows).toMatchObject([{ mediaId: old.mediaId, isSeedingWanted: true }])
    expect(node.revocations.get(old.mediaId)).toBeUndefined()
    expect(await incoming(node)).toEqual([])
    // A copy of it is not saved either.
    const target = path.join(node.mediaDir, '..', 'copy')
    const save = await node.saves.begin({ mediaId: old.mediaId, path: target, isReplacing: false })
    expect(await node.over(save)).toMatchObject({ state: 'failed', error: { code: 'HASH_MISMATCH' } })
    expect(existsSync(target)).toBe(false)
  })
})

describe('encrypting what was kept back in the clear', () => {
  it('leaves no plain byte, name or hash of it in the media folder', async () => {
    const { node, file } = await setUp()
    const canary = 'the canary sings at midnight '.repeat(20_000)
    await fs.writeFile(file, canary)
    const plain = await node.addPlain(file)
    const { mediaId = '' } = await node.over(node.rekeys.encrypt(plain.mediaId, [ana.owner]))
    expect((await node.read(mediaId)).toString()).toBe(canary)
    expect(await reads(ana, await node.library.manifest(mediaId))).toBe(true)

    const everything = await textOf(node.mediaDir)
    expect(everything).not.toContain('canary sings')
    expect(everything).not.toContain('Canary')
    // The sha256 of the file itself would tell whoever has the same file what this is.
    expect(everything).not.toContain(plain.mediaId)
    expect(existsSync(path.join(node.mediaDir, '.trash', plain.mediaId))).toBe(false)
    expect(node.library.get(plain.mediaId, { isTrashIncluded: true })).toBeUndefined()
    expect(node.revocations.get(plain.mediaId)).toBeUndefined()
  })

  it('is refused for what is encrypted or public', async () => {
    const { node, file } = await setUp()
    const encrypted = await node.addEncrypted(file)
    expect(() => node.rekeys.encrypt(encrypted.mediaId, [])).toThrow(/encrypted already/)
    const { mediaId } = await node.addPlain(file)
    await node.adder.setAccess(mediaId, 'public')
    expect(() => node.rekeys.encrypt(mediaId, [])).toThrow(/public/)
  })
})

describe('a new key for everything', () => {
  it('rekeys every own encrypted item once, one at a time, also over a restart', async () => {
    const { node, root, file } = await setUp()
    const contents: string[] = []
    const old: MediaId[] = []
    for (const name of ['one', 'two', 'three']) {
      await fs.writeFile(file, name.repeat(1000))
      contents.push(name.repeat(1000))
      old.push((await node.addEncrypted(file, [ana.owner])).mediaId)
    }
    await fs.writeFile(file, 'plain')
    const plain = await node.addPlain(file)
    const ids = node.rekeys.rotateAll()
    expect(ids).toHaveLength(3)
    // Asked twice, nothing is done twice.
    expect(node.rekeys.rotateAll().toSorted()).toEqual(ids.toSorted())
    await node.close()

    const again = await openSharingNode({ root })
    onTestFinished(() => again.close())
    let atOnce = 0
    again.transfers.onChange(() => {
      atOnce = Math.max(atOnce, again.transfers.list().filter(({ state }) => state === 'active').length)
    })
    const done = await Promise.all(ids.map((id) => again.over(id)))
    expect(done.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    expect(atOnce).toBeLessThanOrEqual(1)
    const rows = again.library.list({ sort: 'added', direction: 'asc' }).rows
    expect(rows).toHaveLength(4)
    const now = rows.map(({ mediaId }) => mediaId)
    expect(now).toContain(plain.mediaId)
    for (const mediaId of old) expect(now).not.toContain(mediaId)
    const texts = await Promise.all(
      done.map(async ({ mediaId = '' }) => (await again.read(mediaId)).toString()),
    )
    expect(texts.toSorted()).toEqual(contents.toSorted())
    for (const { sharedWith, protection } of rows)
      expect(sharedWith).toEqual(protection === 'none' ? [] : [ana.owner])
  })
})
