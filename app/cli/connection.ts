import { setTimeout as wait } from 'node:timers/promises'
import { dispatch } from '../contract-dispatch.ts'
import { AppError, fromErrorShape } from '../contract/index.ts'
import type {
  EngineAddresses,
  EngineArgs,
  EngineCallName,
  EngineEventName,
  EngineEventPayload,
  EngineResult,
} from '../contract/index.ts'
import type { Engine } from '../engine.ts'
import type { LogLevel } from '../log.ts'
import { passphraseFrom } from '../vault/index.ts'
import { HttpNode } from './http-node.ts'
import { findRunningNode } from './node-file.ts'
import { terminalPassphrase } from './prompt.ts'

/** What a command talks to: the node that runs on the data folder, or an engine of its own. */
export interface NodeConnection {
  /** A node was there already and stays. */
  readonly isRunning: boolean
  /** @throws {AppError} whatever the call answers with; `NODE_NOT_RUNNING` when the node went away */
  call<N extends EngineCallName>(name: N, args: EngineArgs<N>): Promise<EngineResult<N>>
  /** @returns stops listening */
  on<N extends EngineEventName>(name: N, listener: (payload: EngineEventPayload<N>) => void): () => void
  close(): Promise<void>
}

export interface NodeOptions {
  readonly dataDir: string
  /** Settings by name, as given on the command line. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: NodeJS.ProcessEnv
  readonly say: (sentence: string) => void
}

/** How long another process may take between taking the data folder and listening. */
const STARTUP_GRACE_MS = 15_000

/**
 * Connects to the running node of the data folder, or starts the engine for the length of the command (on free ports, so
 * that it disturbs nobody).
 * @throws {AppError} when neither is possible
 */
export async function openNode(options: NodeOptions): Promise<NodeConnection> {
  const running = await connectToRunning(options.dataDir)
  if (running !== undefined) {
    const ignored = Object.keys(options.flags)
    if (ignored.length > 0)
      options.say('A node is already running here; settings on this command line have no effect on it.')
    return running
  }
  try {
    return await LocalNode.start({
      ...options,
      flags: { port: 0, controlPort: 0, peerPort: 0, ...options.flags },
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'NODE_ALREADY_RUNNING') throw error
    const deadlineMs = performance.now() + STARTUP_GRACE_MS
    while (performance.now() < deadlineMs) {
      const started = await connectToRunning(options.dataDir)
      if (started !== undefined) return started
      await wait(200)
    }
    throw error
  }
}

async function connectToRunning(dataDir: string): Promise<NodeConnection | undefined> {
  const found = findRunningNode(dataDir)
  if (found === undefined) return undefined
  const node = new HttpNode(found)
  try {
    await node.call('node.status', {})
    return node
  } catch (error) {
    await node.close()
    // What the files describe is gone, and its process number may be somebody else's by now.
    if (error instanceof AppError && error.code === 'NODE_NOT_RUNNING') return undefined
    throw error
  }
}

/** An engine in this process. */
export class LocalNode implements NodeConnection {
  readonly isRunning = false
  readonly addresses: EngineAddresses
  readonly #engine: Engine

  private constructor(engine: Engine, addresses: EngineAddresses) {
    this.#engine = engine
    this.addresses = addresses
  }

  /**
   * @param options.stderrLevel what of the log also goes to standard error
   * @param options.signal stops the engine while it is still starting
   */
  static async start({
    dataDir,
    flags,
    env,
    stderrLevel,
    signal,
  }: NodeOptions & { stderrLevel?: LogLevel; signal?: AbortSignal }): Promise<LocalNode> {
    // Loaded here: most commands find a running node and need none of it.
    const { Engine: EngineClass } = await import('../engine.ts')
    const engine = new EngineClass({
      dataDir,
      flags,
      env,
      mode: 'headless',
      passphrase: passphraseFrom(env, terminalPassphrase()),
      ...(stderrLevel === undefined ? {} : { stderrLevel }),
    })
    const stop = (): void => void engine.stop()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return new LocalNode(engine, await engine.start())
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async call<N extends EngineCallName>(name: N, args: EngineArgs<N>): Promise<EngineResult<N>> {
    const reply = await dispatch(this.#engine.handlers, name, args, this.#engine.log)
    if (!reply.ok) throw fromErrorShape(reply.error)
    // dispatch ran the handler of this very name.
    return reply.value as EngineResult<N>
  }

  on<N extends EngineEventName>(name: N, listener: (payload: EngineEventPayload<N>) => void): () => void {
    return this.#engine.on(name, listener)
  }

  close(): Promise<void> {
    return this.#engine.stop()
  }
}
