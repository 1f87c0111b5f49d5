import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hashFile } from '../../../app/ingest/index.ts'
import { readFile } from '../../../app/ingest/read-file.ts'
import { makeDir, makePool, MIB, never, writeRandom } from '../../integration/ingest/fixture.ts'

const MKFS = '/usr/sbin/mkfs.btrfs'
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && existsSync(MKFS)

/** A file system that can share blocks (Debian: btrfs-progs), in a file. */
async function mountBtrfs(): Promise<string> {
  const dir = await makeDir()
  const image = path.join(dir, 'image')
  const mounted = path.join(dir, 'mounted')
  await fs.mkdir(mounted)
  await (await fs.open(image, 'w')).close()
  await fs.truncate(image, 256 * MIB)
  execFileSync(MKFS, ['-q', image])
  execFileSync('mount', ['-o', 'loop', image, mounted])
  onTestFinished(() => void execFileSync('umount', ['-l', mounted]))
  return mounted
}

test.runIf(canMount)('where the file system shares blocks, auto writes no second copy', async () => {
  const pool = makePool()
  const dir = await mountBtrfs()
  const sourcePath = path.join(dir, 'source')
  const stagedPath = path.join(dir, 'staged')
  await writeRandom(sourcePath, 100 * MIB)
  execFileSync('sync', ['-f', dir])
  const freeBefore = await freeBytes(dir)
  const options = { sourcePath, stagedPath, withPieces: true, signal: never } as const
  const result = await readFile(pool, { ...options, storage: 'auto' })
  execFileSync('sync', ['-f', dir])
  expect(result.isLinked).toBe(true)
  expect(freeBefore - (await freeBytes(dir))).toBeLessThan(5 * MIB)
  expect((await hashFile(pool, { path: stagedPath, signal: never })).sha256).toBe(result.sha256)

  // They are two files all the same: writing to the one leaves the other.
  await fs.appendFile(sourcePath, 'more')
  expect((await fs.stat(stagedPath)).size).toBe(100 * MIB)
  expect((await fs.stat(stagedPath)).ino).not.toBe((await fs.stat(sourcePath)).ino)
})

test.runIf(canMount)('a copy on such a file system is a real one, written past its cache', async () => {
  const pool = makePool()
  const dir = await mountBtrfs()
  const sourcePath = path.join(dir, 'source')
  const stagedPath = path.join(dir, 'staged')
  await writeRandom(sourcePath, 30 * MIB + 77)
  const options = { sourcePath, stagedPath, withPieces: false, signal: never } as const
  const result = await readFile(pool, { ...options, storage: 'copy' })
  expect(result.isLinked).toBe(false)
  expect((await hashFile(pool, { path: stagedPath, signal: never })).sha256).toBe(result.sha256)
})

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await fs.statfs(dir)
  return bavail * bsize
}
