import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../../app/manifest/index.ts'
import type { Network, NetworkStatus } from '../../app/network/index.ts'
import type { Revocation } from '../../app/sharing/index.ts'

export interface SeaTestPair {
  readonly pub: string
  readonly priv: string
}

export interface NetworkChildInit {
  readonly dir: string
  readonly relays: readonly string[]
  readonly pair?: SeaTestPair
  /** Whose word its items are private again by: `testSigner` of this. */
  readonly ownerSeed?: number
  /** What it has when it starts. */
  readonly items?: readonly Manifest[]
  readonly isFeedWanted?: boolean
  readonly endpoints?: readonly string[]
  readonly trusted?: readonly string[]
  /** How far its clock goes behind. */
  readonly clockBehindMs?: number
  readonly host?: { readonly heapMiB?: number; readonly kind?: 'process' | 'thread' }
  readonly presenceSchedule?: {
    readonly heartbeatMs: number
    readonly heartbeatTtlMs: number
    readonly itemsPerSec: number
    readonly roundMs: number
    readonly onDemandMs: number
  }
}
export interface ToNetworkChild {
  readonly id: number
  readonly call: string
  readonly args: readonly unknown[]
}
export type FromNetworkChild =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'reply'; readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly type: 'log'; readonly text: string }

const PROGRAM = fileURLToPath(new URL('./network-child.ts', import.meta.url))

/** A P-256 pair in GUN's form. */
export function seaTestPair(): SeaTestPair {
  const {
    x = '',
    y = '',
    d = '',
  } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  return { pub: `${x}.${y}`, priv: d }
}

/** A `Network` in a process of its own, asked over its pipe. */
export class NetworkNode implements AsyncDisposable {
  readonly log: string[] = []
  /** Its own `/gun`. */
  url = ''
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #nextId = 1

  static async start(init: NetworkChildInit): Promise<NetworkNode> {
    mkdirSync(init.dir, { recursive: true })
    const node = new NetworkNode(init)
    await new Promise<void>((resolve, reject) => {
      node.#child.once('exit', (code) => reject(new Error(`it ended with ${code}`)))
      node.#child.on('message', (message: FromNetworkChild) => {
        if (message.type !== 'ready') return
        node.url = `http://127.0.0.1:${message.port}/gun`
        resolve()
      })
    })
    const open = init.relays.length
    await node.until(({ gun }) => gun.relays.filter(({ state }) => state === 'open').length >= open)
    return node
  }

  private constructor(init: NetworkChildInit) {
    this.#child = fork(PROGRAM, [JSON.stringify(init)], { serialization: 'advanced' })
    this.#child.on('message', (message: FromNetworkChild) => {
      if (message.type === 'log') this.log.push(message.text)
      if (message.type !== 'reply') return
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.error === undefined) waiting?.resolve(message.value)
      else waiting?.reject(new Error(message.error))
    })
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the node ended'))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  call<T>(call: string, ...args: unknown[]): Promise<T> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#child.send({ id, call, args })
    })
  }

  add(...manifests: Manifest[]): Promise<void> {
    return this.call('add', ...manifests)
  }

  async publish(manifest: Manifest): Promise<void> {
    await this.add(manifest)
    await this.call('publish', manifest.id)
  }

  withdraw(revocation: Revocation): Promise<void> {
    return this.call('withdraw', revocation)
  }

  lookup(mediaId: string, hints: Parameters<Network['lookup']>[1] = {}): ReturnType<Network['lookup']> {
    return this.call('lookup', mediaId, hints)
  }

  presenceOf(mediaId: string): ReturnType<Network['presenceOf']> {
    return this.call('presenceOf', mediaId)
  }

  feed(args: Parameters<Network['feed']>[0] = {}): Promise<ReturnType<Network['feed']>> {
    return this.call('feed', args)
  }

  status(): Promise<NetworkStatus> {
    return this.call('status')
  }

  /** Asks until it is so. */
  async until(isIt: (status: NetworkStatus) => boolean, timeoutMs = 20_000): Promise<NetworkStatus> {
    const untilMs = performance.now() + timeoutMs
    for (;;) {
      const status = await this.status()
      if (isIt(status)) return status
      if (performance.now() > untilMs) throw new Error(`not in time: ${JSON.stringify(status)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Ends it as a power cut does: without a good-bye. */
  async vanish(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 8_000)
    await this.call('stop').catch(() => undefined)
    await exit
    clearTimeout(timer)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
