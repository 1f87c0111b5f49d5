import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { expectAllHeard } from '../../support/unheard.ts'

const command = fileURLToPath(new URL('../../../app/cli/sower.mjs', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Serving {
  readonly child: ChildProcess
  readonly url: string
  readonly controlUrl: string
  readonly nodeId: string
  readonly owner: string
  readonly peerPort: number
  /** SIGTERM, and the exit status. */
  readonly stop: () => Promise<number | null>
}

/** A home of its own for every test: no keychain, no trackers, no DHT, nothing of the user's. */
export class Sandbox {
  readonly home = mkdtempSync(join(tmpdir(), 'sower-cli-'))
  readonly env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: this.home,
    LANG: 'C.UTF-8',
    // A new home has none, and most tests are not about the first start.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    WEBTORRENT_TRACKERS: 'none',
    SOWER_DHT: 'off',
  }

  constructor() {
    onTestFinished(() => {
      try {
        expectAllHeard(this.home)
      } finally {
        rmSync(this.home, { recursive: true, force: true, maxRetries: 5 })
      }
    })
  }

  path(...parts: string[]): string {
    return join(this.home, ...parts)
  }

  /** Starts the command and leaves it running; it is killed when the test is over. */
  start(
    args: readonly string[],
    { node = process.execPath, input }: { node?: string; input?: string } = {},
  ): ChildProcess {
    const child = spawn(node, [command, ...args], {
      env: this.env,
      cwd: this.home,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    child.stdin?.end(input)
    onTestFinished(() => {
      if (child.exitCode === null) child.kill('SIGKILL')
    })
    return child
  }

  /** Runs the command to its end. */
  run(...args: string[]): Promise<Outcome> {
    return outcomeOf(this.start(args))
  }

  /** Runs the command with something on its standard input. */
  runWith(input: string, ...args: string[]): Promise<Outcome> {
    return outcomeOf(this.start(args, { input }))
  }

  /** Runs the command with --json and gives its one value. */
  async json<T>(...args: string[]): Promise<T> {
    const { status, stdout, stderr } = await this.run(...args, '--json')
    if (status !== 0) throw new Error(`sower ${args.join(' ')} ended with ${status}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** A node on the data folder, when it listens. */
  async serve(dataDir: string, ...args: string[]): Promise<Serving> {
    const child = this.start(['serve', '--data-dir', dataDir, '--port', '0', '--control-port', '0', ...args])
    let errors = ''
    child.stderr?.on('data', (chunk) => (errors += String(chunk)))
    if (child.stdout === null) throw new Error('no standard output')
    for await (const line of createInterface({ input: child.stdout })) {
      const { event, ...addresses } = JSON.parse(line) as Omit<Serving, 'child' | 'stop'> & { event: string }
      if (event !== 'listening') throw new Error(`an unexpected first line: ${line}`)
      const stop = async (): Promise<number | null> => {
        child.kill('SIGTERM')
        if (child.exitCode === null) await once(child, 'exit')
        return child.exitCode
      }
      return { ...addresses, child, stop }
    }
    throw new Error(`serve ended: ${errors}`)
  }
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)))
  await once(child, 'close')
  return { status: child.exitCode, stdout, stderr }
}
