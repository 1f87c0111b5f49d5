import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'

const PROGRAM = fileURLToPath(new URL('./gun-relay-process.ts', import.meta.url))

export interface Relay extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/**
 * Starts the gun package's own relay.
 * @param options.axe with its router, which passes on only what somebody asked for
 */
export async function startRelay(dir: string, { port = 0, axe = false } = {}): Promise<Relay> {
  const env = { RELAY_AXE: axe ? 'on' : 'off' }
  const child = new Child(process.execPath, [PROGRAM, dir, String(port)], { cwd: dir, env })
  const line = await child.line((text) => text.startsWith('listening '))
  const bound = Number(line.slice('listening '.length))
  return {
    url: `http://127.0.0.1:${bound}/gun`,
    port: bound,
    pid: child.process.pid ?? 0,
    stop: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop(),
  }
}

const CLIENT = fileURLToPath(new URL('./gun-client-process.ts', import.meta.url))

/** A plain client of the gun package, in a process of its own. */
export class StockClient {
  readonly #child: ChildProcess
  #nextId = 1

  static async start(url: string, dir: string): Promise<StockClient> {
    const client = new StockClient(url, dir)
    await once(client.#child, 'message')
    return client
  }

  private constructor(url: string, dir: string) {
    this.#child = fork(CLIENT, [url, `${dir}/client`], {
      cwd: dir,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
  }

  /** `gun[.user(pub)].get(…).get(…).once()` */
  once(path: readonly string[], user?: string): Promise<Record<string, unknown> | null> {
    return this.#ask({ call: 'once', path, user })
  }

  /** `gun.get(…).map().once()`: what came within two seconds. */
  map(path: readonly string[], user?: string): Promise<Record<string, unknown>[]> {
    return this.#ask({ call: 'map', path, user, waitMs: 2_000 })
  }

  put(path: readonly string[], value: unknown): Promise<unknown> {
    return this.#ask({ call: 'put', path, value })
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  #ask<T>(order: object): Promise<T> {
    const id = this.#nextId++
    return new Promise((resolve) => {
      const listen = (reply: { id: number; value: T }): void => {
        if (reply.id !== id) return
        this.#child.off('message', listen)
        resolve(reply.value)
      }
      this.#child.on('message', listen)
      this.#child.send({ id, ...order })
    })
  }
}
