import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { AppError } from '../../../app/contract/index.ts'
import { PauseGate } from '../../../app/ingest/pause-gate.ts'
import { readFile } from '../../../app/ingest/read-file.ts'
import { bytesOf, exists, makeDir, makePool, MIB, never, sha256, writeRandom } from './fixture.ts'

const moduleUrl = (name: string): string =>
  JSON.stringify(new URL(`../../../app/ingest/${name}`, import.meta.url).href)

async function setUp(content?: Buffer) {
  const dir = await makeDir()
  const sourcePath = path.join(dir, 'source.bin')
  const stagedPath = path.join(dir, 'staged')
  if (content !== undefined) await fs.writeFile(sourcePath, content)
  const options = { sourcePath, stagedPath, storage: 'copy', withPieces: true, signal: never } as const
  return { dir, pool: makePool(), options, sourcePath, stagedPath }
}

async function refusal(promise: Promise<unknown>): Promise<AppError> {
  return promise.then(
    () => {
      throw new Error('it should have been refused')
    },
    // What readFile throws on purpose is an AppError; a test that compares its code fails on anything else.
    (error: unknown) => error as AppError,
  )
}

test('an empty file is refused in a sentence with its name', async () => {
  const { pool, options, dir } = await setUp(Buffer.alloc(0))
  const error = await refusal(readFile(pool, options))
  expect(error.code).toBe('SOURCE_EMPTY')
  expect(error.message).toBe('“source.bin” is empty, so there is nothing to add.')
  expect(await fs.readdir(dir)).toEqual(['source.bin'])
})

test('a file that is not there, a dangling link and a path through a file are unreadable', async () => {
  const { pool, options, dir } = await setUp(Buffer.from('x'))
  await fs.symlink('nowhere', path.join(dir, 'dangling'))
  await fs.symlink('loop', path.join(dir, 'loop'))
  for (const name of ['missing', 'dangling', 'loop', 'source.bin/below', 'x'.repeat(300)]) {
    const error = await refusal(readFile(pool, { ...options, sourcePath: path.join(dir, name) }))
    expect([name, error.code]).toEqual([name, 'SOURCE_UNREADABLE'])
  }
})

test.runIf(process.platform === 'linux')(
  'folders, devices, pipes and sockets are not files, and none of them hangs',
  async () => {
    const { pool, options, dir } = await setUp()
    execFileSync('mkfifo', [path.join(dir, 'fifo')])
    const server = net.createServer().listen(path.join(dir, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    for (const sourcePath of [
      dir,
      '/dev/zero',
      '/dev/null',
      path.join(dir, 'fifo'),
      path.join(dir, 'socket'),
    ]) {
      const error = await refusal(readFile(pool, { ...options, sourcePath }))
      expect([sourcePath, error.code]).toEqual([sourcePath, 'SOURCE_NOT_A_FILE'])
    }
    server.close()
  },
)

test('a file that grows, shrinks, is rewritten or is replaced while it is read has changed', async () => {
  const changes: Record<string, (file: string) => Promise<void>> = {
    grows: (file) => fs.appendFile(file, 'more'),
    shrinks: (file) => fs.truncate(file, 5 * MIB),
    rewritten: async (file) => {
      const handle = await fs.open(file, 'r+')
      await handle.write('other', 30 * MIB)
      await handle.close()
    },
    replaced: async (file) => {
      await writeRandom(`${file}.new`, 40 * MIB)
      await fs.rename(`${file}.new`, file)
    },
  }
  for (const [name, change] of Object.entries(changes)) {
    for (const storage of ['copy', 'link'] as const) {
      const { pool, options, sourcePath, stagedPath } = await setUp()
      await writeRandom(sourcePath, 40 * MIB)
      const gate = new PauseGate()
      gate.pause()
      const reading = readFile(pool, { ...options, storage, gate })
      reading.catch(() => undefined)
      // Opened and waiting at the gate: the copy's file, or the link, is there.
      while (!(await exists(stagedPath))) await new Promise(setImmediate)
      await new Promise((resolve) => setTimeout(resolve, 20))
      await change(sourcePath)
      gate.resume()
      const error = await refusal(reading)
      expect([name, storage, error.code]).toEqual([name, storage, 'SOURCE_CHANGED'])
      expect(await exists(stagedPath)).toBe(false)
    }
  }
})

test('a source that is deleted once it is open is still stored whole', async () => {
  const { pool, options, sourcePath, stagedPath } = await setUp()
  await writeRandom(sourcePath, 20 * MIB)
  const expected = sha256(await fs.readFile(sourcePath))
  const gate = new PauseGate()
  gate.pause()
  const reading = readFile(pool, { ...options, gate })
  while (!(await exists(stagedPath))) await new Promise(setImmediate)
  await fs.rm(sourcePath)
  gate.resume()
  expect((await reading).sha256).toBe(expected)
})

test('a link stores no second copy, and leaves the source alone', async () => {
  const { pool, options, sourcePath, stagedPath } = await setUp(bytesOf(3 * MIB))
  const result = await readFile(pool, { ...options, storage: 'link' })
  expect(result).toMatchObject({ isLinked: true, sha256: sha256(bytesOf(3 * MIB)) })
  expect((await fs.stat(stagedPath)).ino).toBe((await fs.stat(sourcePath)).ino)
})

test('a link through a symbolic link is one to the file it means', async () => {
  const { pool, options, dir, sourcePath, stagedPath } = await setUp(bytesOf(1000))
  await fs.symlink(sourcePath, path.join(dir, 'alias'))
  await readFile(pool, { ...options, sourcePath: path.join(dir, 'alias'), storage: 'link' })
  expect((await fs.lstat(stagedPath)).ino).toBe((await fs.stat(sourcePath)).ino)
})

test.runIf(process.platform === 'linux')('a link across volumes becomes a copy and says so', async () => {
  const { pool, options, stagedPath } = await setUp()
  const shm = await fs.mkdtemp('/dev/shm/sower-ingest-')
  try {
    await fs.writeFile(path.join(shm, 'far'), bytesOf(2 * MIB))
    const result = await readFile(pool, { ...options, sourcePath: path.join(shm, 'far'), storage: 'link' })
    expect(result.isLinked).toBe(false)
    expect((await fs.readFile(stagedPath)).equals(bytesOf(2 * MIB))).toBe(true)
  } finally {
    await fs.rm(shm, { recursive: true })
  }
})

test('a copy never writes through a link that an earlier attempt left', async () => {
  const { pool, options, sourcePath, stagedPath } = await setUp(bytesOf(2 * MIB))
  const other = `${sourcePath}.other`
  await fs.writeFile(other, 'precious')
  await fs.link(other, stagedPath)
  await readFile(pool, options)
  expect(await fs.readFile(other, 'utf8')).toBe('precious')
})

test('auto gives the same bytes whether or not the file system can share them', async () => {
  const { pool, options, stagedPath } = await setUp(bytesOf(20 * MIB))
  const result = await readFile(pool, { ...options, storage: 'auto' })
  expect(result.sha256).toBe(sha256(bytesOf(20 * MIB)))
  expect((await fs.readFile(stagedPath)).equals(bytesOf(20 * MIB))).toBe(true)
})

test('cancelling stops at any byte and leaves nothing', async () => {
  for (const stopAtBytes of [1, 30 * MIB, 90 * MIB]) {
    const { pool, options, sourcePath, stagedPath } = await setUp()
    await writeRandom(sourcePath, 100 * MIB)
    const abort = new AbortController()
    const gate = new PauseGate()
    const reading = readFile(pool, {
      ...options,
      signal: abort.signal,
      gate,
      onProgress: ({ bytesDone }) => {
        if (bytesDone >= stopAtBytes) abort.abort()
      },
    })
    if (stopAtBytes === 1) abort.abort()
    const outcome = await reading.then(
      () => 'stored',
      (error: AppError) => error.code,
    )
    // Progress is throttled: a fast machine may have finished before it was told.
    expect(['CANCELLED', ...(stopAtBytes > 1 ? ['stored'] : [])]).toContain(outcome)
    expect(await exists(stagedPath)).toBe(outcome === 'stored')
  }
})

test('a paused job reads nothing, can be cancelled, and goes on to the right result', async () => {
  const { pool, options, sourcePath, stagedPath } = await setUp()
  await writeRandom(sourcePath, 60 * MIB)
  const gate = new PauseGate()
  gate.pause()
  const told: number[] = []
  const paused = readFile(pool, { ...options, gate, onProgress: ({ bytesDone }) => told.push(bytesDone) })
  const other = await readFile(pool, { ...options, stagedPath: `${stagedPath}.other` })
  expect(told).toEqual([])
  gate.resume()
  expect((await paused).sha256).toBe(other.sha256)
  expect(told.at(-1)).toBe(60 * MIB)

  const abort = new AbortController()
  gate.pause()
  const cancelled = readFile(pool, { ...options, gate, signal: abort.signal })
  setImmediate(() => abort.abort())
  expect((await refusal(cancelled)).code).toBe('CANCELLED')
  expect(await exists(stagedPath)).toBe(false)
})

test('too little free space is known in advance, also when others have been promised it', async () => {
  const { pool, options, dir, stagedPath } = await setUp(bytesOf(2 * MIB))
  const { bavail, bsize } = await fs.statfs(dir)
  const error = await refusal(readFile(pool, { ...options, reserveBytes: bavail * bsize }))
  expect(error.code).toBe('DISK_FULL')
  expect(await exists(stagedPath)).toBe(false)

  const promised = await pool.space.reserve(dir, bavail * bsize * 0.9, 0)
  expect((await refusal(readFile(pool, { ...options, reserveBytes: bavail * bsize * 0.2 }))).code).toBe(
    'DISK_FULL',
  )
  promised.release()
  await readFile(pool, { ...options, reserveBytes: bavail * bsize * 0.2 })
})

test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'a file the user may not read is unreadable, and says that it is the permission',
  async () => {
    const { options, sourcePath, dir } = await setUp(Buffer.from('secret'))
    await fs.chmod(sourcePath, 0o600)
    await fs.chmod(dir, 0o777)
    const script = `
      import { HashPool } from ${moduleUrl('hash-pool.ts')}
      import { readFile } from ${moduleUrl('read-file.ts')}
      process.setgid(65534)
      process.setuid(65534)
      const log = { warn() {} }
      const options = { ...${JSON.stringify(options)}, signal: new AbortController().signal }
      await readFile(new HashPool({ log }), options).catch((error) => console.log(error.code, error.message))`
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(said).toMatch(/^SOURCE_UNREADABLE “source.bin” could not be read: you have no permission/)
  },
)
