import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HttpNode } from '../../app/cli/http-node.ts'
import type { EngineArgs, EngineCallName, EngineResult } from '../../app/contract/index.ts'
import { Child } from './child.ts'
import { expectAllHeard } from './unheard.ts'

const CLI = fileURLToPath(new URL('../../app/cli/main.ts', import.meta.url))

/** Settings that keep a node on loopback and to itself. */
const QUIET = { SOWER_DHT: 'off', SOWER_LSD: 'off', SOWER_UPNP: 'off', SOWER_RESERVE_BYTES: '1M' }

export interface Listening {
  readonly url: string
  readonly controlUrl: string
  readonly peerPort: number
  readonly nodeId: string
  readonly owner: string
}

/** A headless node in a process of its own, as an operator runs it. */
export interface SowerNode extends AsyncDisposable, Listening {
  readonly child: Child
  readonly dataDir: string
}

/** Runs `sower serve` and waits until it listens. */
export async function serveNode(
  dataDir: string,
  trackers: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SowerNode> {
  const args = [CLI, 'serve', '--data-dir', dataDir, '--port', '0', '--control-port', '0', '--peer-port', '0']
  for (const tracker of trackers.length > 0 ? trackers : ['none']) args.push('--tracker', tracker)
  const child = new Child(process.execPath, args, { env: { ...QUIET, ...env } })
  const line = await child.line((text) => text.includes('"event":"listening"'), 60_000)
  // The line's form is what docs/cli.md promises.
  const listening = JSON.parse(line) as Listening
  const dispose = async (): Promise<void> => {
    await child.stop()
    expectAllHeard(dataDir)
  }
  return { ...listening, child, dataDir, [Symbol.asyncDispose]: dispose }
}

export interface CommandResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a `sower` command to its end. */
export function runSower(
  dataDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  timeoutMs = 90_000,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [CLI, '--data-dir', dataDir, ...args],
      { env: { ...process.env, ...QUIET, ...env }, timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error?.code
        resolve({ status: error === null ? 0 : typeof code === 'number' ? code : -1, stdout, stderr })
      },
    )
  })
}

/** Runs a command with `--json` and gives its one value. */
export async function sowerJson<T>(dataDir: string, args: readonly string[]): Promise<T> {
  const { status, stdout, stderr } = await runSower(dataDir, ['--json', ...args])
  if (status !== 0) throw new Error(`sower ${args.join(' ')} ended with ${status}: ${stderr}`)
  // What each command prints is checked by the tests that use it.
  return JSON.parse(stdout) as T
}

/** What the window asks a node. */
export async function callNode<N extends EngineCallName>(
  node: SowerNode,
  name: N,
  args: EngineArgs<N>,
): Promise<EngineResult<N>> {
  const controlToken = (await readFile(join(node.dataDir, 'control.token'), 'utf8')).trim()
  const connection = new HttpNode({ ...node, controlToken, pid: 0 })
  try {
    return await connection.call(name, args)
  } finally {
    await connection.close()
  }
}
