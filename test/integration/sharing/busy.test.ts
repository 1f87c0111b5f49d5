import fs from 'node:fs/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openSharingNode, testPerson } from '../../support/sharing-node.ts'
import type { SharingNode } from '../../support/sharing-node.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { bytesOf } from '../ingest/fixture.ts'

const MIB = 1024 * 1024
const ana = testPerson('ana')
const busy = { code: 'CONFLICT', message: 'This item is just being encrypted anew.' }

interface SetUp {
  readonly node: SharingNode
  readonly root: string
  /** Makes a file to add. */
  readonly write: (name: string, bytes: Uint8Array) => Promise<string>
}

async function setUp(): Promise<SetUp> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const root = dir.file('node')
  const node = await openSharingNode({ root })
  onTestFinished(() => node.close())
  node.contacts.add(ana.card)
  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    await fs.writeFile(dir.file(name), bytes)
    return dir.file(name)
  }
  return { node, root, write }
}

it('what waits to be encrypted is not made public meanwhile', async () => {
  const { node, write } = await setUp()
  const { mediaId: large } = await node.addPlain(await write('large', bytesOf(32 * MIB, 1)))
  const { mediaId: small } = await node.addPlain(await write('small', bytesOf(1000, 2)))
  const ids = [node.rekeys.encrypt(large, []), node.rekeys.encrypt(small, [])]
  await expect(node.adder.setAccess(small, 'public')).rejects.toMatchObject(busy)
  expect(node.library.get(small)).toMatchObject({ accessLevel: 'private' })
  for (const id of ids) expect(await node.over(id)).toMatchObject({ state: 'done' })
})

it('what is just being made public is not when it is to be encrypted first', async () => {
  const { node, write } = await setUp()
  const { mediaId } = await node.addPlain(await write('large', bytesOf(64 * MIB)))
  const publishing = expect(node.adder.setAccess(mediaId, 'public')).rejects.toMatchObject(busy)
  const id = node.rekeys.encrypt(mediaId, [])
  await publishing
  expect(await node.over(id)).toMatchObject({ state: 'done' })
  expect(node.library.list().rows).toMatchObject([{ accessLevel: 'private', protection: 'readable' }])
})

it('what became public before its encryption was tried again stays, public and whole', async () => {
  const { node, write } = await setUp()
  const { mediaId } = await node.addPlain(await write('film', bytesOf(8 * MIB)))
  const id = node.rekeys.encrypt(mediaId, [])
  node.rekeys.jobs.pause(id)
  await node.rekeys.jobs.cancel(id)
  await node.adder.setAccess(mediaId, 'public')
  node.rekeys.jobs.retry(id)
  expect(await node.over(id)).toMatchObject({
    state: 'failed',
    error: { code: 'CONFLICT', message: /This item is public/ },
  })
  expect(node.library.list().rows).toMatchObject([{ mediaId, accessLevel: 'public' }])
  expect((await node.read(mediaId)).equals(bytesOf(8 * MIB))).toBe(true)
})

it('what is getting a new key is neither shared, nor given away in a link, under the old one', async () => {
  const { node, write } = await setUp()
  const { mediaId } = await node.addEncrypted(await write('film', bytesOf(8 * MIB)), [ana.owner])
  const id = await node.rekeys.remove(mediaId, { people: [ana.owner] })
  await expect(node.sharing.addPeople(mediaId, [ana.owner])).rejects.toMatchObject(busy)
  await expect(node.sharing.linkKey(mediaId)).rejects.toMatchObject(busy)
  await expect(node.rekeys.remove(mediaId, { people: [ana.owner] })).rejects.toMatchObject(busy)
  expect(node.rekeys.rotateAll()).toEqual([id])
  expect(await node.over(id)).toMatchObject({ state: 'done' })
})

it('what was removed while it waited stays in the trash as it was', async () => {
  const { node, write } = await setUp()
  const { mediaId: large } = await node.addPlain(await write('large', bytesOf(32 * MIB, 1)))
  const { mediaId } = await node.addPlain(await write('film', bytesOf(8 * MIB)))
  const [first, id] = [node.rekeys.encrypt(large, []), node.rekeys.encrypt(mediaId, [])]
  await node.library.remove([mediaId])
  expect(await node.over(first)).toMatchObject({ state: 'done' })
  expect(await node.over(id)).toMatchObject({ state: 'failed', error: { code: 'NOT_FOUND' } })
  expect(node.library.list().rows).toHaveLength(1)
  await node.library.restore([mediaId])
  expect((await node.read(mediaId)).equals(bytesOf(8 * MIB))).toBe(true)
})

it('in its last step it can only be finished, also while the drive is away and after a restart', async () => {
  const { node, root, write } = await setUp()
  const bytes = bytesOf(100_000)
  const { mediaId } = await node.addPlain(await write('film', bytes))
  const away = `${node.mediaDir}.away`
  const gone = new Promise<void>((resolve) => {
    node.onSettle = async () => {
      node.onSettle = () => Promise.resolve()
      await fs.rename(node.mediaDir, away)
      resolve()
    }
  })
  const id = node.rekeys.encrypt(mediaId, [])
  await gone
  await node.until(id, ({ mediaId: now }) => now !== mediaId)
  const tooLate = { code: 'CONFLICT', message: /only be finished/ }
  expect(() => node.rekeys.jobs.pause(id)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  await expect(node.rekeys.jobs.cancel(id)).rejects.toMatchObject(tooLate)
  expect(node.transfers.get(id)).toMatchObject({ state: 'active' })
  await expect(node.adder.setAccess(mediaId, 'public')).rejects.toMatchObject(busy)
  expect(() => node.rekeys.encrypt(mediaId, [])).toThrow(expect.objectContaining(busy))
  expect(node.rekeys.rotateAll()).toEqual([id])

  await node.close()
  await fs.rename(away, node.mediaDir)
  const again = await openSharingNode({ root, isHeld: true })
  onTestFinished(() => again.close())
  await expect(again.adder.setAccess(mediaId, 'public')).rejects.toMatchObject(busy)
  again.start()
  expect(await again.over(id)).toMatchObject({ state: 'done' })
  const { rows } = again.library.list()
  expect(rows).toMatchObject([{ protection: 'readable' }])
  expect((await again.read(rows[0]?.mediaId ?? '')).equals(bytes)).toBe(true)
})
