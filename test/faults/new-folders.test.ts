import fs from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { buildShim, readCalls, runWithFaults } from './shim/file-faults.ts'

const script = fileURLToPath(new URL('shim/make-folders.ts', import.meta.url))

test('the name of every folder that is to stay is flushed, in the folder above it', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const shim = await buildShim(dir.file('.'))
  const root = dir.file('root')
  await fs.mkdir(root)
  const log = dir.file('log')
  expect(await runWithFaults(shim, { dir: root, log }, [script, root])).toMatchObject({ stderr: '', code: 0 })
  const calls = (await readCalls(log)).map((line) => line.split(' ') as [op: string, at: string])
  const made = calls.flatMap(([op, at], index) => (op === 'mkdir' ? [{ at, index }] : []))
  // What arrives gets its name, and is flushed, when it is whole.
  const staying = made.filter(({ at }) => !/^\/media\/\.incoming\/./.test(at))
  const unflushed = staying.filter(({ at, index }) => {
    const above = path.dirname(at) === '/' ? '' : path.dirname(at)
    return !calls.slice(index).some(([op, where]) => op === 'sync' && (where ?? '') === above)
  })
  expect(unflushed.map(({ at }) => at)).toEqual([])
  expect(staying.map(({ at }) => at)).toEqual(
    expect.arrayContaining(['/a/b/c', '/data/of/mine', '/media', '/media/.damaged']),
  )
})
