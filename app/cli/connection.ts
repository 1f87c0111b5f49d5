import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../contract/index.ts'
import type {
  EngineArgs,
  EngineCallName,
  EngineEventName,
  EngineEventPayload,
  EngineResult,
} from '../contract/index.ts'
import { whenAborted } from './abort.ts'
import { HttpNode } from './http-node.ts'
import { findRunningNode } from './node-file.ts'

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
  /** Fires when the command is to end early. */
  readonly signal?: AbortSignal | undefined
}

/** How long another process may take between taking the data folder and listening. */
const STARTUP_GRACE_MS = 15_000

/**
 * Connects to the running node of the data folder, or starts the engine for the length of the command (on free ports, so
 * that it disturbs nobody).
 * @throws {AppError} when neither is possible; `TIMEOUT` when the node that has the data folder does not answer
 */
export async function openNode(options: NodeOptions): Promise<NodeConnection> {
  let silence: AppError | undefined
  const running = await connectToRunning(options).catch((error: unknown) => {
    // Where the files lead there may be another program by now, and the data folder free.
    if (!(error instanceof AppError) || error.code !== 'TIMEOUT') throw error
    silence = error
    return undefined
  })
  if (running !== undefined) {
    const ignored = Object.keys(options.flags)
    if (ignored.length > 0)
      options.say('A node is already running here; settings on this command line have no effect on it.')
    return running
  }
  try {
    const { LocalNode } = await import('./local-node.ts')
    return await LocalNode.start({
      ...options,
      flags: { port: 0, controlPort: 0, peerPort: 0, ...options.flags },
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'NODE_ALREADY_RUNNING') throw error
    if (silence !== undefined) throw silence
    const deadlineMs = performance.now() + STARTUP_GRACE_MS
    while (performance.now() < deadlineMs) {
      const started = await connectToRunning(options)
      if (started !== undefined) return started
      await wait(200, undefined, { signal: options.signal })
    }
    throw error
  }
}

async function connectToRunning({ dataDir, signal }: NodeOptions): Promise<NodeConnection | undefined> {
  const found = findRunningNode(dataDir)
  if (found === undefined) return undefined
  const node = new HttpNode(found, signal)
  try {
    const status = node.call('node.status', {})
    await (signal === undefined ? status : Promise.race([status, whenAborted(signal)]))
    return node
  } catch (error) {
    await node.close()
    // What the files describe is gone, and its process number may be somebody else's by now.
    if (error instanceof AppError && error.code === 'NODE_NOT_RUNNING') return undefined
    throw error
  }
}
