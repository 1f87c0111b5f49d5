import { dispatch } from '../contract-dispatch.ts'
import { fromErrorShape } from '../contract/index.ts'
import type {
  EngineAddresses,
  EngineArgs,
  EngineCallName,
  EngineEventName,
  EngineEventPayload,
  EngineResult,
} from '../contract/index.ts'
import { Engine } from '../engine.ts'
import { castLastNet } from '../last-net.ts'
import type { LogLevel } from '../log.ts'
import { passphraseFrom } from '../vault/index.ts'
import type { PassphraseSource } from '../vault/index.ts'
import type { NodeConnection, NodeOptions } from './connection.ts'
import { terminalPassphrase } from './prompt.ts'

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
   * @param options.isServing whoever calls it later is not the one at this terminal, who is asked for nothing then
   */
  static async start({
    dataDir,
    flags,
    env,
    stderrLevel,
    signal,
    isServing = false,
  }: NodeOptions & {
    stderrLevel?: LogLevel
    isServing?: boolean
  }): Promise<LocalNode> {
    const prompt = terminalPassphrase()
    let isStarted = false
    const ask: PassphraseSource | undefined =
      prompt && ((purpose) => (isServing && isStarted ? Promise.resolve(null) : prompt(purpose)))
    const engine: Engine = new Engine({
      dataDir,
      flags,
      env,
      mode: 'headless',
      isBrief: !isServing,
      // The process of any other command is the command's: it ends with what it does not expect.
      ...(isServing ? { unheardErrors: castLastNet(() => engine.log) } : {}),
      passphrase: passphraseFrom(env, ask),
      ...(stderrLevel === undefined ? {} : { stderrLevel }),
    })
    const stop = (): void => void engine.stop()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const addresses = await engine.start()
      isStarted = true
      return new LocalNode(engine, addresses)
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
