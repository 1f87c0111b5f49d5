import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { EngineArgs, EngineCallName, EngineResult, Reply } from '../../app/contract/index.ts'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from './child.ts'
import type { Listening } from './sower.ts'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../app/cli/main.ts', import.meta.url))
const QUIET = { SOWER_DHT: 'off', SOWER_LSD: 'off', SOWER_UPNP: 'off', SOWER_RESERVE_BYTES: '1M' }

/** Whether this machine lets us make network namespaces. */
export async function canMakeNamespaces(): Promise<boolean> {
  const name = `sower-probe-${process.pid}`
  try {
    await run('ip', ['netns', 'add', name])
    await run('ip', ['netns', 'del', name])
    return true
  } catch {
    return false
  }
}

/** Two computers and the one line between them; neither reaches anything else. */
export class TwoNamespaces implements AsyncDisposable {
  readonly left = {
    name: `sower-l-${process.pid}`,
    address: '10.213.77.1',
    device: `swl${process.pid}`,
  } as const
  readonly right = {
    name: `sower-r-${process.pid}`,
    address: '10.213.77.2',
    device: `swr${process.pid}`,
  } as const
  readonly #children: Child[] = []

  static async open(): Promise<TwoNamespaces> {
    const both = new TwoNamespaces()
    const { left, right } = both
    try {
      for (const { name } of [left, right]) await run('ip', ['netns', 'add', name])
      await run(
        'ip',
        words(`link add ${left.device} netns ${left.name} type veth`).concat(
          words(`peer name ${right.device} netns ${right.name}`),
        ),
      )
      for (const { name, address, device } of [left, right]) {
        await run('ip', ['-n', name, 'addr', 'add', `${address}/30`, 'dev', device])
        await run('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
        await run('ip', ['-n', name, 'link', 'set', device, 'up'])
      }
      return both
    } catch (error) {
      await both[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Starts a program of ours on one of them. */
  start(side: 'left' | 'right', args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const child = new Child('ip', ['netns', 'exec', this[side].name, process.execPath, ...args], {
      env: { ...QUIET, ...env },
    })
    this.#children.push(child)
    return child
  }

  /** Runs `sower serve` there. */
  async serve(
    side: 'left' | 'right',
    dataDir: string,
    tracker: string,
    env: Readonly<Record<string, string>>,
  ): Promise<NamespacedNode> {
    const ports = ['--port', '0', '--control-port', '0', '--peer-port', '0']
    const child = this.start(side, [CLI, 'serve', '--data-dir', dataDir, ...ports, '--tracker', tracker], env)
    const line = await child.line((text) => text.includes('"event":"listening"'), 60_000)
    // The line's form is what docs/cli.md promises.
    return new NamespacedNode(this[side].name, dataDir, JSON.parse(line) as Listening)
  }

  /** Cuts the line, or joins it again. */
  async setLine(isUp: boolean): Promise<void> {
    const { name, device } = this.left
    await run('ip', ['-n', name, 'link', 'set', device, isUp ? 'up' : 'down'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) await child.stop()
    for (const { name } of [this.left, this.right])
      await run('ip', ['netns', 'del', name]).catch(() => undefined)
  }
}

/** Asks from inside, where its control listener is. */
const ASK = `
const [url, token, body] = process.argv.slice(1)
const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json' }
const answer = await fetch(url, { method: 'POST', headers, body })
process.stdout.write(await answer.text())
`

export class NamespacedNode {
  readonly listening: Listening
  readonly #namespace: string
  readonly #dataDir: string

  constructor(namespace: string, dataDir: string, listening: Listening) {
    this.#namespace = namespace
    this.#dataDir = dataDir
    this.listening = listening
  }

  async call<N extends EngineCallName>(name: N, args: EngineArgs<N>): Promise<EngineResult<N>> {
    const token = (await readFile(join(this.#dataDir, 'control.token'), 'utf8')).trim()
    const url = `${this.listening.controlUrl}/rpc/${name}`
    const { stdout } = await this.#run('--input-type=module', '-e', ASK, url, token, JSON.stringify(args))
    // Our own node answers with what the contract says for this very name.
    const reply = JSON.parse(stdout) as Reply<EngineResult<N>>
    if (!reply.ok) throw new Error(`${name}: ${reply.error.code} ${reply.error.message}`)
    return reply.value
  }

  async sower<T>(...args: readonly string[]): Promise<T> {
    const { stdout } = await this.#run(CLI, '--data-dir', this.#dataDir, '--json', ...args)
    return JSON.parse(stdout) as T
  }

  /** Runs Node there. */
  #run(...args: readonly string[]): Promise<{ stdout: string }> {
    return run('ip', ['netns', 'exec', this.#namespace, process.execPath, ...args])
  }
}

const words = (text: string): string[] => text.split(' ')
