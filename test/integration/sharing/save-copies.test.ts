import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openSharingNode } from '../../support/sharing-node.ts'
import type { SharingNode } from '../../support/sharing-node.ts'
import { tempDir } from '../../support/temp-dir.ts'
import type { TempDir } from '../../support/temp-dir.ts'
import { bytesOf } from '../ingest/fixture.ts'

interface Arranged {
  readonly node: SharingNode
  readonly dir: TempDir
  /** Where copies go; empty. */
  readonly outside: string
  readonly file: string
  readonly bytes: Buffer
}

async function setUp(): Promise<Arranged> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const node = await openSharingNode({ root: dir.file('node') })
  onTestFinished(() => node.close())
  const bytes = bytesOf(300_000)
  const file = dir.file('film.mp4')
  await fs.writeFile(file, bytes)
  const outside = dir.file('outside')
  await fs.mkdir(outside)
  return { node, dir, outside, file, bytes }
}

/** Changes a stored byte so that nothing but reading tells. */
async function damage(stored: string, at: number): Promise<void> {
  const { atimeMs, mtimeMs } = await fs.stat(stored)
  const handle = await fs.open(stored, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, at)
  await handle.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at)
  await handle.utimes(atimeMs / 1000, mtimeMs / 1000)
  await handle.close()
}

/** Begins to save and holds it in the middle: its draft is there, its target is not. */
async function beginHeld(node: SharingNode, mediaId: string, target: string): Promise<string> {
  const id = await node.saves.begin({ mediaId, path: target, isReplacing: false })
  node.saves.jobs.pause(id)
  await vi.waitFor(async () => {
    expect(await fs.readdir(path.dirname(target))).toEqual([`.${id}.sower-part`])
  })
  return id
}

describe('saving a copy', () => {
  it('writes the file itself, decrypted, and nothing else', async () => {
    const { node, outside, file, bytes } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const target = path.join(outside, 'copy.mp4')
    const done = await node.over(await node.saves.begin({ mediaId, path: target, isReplacing: false }))
    expect(done).toMatchObject({
      kind: 'save',
      state: 'done',
      stage: 'store',
      name: 'film.mp4',
      bytesDone: bytes.length,
      bytesTotal: bytes.length,
      isEncrypted: true,
      mediaId,
    })
    expect(await fs.readFile(target)).toEqual(bytes)
    expect(await fs.readdir(outside)).toEqual(['copy.mp4'])
    // As any new file of its user.
    expect((await fs.stat(target)).mode & 0o777).toBe(0o666 & ~process.umask())
  })

  it('copies what is not encrypted, too', async () => {
    const { node, outside, file, bytes } = await setUp()
    const { mediaId } = await node.addPlain(file)
    const target = path.join(outside, 'copy.mp4')
    const { state } = await node.over(await node.saves.begin({ mediaId, path: target, isReplacing: false }))
    expect(state).toBe('done')
    expect(await fs.readFile(target)).toEqual(bytes)
  })

  it('never replaces a file unless it is told to, and a folder never', async () => {
    const { node, outside, file, bytes } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const target = path.join(outside, 'copy.mp4')
    await fs.writeFile(target, 'mine')
    const begin = (where: string, isReplacing: boolean) =>
      node.saves.begin({ mediaId, path: where, isReplacing })
    await expect(begin(target, false)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(begin(outside, true)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await fs.readFile(target, 'utf8')).toBe('mine')
    await node.over(await begin(target, true))
    expect(await fs.readFile(target)).toEqual(bytes)
    expect(await fs.readdir(outside)).toEqual(['copy.mp4'])
  })

  it('leaves alone what came to stand there meanwhile', async () => {
    const { node, outside, file } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const target = path.join(outside, 'copy.mp4')
    const id = await beginHeld(node, mediaId, target)
    await fs.writeFile(target, 'mine')
    node.saves.jobs.resume(id)
    expect(await node.over(id)).toMatchObject({ state: 'failed', error: { code: 'CONFLICT' } })
    expect(await fs.readFile(target, 'utf8')).toBe('mine')
    expect(await fs.readdir(outside)).toEqual(['copy.mp4'])
  })

  it('refuses places where it can’t be, before anything is decrypted', async () => {
    const { node, outside, file } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const begin = (where: string) => node.saves.begin({ mediaId, path: where, isReplacing: true })
    await expect(begin(path.join(outside, 'none', 'x.mp4'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(begin(path.join(node.mediaDir, 'x.mp4'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(begin(path.join(file, 'x.mp4'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(
      node.saves.begin({ mediaId: '0'.repeat(64), path: path.join(outside, 'x'), isReplacing: false }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    node.isUnlocked = false
    await expect(begin(path.join(outside, 'x.mp4'))).rejects.toThrow(/wallet is closed/)
    expect(node.transfers.list().filter(({ kind }) => kind === 'save')).toEqual([])
  })

  it('gives a damaged file no name and leaves nothing of it', async () => {
    const { node, outside, file } = await setUp()
    const encrypted = await node.addEncrypted(file)
    const plain = await node.addPlain(file)
    await damage(node.folder.paths(encrypted.mediaId).encrypted, 200_000)
    await damage(node.folder.paths(plain.mediaId).original, 200_000)
    for (const { mediaId } of [encrypted, plain]) {
      const target = path.join(outside, mediaId)
      const { state, error } = await node.over(
        await node.saves.begin({ mediaId, path: target, isReplacing: false }),
      )
      expect(state).toBe('failed')
      // Which of them says so depends on whether the file system kept the time to the nanosecond.
      expect(error?.code).toMatch(/^(CIPHERTEXT_INVALID|HASH_MISMATCH|NOT_FOUND)$/)
    }
    expect(await fs.readdir(outside)).toEqual([])
  })

  it('leaves nothing when it is cancelled, and can be tried again', async () => {
    const { node, outside, file, bytes } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const target = path.join(outside, 'copy.mp4')
    const id = await beginHeld(node, mediaId, target)
    expect(node.transfers.get(id)).toMatchObject({ state: 'paused', rateBytesPerSec: 0 })
    // Only its user can read what is not whole yet.
    expect((await fs.stat(path.join(outside, `.${id}.sower-part`))).mode & 0o777).toBe(0o600)
    await node.saves.jobs.cancel(id)
    expect(node.transfers.get(id)?.state).toBe('cancelled')
    expect(await fs.readdir(outside)).toEqual([])
    node.saves.jobs.retry(id)
    expect(await node.over(id)).toMatchObject({ state: 'done' })
    expect((await fs.readFile(target)).equals(bytes)).toBe(true)
  })

  it('is removed at the next start when the node died over it, and goes on unless it was paused', async () => {
    const { node, dir, outside, file, bytes } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const targets = ['a.mp4', 'b.mp4'].map((name) => path.join(outside, name))
    const ids = targets.map((target) => {
      const [made] = node.transfers.createAll([
        {
          transfer: { kind: 'save', name: 'film.mp4', state: target.endsWith('b.mp4') ? 'paused' : 'active' },
          payload: { mediaId, path: target, isReplacing: false },
        },
      ])
      return made?.id ?? ''
    })
    const drafts = ids.map((id) => path.join(outside, `.${id}.sower-part`))
    for (const draft of drafts) await fs.writeFile(draft, bytes.subarray(0, 1000))
    await node.close()

    const again = await openSharingNode({ root: dir.file('node') })
    onTestFinished(() => again.close())
    await again.over(ids[0] ?? '')
    expect(await fs.readFile(targets[0] ?? '')).toEqual(bytes)
    expect(again.transfers.get(ids[1] ?? '')?.state).toBe('paused')
    expect(drafts.map((draft) => existsSync(draft))).toEqual([false, false])
    again.saves.jobs.resume(ids[1] ?? '')
    expect(await again.over(ids[1] ?? '')).toMatchObject({ state: 'done' })
    expect(await fs.readFile(targets[1] ?? '')).toEqual(bytes)
  })

  it('that had its name already when the node died is not saved twice', async () => {
    const { node, dir, outside, file, bytes } = await setUp()
    const { mediaId } = await node.addEncrypted(file)
    const target = path.join(outside, 'copy.mp4')
    const id = await node.saves.begin({ mediaId, path: target, isReplacing: false })
    await node.over(id)
    const { ino } = await fs.stat(target)
    // Died right before it could say so.
    node.transfers.update(id, { state: 'active' })
    await node.close()
    const again = await openSharingNode({ root: dir.file('node') })
    onTestFinished(() => again.close())
    expect(await again.over(id)).toMatchObject({ state: 'done' })
    expect((await fs.stat(target)).ino).toBe(ino)
    expect(await fs.readFile(target)).toEqual(bytes)
  })
})
