import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { dispatch } from '../../../app/contract-dispatch.ts'
import { engineEvents } from '../../../app/contract/index.ts'
import type {
  EngineAddresses,
  EngineCallName,
  EngineEventName,
  EngineResult,
  Reply,
} from '../../../app/contract/index.ts'
import { Engine } from '../../../app/engine.ts'
import type { Keychain, PassphraseSource } from '../../../app/vault/index.ts'

/** A data folder, its media folder and a folder of sources. */
export class Home {
  readonly dir = mkdtempSync(join(tmpdir(), 'sower-wallet-'))

  constructor() {
    onTestFinished(() => rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 }))
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts)
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  /** Every file below, as [path, bytes]. */
  *files(below = this.dir): Generator<[string, Buffer]> {
    for (const entry of readdirSync(below, { withFileTypes: true })) {
      const path = join(below, entry.name)
      if (entry.isDirectory()) yield* this.files(path)
      else if (entry.isFile()) yield [path, readFileSync(path)]
    }
  }
}

/** An engine in this process, asked through the very edge the window uses. */
export class Node {
  /** Every payload of every event, as it crosses to the window. */
  readonly events: string[] = []
  readonly addresses: EngineAddresses
  readonly #engine: Engine

  private constructor(engine: Engine, addresses: EngineAddresses) {
    this.#engine = engine
    this.addresses = addresses
  }

  static async start(
    home: Home,
    { keychain, passphrase, mode = 'desktop', flags }: StartOptions,
  ): Promise<Node> {
    const engine = new Engine({
      dataDir: home.path('data'),
      flags: { mediaDir: home.path('media'), port: 0, controlPort: 0, peerPort: 0, trackers: [], ...flags },
      env: { SOWER_LOG_LEVEL: 'debug', SOWER_DHT: 'off', SOWER_LSD: 'off', SOWER_UPNP: 'off' },
      mode,
      keychain,
      passphrase: passphrase ?? (() => Promise.resolve(null)),
    })
    const events: string[] = []
    for (const name of Object.keys(engineEvents) as EngineEventName[])
      engine.on(name, (payload) => events.push(JSON.stringify([name, payload])))
    onTestFinished(() => engine.stop())
    const node = new Node(engine, await engine.start())
    node.events.push(...events)
    for (const name of Object.keys(engineEvents) as EngineEventName[])
      engine.on(name, (payload) => node.events.push(JSON.stringify([name, payload])))
    return node
  }

  /** Whatever the answer is. */
  ask(name: string, args: unknown): Promise<Reply<unknown>> {
    return dispatch(this.#engine.handlers, name, args, this.#engine.log)
  }

  /** @throws when the call was refused */
  async call<N extends EngineCallName>(name: N, args: unknown): Promise<EngineResult<N>> {
    const reply = await this.ask(name, args)
    if (!reply.ok) throw new Error(`${name}: ${reply.error.code}: ${reply.error.message}`)
    return reply.value as EngineResult<N>
  }

  /** Adds a file and waits for the item. */
  async add(path: string, args: object): Promise<string> {
    const { transferIds } = await this.call('library.add', { paths: [path], ...args })
    for (;;) {
      const { transfers } = await this.call('transfers.list', {})
      const transfer = transfers.find(({ id }) => id === transferIds[0])
      if (transfer?.state === 'failed') throw new Error(JSON.stringify(transfer.error))
      if (transfer?.state === 'done') return transfer.mediaId ?? ''
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  stop(): Promise<void> {
    return this.#engine.stop()
  }
}

interface StartOptions {
  readonly keychain: Keychain
  readonly passphrase?: PassphraseSource
  readonly mode?: 'desktop' | 'headless'
  /** Settings that are fixed from outside. */
  readonly flags?: Readonly<Record<string, unknown>>
}
