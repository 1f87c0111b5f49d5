import fs from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AccessRule } from '../../../app/contract/index.ts'
import { ethereumAddress } from '../../../app/vault/envelope/lit-sdk.ts'
import { drain } from '../../support/encrypted-item.ts'
import { installLitStandIn } from '../../support/lit-stand-in.ts'
import { openSharingNode, testPerson } from '../../support/sharing-node.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { bytesOf } from '../ingest/fixture.ts'

const ana = testPerson('ana')
const rule: AccessRule = { kind: 'wallet', chain: 'ethereum', address: ethereumAddress(ana.owner) }

async function setUp() {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const open = async (word: string) => {
    const root = dir.file(word)
    const lit = await installLitStandIn(path.join(root, 'data', 'lit'))
    const node = await openSharingNode({ root, word })
    onTestFinished(() => node.close())
    return { node, lit }
  }
  const owner = await open('owner')
  const file = dir.file('talk.webm')
  await fs.writeFile(file, bytesOf(100_000))
  const item = await owner.node.addEncrypted(file)
  const copyTo = async (word: string, mediaId: string = item.mediaId) => {
    const target = path.join(dir.file(word), 'media')
    await fs.cp(path.join(owner.node.mediaDir, mediaId), path.join(target, mediaId), {
      recursive: true,
    })
    await fs.copyFile(path.join(owner.node.mediaDir, '.sower-media'), path.join(target, '.sower-media'))
    const other = await open(word)
    await other.node.library.verified()
    return other
  }
  return { ...owner, item, copyTo }
}

describe('an item shared under conditions, with a local stand-in for Lit', () => {
  it('is read by whoever fulfils them and by nobody else, and stays as it was for its owner', async () => {
    const { node, item, copyTo } = await setUp()
    const row = await node.sharing.setConditions(item.mediaId, rule)
    expect(row).toMatchObject({
      mediaId: item.mediaId,
      accessLevel: 'private',
      sharedWith: [],
      name: 'talk.webm',
    })
    const manifest = await node.library.manifest(item.mediaId)
    expect(manifest).toMatchObject({ version: 2, encryption: { keyEnvelope: { scheme: 'sea', lit: {} } } })
    expect((await node.fileKeys.get(manifest)).length).toBe(32)

    const reader = await copyTo('ana')
    expect(reader.node.library.get(item.mediaId)).toMatchObject({ protection: 'needs-key' })
    expect(reader.lit.connections).toBe(0)
    const plain = await reader.node.openPlain(item.mediaId)
    onTestFinished(() => plain.close())
    expect(plain).toMatchObject({ name: 'talk.webm', sizeBytes: 100_000 })
    expect((await drain(plain.read(0, 100_000))).bytes.equals(bytesOf(100_000))).toBe(true)
    expect(reader.node.library.get(item.mediaId)).toMatchObject({ protection: 'readable', name: 'talk.webm' })

    const stranger = await copyTo('ben')
    await expect(stranger.node.openPlain(item.mediaId)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    expect(stranger.node.library.get(item.mediaId)).toMatchObject({ protection: 'needs-key' })
  })

  it('can be opened, and saved, by who has only kept it so far, and says what its owner asks for', async () => {
    const { node, item, copyTo } = await setUp()
    const either: AccessRule = {
      kind: 'any',
      of: [
        rule,
        { kind: 'token', standard: 'ERC20', chain: 'polygon', contract: `0x${'1'.repeat(40)}`, atLeast: '5' },
      ],
    }
    expect(await node.sharing.conditions(item.mediaId)).toBeUndefined()
    expect(await node.sharing.setConditions(item.mediaId, either)).toMatchObject({ hasConditions: true })
    expect(await node.sharing.conditions(item.mediaId)).toEqual({ rule: either })

    const saver = await copyTo('ana')
    expect(saver.node.library.get(item.mediaId)).toMatchObject({
      protection: 'needs-key',
      hasConditions: true,
    })
    expect(await saver.node.sharing.conditions(item.mediaId)).toEqual({ rule: either })
    const target = path.join(saver.node.mediaDir, '..', 'copy.webm')
    const id = await saver.node.saves.begin({ mediaId: item.mediaId, path: target, isReplacing: false })
    expect(await saver.node.over(id)).toMatchObject({ state: 'done' })
    expect((await fs.readFile(target)).equals(bytesOf(100_000))).toBe(true)
    expect(saver.node.library.get(item.mediaId)).toMatchObject({ protection: 'readable', name: 'talk.webm' })

    const stranger = await copyTo('ben')
    await expect(stranger.node.sharing.openWithLit(item.mediaId)).rejects.toMatchObject({
      code: 'KEY_NEEDED',
      message: expect.stringContaining('conditions') as unknown,
    })
    const address = ethereumAddress(testPerson('ben').owner)
    stranger.lit.balances.set(`polygon/0x${'1'.repeat(40)}//${address}`.toLowerCase(), 5n)
    expect(await stranger.node.sharing.openWithLit(item.mediaId)).toMatchObject({
      protection: 'readable',
      name: 'talk.webm',
    })
    // What it gave is kept.
    stranger.lit.failure = new Error('offline')
    stranger.node.fileKeys.forgetAll()
    expect((await stranger.node.read(item.mediaId)).equals(bytesOf(100_000))).toBe(true)
  })

  it('keeps its conditions when people are added', async () => {
    const { node, item } = await setUp()
    node.contacts.add(ana.card)
    await node.sharing.setConditions(item.mediaId, rule)
    await node.sharing.addPeople(item.mediaId, [ana.owner])
    await node.sharing.setConditions(item.mediaId, { kind: 'any', of: [rule, rule] })
    const { encryption, accessControl, version } = await node.library.manifest(item.mediaId)
    expect(version).toBe(4)
    expect(accessControl).toMatchObject({ access_level: 'shared', shared_with: [ana.owner] })
    expect(encryption?.keyEnvelope).toMatchObject({
      for: [node.me.pair.pub, ana.pair.pub],
      lit: { conditions: [{}, { operator: 'or' }, {}] },
    })
  })

  it('is encrypted anew without its conditions when they are taken away, for the people who stay', async () => {
    const { node, item, copyTo } = await setUp()
    const ben = testPerson('ben')
    node.contacts.add(ben.card)
    await node.sharing.addPeople(item.mediaId, [ben.owner])
    await expect(node.rekeys.remove(item.mediaId, { isWithoutConditions: true })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    })
    await node.sharing.setConditions(item.mediaId, rule)
    const done = await node.over(await node.rekeys.remove(item.mediaId, { isWithoutConditions: true }))
    const anew = done.mediaId ?? ''
    expect(anew).not.toBe(item.mediaId)
    expect(node.library.get(anew)).toMatchObject({ hasConditions: false, sharedWith: [ben.owner] })
    expect(await node.sharing.conditions(anew)).toBeUndefined()
    expect(JSON.stringify(await node.library.manifest(anew))).not.toContain('conditions')
    expect(node.library.get(item.mediaId)).toBeUndefined()
    expect(node.notices.join()).not.toContain('conditions')
    const fulfilling = await copyTo('ana', anew)
    await expect(fulfilling.node.sharing.openWithLit(anew)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    const stays = await copyTo('ben', anew)
    expect((await stays.node.read(anew)).equals(bytesOf(100_000))).toBe(true)
  })

  it('keeps its conditions under a new key, and the user is told when they can’t be kept', async () => {
    const { node, lit, item, copyTo } = await setUp()
    const ben = testPerson('ben')
    node.contacts.add(ben.card)
    await node.sharing.addPeople(item.mediaId, [ben.owner])
    await node.sharing.setConditions(item.mediaId, rule)
    const done = await node.over(await node.rekeys.remove(item.mediaId, { people: [ben.owner] }))
    const anew = done.mediaId ?? ''
    expect(anew).not.toBe(item.mediaId)
    expect(node.library.get(anew)).toMatchObject({ hasConditions: true, accessLevel: 'private' })
    expect(await node.sharing.conditions(anew)).toEqual({ rule })
    expect(node.notices.join()).not.toContain('conditions')
    const reader = await copyTo('ana', anew)
    expect((await reader.node.read(anew)).equals(bytesOf(100_000))).toBe(true)
    const removed = await copyTo('ben', anew)
    await expect(removed.node.read(anew)).rejects.toMatchObject({ code: 'KEY_NEEDED' })

    lit.failure = new Error('offline')
    const [id = ''] = node.rekeys.rotateAll()
    const { mediaId: last = '' } = await node.over(id)
    expect(node.library.get(last)).toMatchObject({ hasConditions: false, protection: 'readable' })
    expect(node.notices.join()).toMatch(/without the conditions.*could not be reached/)
  })

  it('stays as it was when the network is away, or the conditions are none', async () => {
    const { node, lit, item } = await setUp()
    lit.failure = new Error('offline')
    await expect(node.sharing.setConditions(item.mediaId, rule)).rejects.toMatchObject({
      code: 'LIT_UNAVAILABLE',
    })
    const none: AccessRule = { kind: 'all', of: [] }
    await expect(node.sharing.setConditions(item.mediaId, none)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    })
    expect((await node.library.manifest(item.mediaId)).version).toBe(1)
  })
})
