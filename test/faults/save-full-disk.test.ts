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
  'a drive that fills up while a copy is saved ends it with a sentence and keeps no plaintext',
  async () => {
    const dir = await tempDir()
    onTestFinished(() => dir[Symbol.asyncDispose]())
    const small = dir.file('small')
    await fs.mkdir(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small])
    onTestFinished(() => void execFileSync('umount', ['-l', small]))
    await using node = await openSharingNode({ root: dir.file('node') })
    const bytes = bytesOf(16 * MIB)
    await fs.writeFile(dir.file('film.mp4'), bytes)
    const { mediaId } = await node.addEncrypted(dir.file('film.mp4'))
    const target = path.join(small, 'film.mp4')
    const save = (): Promise<string> => node.saves.begin({ mediaId, path: target, isReplacing: false })

    const id = await save()
    // Before it has written much: whatever is written from now on goes to a drive that fills up.
    node.saves.jobs.pause(id)
    const other = path.join(small, 'other')
    await fs.writeFile(other, Buffer.alloc(12 * MIB)).catch(() => undefined)
    node.saves.jobs.resume(id)
    expect(await node.over(id)).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } })
    expect(await fs.readdir(small)).toEqual(['other'])
    // Known beforehand, it does not even begin.
    await expect(save()).rejects.toMatchObject({ code: 'DISK_FULL', message: /Nothing was saved/ })

    await fs.rm(other)
    node.saves.jobs.retry(id)
    expect(await node.over(id)).toMatchObject({ state: 'done' })
    expect((await fs.readFile(target)).equals(bytes)).toBe(true)
  },
)
