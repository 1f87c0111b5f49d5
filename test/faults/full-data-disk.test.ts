import fs from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Transfer } from '../../app/contract/index.ts'
import { bytesOf } from '../integration/ingest/fixture.ts'
import { openSharingNode } from '../support/sharing-node.ts'
import type { SharingNode } from '../support/sharing-node.ts'
import { canMount, fillDataDrive, mountDrive } from '../support/small-drive.ts'
import { tempDir } from '../support/temp-dir.ts'

const MIB = 1024 * 1024
const film = bytesOf(48 * MIB)

/** A node whose database lies on a drive of its own, which is small. */
async function openSmallNode(): Promise<{ root: string; source: string; node: SharingNode }> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const root = dir.file('node')
  mountDrive(path.join(root, 'data'), 8)
  const source = dir.file('film.mp4')
  await fs.writeFile(source, film)
  const node = await openSharingNode({ root })
  onTestFinished(() => node.close())
  return { root, source, node }
}

/** Begins a job, fills the drive before it has come far, and says how it ended. */
async function endOnFullDisk(
  { root, node }: { root: string; node: SharingNode },
  begin: () => string | Promise<string>,
): Promise<Transfer & { readonly makeRoom: () => void }> {
  const id = await begin()
  const makeRoom = fillDataDrive(path.join(root, 'data'), node.transfers)
  return { ...(await node.over(id)), makeRoom }
}

/** The same node after a restart. */
async function reopen(root: string, node: SharingNode): Promise<SharingNode> {
  await node.close()
  const again = await openSharingNode({ root })
  onTestFinished(() => again.close())
  return again
}

const full = { state: 'failed', error: { code: 'DISK_FULL' } }

for (const isEncrypted of [false, true]) {
  test.runIf(canMount)(
    `a full data folder ends an add${isEncrypted ? ' --encrypt' : ''} with a sentence, and later it is done`,
    async () => {
      const { root, source, node } = await openSmallNode()
      const { id, makeRoom, ...ended } = await endOnFullDisk({ root, node }, () =>
        node.adder.addPath({ path: source, accessLevel: 'private', storage: 'copy', isEncrypted }),
      )
      expect(ended).toMatchObject(full)
      expect(node.library.list().rows).toEqual([])
      expect(await fs.readdir(path.join(node.mediaDir, '.incoming'))).toEqual([])

      makeRoom()
      const again = await reopen(root, node)
      expect(again.transfers.get(id)).toMatchObject(full)
      again.adder.retry(id)
      const { mediaId = '' } = await again.over(id)
      expect((await again.read(mediaId)).equals(film)).toBe(true)
    },
  )
}

for (const how of ['encrypt', 'rotate'] as const) {
  test.runIf(canMount)(
    `a full data folder ends ${how === 'encrypt' ? 'encrypting' : 'a rotation'} with a sentence, and later it is done`,
    async () => {
      const { root, source, node } = await openSmallNode()
      const old = how === 'encrypt' ? await node.addPlain(source) : await node.addEncrypted(source)
      const { id, makeRoom, ...ended } = await endOnFullDisk({ root, node }, () =>
        how === 'encrypt' ? node.rekeys.encrypt(old.mediaId, []) : (node.rekeys.rotateAll()[0] ?? ''),
      )
      expect(ended).toMatchObject(full)
      expect(node.library.list().rows).toEqual([old])
      expect(await fs.readdir(path.join(node.mediaDir, '.incoming'))).toEqual([])

      makeRoom()
      const again = await reopen(root, node)
      expect(again.transfers.get(id)).toMatchObject(full)
      again.rekeys.jobs.retry(id)
      const { mediaId = '' } = await again.over(id)
      expect(again.library.list().rows.map((row) => row.mediaId)).toEqual([mediaId])
      expect(mediaId).not.toBe(old.mediaId)
      expect((await again.read(mediaId)).equals(film)).toBe(true)
    },
  )
}

test.runIf(canMount)(
  'a full data folder ends saving a copy with a sentence, and later it is done',
  async () => {
    const { root, source, node } = await openSmallNode()
    const { mediaId } = await node.addEncrypted(source)
    const copies = path.join(root, 'copies')
    await fs.mkdir(copies)
    const target = path.join(copies, 'film.mp4')
    const { id, makeRoom, ...ended } = await endOnFullDisk({ root, node }, () =>
      node.saves.begin({ mediaId, path: target, isReplacing: false }),
    )
    expect(ended).toMatchObject(full)
    expect(await fs.readdir(copies)).toEqual([])

    makeRoom()
    const again = await reopen(root, node)
    expect(again.transfers.get(id)).toMatchObject(full)
    again.saves.jobs.retry(id)
    expect(await again.over(id)).toMatchObject({ state: 'done' })
    expect((await fs.readFile(target)).equals(film)).toBe(true)
  },
)

test.runIf(canMount)(
  'what failed on a full disk is written down as soon as there is room, without a restart',
  async () => {
    const { root, source, node } = await openSmallNode()
    const { id, makeRoom } = await endOnFullDisk({ root, node }, () =>
      node.adder.addPath({ path: source, accessLevel: 'private', storage: 'copy' }),
    )
    makeRoom()
    // Nothing is asked of the store meanwhile: it tries again by itself.
    await new Promise((resolve) => setTimeout(resolve, 2500))
    const copy = path.join(root, 'crash')
    await fs.cp(path.join(root, 'data'), path.join(copy, 'data'), { recursive: true })
    const crashed = await openSharingNode({ root: copy })
    onTestFinished(() => crashed.close())
    expect(crashed.transfers.get(id)).toMatchObject(full)
  },
)
