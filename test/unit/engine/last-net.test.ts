import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { tempDir } from '../../support/temp-dir.ts'
import { expectAllHeard } from '../../support/unheard.ts'

const APP = fileURLToPath(new URL('../../../app', import.meta.url))

/** A process with a last net and a log, in which this happens. */
function run(dataDir: string, what: string) {
  const program = `
    const { castLastNet } = await import('file://${APP}/last-net.ts')
    const { AppError } = await import('file://${APP}/contract/index.ts')
    const { openLog } = await import('file://${APP}/log.ts')
    const { log } = openLog({ dataDir: ${JSON.stringify(dataDir)} })
    const count = castLastNet(() => log)
    ${what}
    setTimeout(() => console.log('alive, held', count()), 100)`
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
}

it('goes on after a refusal nobody waited for, says where it came from, and a test that meets it fails', async () => {
  await using dir = await tempDir()
  expect(run(dir.path, '').stdout).toContain('alive, held 0')
  expect(() => expectAllHeard(dir.path)).not.toThrow()
  const { status, stdout } = run(
    dir.path,
    `async function forgotten() { throw new AppError('CONFLICT', 'It is over.') }
     void forgotten()`,
  )
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'alive, held 1\n' })
  expect(() => expectAllHeard(dir.path)).toThrow(/nobody waited for.*It is over.*forgotten/s)
})

it('ends with an exception nobody catches', async () => {
  await using dir = await tempDir()
  const { status, stderr } = run(dir.path, `setTimeout(() => { throw new Error('half-way') }, 10)`)
  expect(status).toBe(1)
  expect(stderr).toContain('half-way')
})
