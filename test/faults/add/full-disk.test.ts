import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { readFile } from '../../../app/ingest/read-file.ts'
import { readStream } from '../../../app/ingest/read-stream.ts'
import { newFileKey } from '../../../app/stream-cipher.ts'
import {
  bytesOf,
  exists,
  makeDir,
  makePool,
  MIB,
  never,
  sha256,
  writeRandom,
} from '../../integration/ingest/fixture.ts'
import { openNode } from '../../integration/ingest/node.ts'

const isRoot = process.platform === 'linux' && process.getuid?.() === 0

async function mountTmpfs(options: string): Promise<string> {
  const dir = path.join(await makeDir(), 'small')
  await fs.mkdir(dir)
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir])
  onTestFinished(() => void execFileSync('umount', ['-l', dir]))
  return dir
}

test.runIf(isRoot)(
  'a disk that fills up while writing ends the job with a sentence and leaves nothing',
  async () => {
    const pool = makePool()
    const small = await mountTmpfs('size=24m')
    const source = path.join(await makeDir(), 'source')
    await writeRandom(source, 60 * MIB)
    const stagedPath = path.join(small, 'staged')
    const options = {
      sourcePath: source,
      stagedPath,
      storage: 'copy',
      withPieces: true,
      signal: never,
    } as const
    await expect(readFile(pool, options)).rejects.toMatchObject({ code: 'DISK_FULL' })
    const encrypt = { fileKey: newFileKey() }
    await expect(readFile(pool, { ...options, encrypt })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await exists(stagedPath)).toBe(false)

    // Nobody said how much would come, so only writing shows that it does not fit.
    for (const encrypt of [undefined, { fileKey: newFileKey() }]) {
      const stream = Readable.from(Array.from({ length: 30 }, (_, index) => bytesOf(MIB, index)))
      const reading = readStream(pool, { stream, stagedPath, withPieces: true, encrypt, signal: never })
      await expect(reading).rejects.toMatchObject({ code: 'DISK_FULL', message: /not enough free space/ })
      expect(await exists(stagedPath)).toBe(false)
    }
    const { bavail, bsize } = await fs.statfs(small)
    expect(bavail * bsize).toBe(24 * MIB)
  },
)

test.runIf(isRoot)(
  'a node with a full media folder refuses, keeps what it has, and adds again when there is room',
  async () => {
    const mediaDir = await mountTmpfs('size=48m')
    const root = await makeDir()
    const node = await openNode({ root, mediaDir })
    onTestFinished(() => node.close())
    const fits = path.join(root, 'fits')
    const tooBig = path.join(root, 'too big')
    await writeRandom(fits, 20 * MIB)
    await writeRandom(tooBig, 40 * MIB)
    const add = (file: string) => node.adder.addPath({ path: file, accessLevel: 'public', storage: 'auto' })
    const first = await node.over(add(fits))
    const refused = await node.over(add(tooBig))
    expect(first.state).toBe('done')
    expect(refused).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } })
    expect(await fs.readdir(path.join(mediaDir, '.incoming'))).toEqual([])
    const kept = await node.library.openForServing(first.mediaId ?? '')
    expect(sha256(await fs.readFile(kept.path))).toBe(first.mediaId)
    execFileSync('mount', ['-o', 'remount,size=96m', mediaDir])
    node.adder.retry(refused.id)
    expect((await node.over(refused.id)).state).toBe('done')
  },
)

test.runIf(isRoot)('a read-only media folder is said to be one', async () => {
  const pool = makePool()
  const small = await mountTmpfs('size=8m')
  execFileSync('mount', ['-o', 'remount,ro', small])
  const source = path.join(await makeDir(), 'source')
  await fs.writeFile(source, 'x')
  const options = { sourcePath: source, stagedPath: path.join(small, 'staged'), signal: never } as const
  for (const storage of ['copy', 'auto', 'link'] as const) {
    const reading = readFile(pool, { ...options, storage, withPieces: false })
    await expect(reading).rejects.toMatchObject({ code: 'MEDIA_READ_ONLY' })
  }
})
