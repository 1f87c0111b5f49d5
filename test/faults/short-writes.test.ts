import fs from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { bytesOf } from '../integration/ingest/fixture.ts'
import { tempDir } from '../support/temp-dir.ts'
import { buildShim, readCalls, runWithFaults } from './shim/file-faults.ts'

const script = fileURLToPath(new URL('shim/write-parts.ts', import.meta.url))
const ENOSPC = 28
/** Several writes for each way; an upload of more than a MiB is encrypted until it is known whether it should be. */
const bytes = bytesOf(1_500_005)
const MOMENTS = 9

test.each(['upload', 'copy', 'head', 'plain', 'saved', 'pieces'])(
  'a disk that takes only a part of a write leaves no file half written and taken for whole: %s',
  async (how) => {
    const dir = await tempDir()
    onTestFinished(() => dir[Symbol.asyncDispose]())
    const shim = await buildShim(dir.file('.'))
    const source = dir.file('source')
    await fs.writeFile(source, bytes)
    const run = async (name: string, at?: number): Promise<boolean | 'refused'> => {
      const target = dir.file(name)
      await fs.mkdir(target)
      const log = dir.file('log')
      const fault = at === undefined ? {} : { at, errno: ENOSPC, isShort: true }
      const plan = { dir: target, ops: ['write'] as const, log, ...fault }
      const child = await runWithFaults(shim, plan, [script, how, target, source])
      expect(child).toMatchObject({ stderr: '', code: 0 })
      const said = child.stdout.trimEnd()
      return said === 'refused' ? said : (await fs.readFile(said)).equals(bytes)
    }
    expect(await run('whole')).toBe(true)
    const writes = (await readCalls(dir.file('log'))).length
    const moments = Array.from({ length: Math.min(writes, MOMENTS) }, (_, index) => index + 1)
    for (const at of moments) expect([at, await run(`at ${at}`, at)]).not.toEqual([at, false])
  },
)
