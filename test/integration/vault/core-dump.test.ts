import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const module = fileURLToPath(new URL('../../../app/core-dump.ts', import.meta.url))
const isDumpedHere =
  process.platform === 'linux' && readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('core')

/** The core dump of a process that crashes with a secret in its memory; undefined when the system made none. */
function crash(isKeptOut: boolean): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sower-core-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const script = `
    const { keepMemoryOutOfCoreDumps } = await import(${JSON.stringify(module)})
    globalThis.kept = Buffer.from(['canary', 'of', 'the', 'wallet'].join('-'))
    if (${isKeptOut}) keepMemoryOutOfCoreDumps()
    process.abort()`
  const command = 'ulimit -c unlimited; exec "$0" --input-type=module -e "$1"'
  spawnSync('bash', ['-c', command, process.execPath, script], { cwd: folder })
  const [core] = readdirSync(folder)
  return core === undefined ? undefined : readFileSync(join(folder, core))
}

describe.skipIf(!isDumpedHere)('a core dump', () => {
  it('holds nothing of the memory of a process that keeps it out', () => {
    const without = crash(false)
    // A system that writes none, whatever it was told, has nothing to show.
    if (without === undefined) return
    expect(without.includes('canary-of-the-wallet')).toBe(true)
    expect(crash(true)?.includes('canary-of-the-wallet') ?? false).toBe(false)
  })
})

it.skipIf(process.platform !== 'linux')('is kept free of the engine’s memory from its start', async () => {
  const { Home, Node } = await import('./engine-node.ts')
  const { MemoryKeychain } = await import('../../unit/vault/memory-keychain.ts')
  await Node.start(new Home(), { keychain: new MemoryKeychain() })
  expect(Number.parseInt(readFileSync('/proc/self/coredump_filter', 'utf8'), 16)).toBe(0)
})
