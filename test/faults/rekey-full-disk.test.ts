import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bytesOf } from '../integration/ingest/fixture.ts'
import { openSharingNode } from '../support/sharing-node.ts'
import { tempDir } from '../support/temp-dir.ts'

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const MIB = 1024 * 1024

test.runIf(isRoot)(
  'a rotation on a drive that has room for one more item throws away what it replaced, and nothing else',
  async () => {
    const dir = await tempDir()
    onTestFinished(() => dir[Symbol.asyncDispose]())
    const root = dir.file('small')
    await fs.mkdir(root)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=26m', 'tmpfs', root])
    onTestFinished(() => void execFileSync('umount', ['-l', root]))
    await using node = await openSharingNode({ root })
    const source = dir.file('film.mp4')
    const contents = [bytesOf(5 * MIB, 1), bytesOf(5 * MIB, 2)]
    for (const bytes of contents) {
      await fs.writeFile(source, bytes)
      await node.addEncrypted(source)
    }
    await fs.writeFile(source, 'removed by its owner')
    const removed = await node.addEncrypted(source)
    await node.library.remove([removed.mediaId])

    for (let round = 0; round < 3; round += 1) {
      const done = await Promise.all(node.rekeys.rotateAll().map((id) => node.over(id)))
      expect(done.map(({ state }) => state)).toEqual(['done', 'done'])
    }
    const { rows } = node.library.list()
    expect(rows).toHaveLength(2)
    for (const { mediaId } of rows) {
      const bytes = await node.read(mediaId)
      expect(contents.some((content) => content.equals(bytes))).toBe(true)
    }
    expect(await fs.readdir(path.join(node.mediaDir, '.trash'))).toContain(removed.mediaId)

    // Where nothing can be given up, it says so and leaves everything as it was.
    for (const { mediaId } of node.revocations.replaced()) await node.library.removeForGood(mediaId)
    const { bavail, bsize } = await fs.statfs(root)
    await fs.writeFile(path.join(root, 'other'), Buffer.alloc(bavail * bsize - 2 * MIB))
    const [id = ''] = node.rekeys.rotateAll()
    expect(await node.over(id)).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } })
    expect(node.library.list().rows.map(({ mediaId }) => mediaId)).toEqual(rows.map(({ mediaId }) => mediaId))
  },
)
