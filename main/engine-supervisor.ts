import type {
  EngineAddresses,
  EngineCallName,
  EngineEventName,
  EngineStartOptions,
  EngineState,
  ErrorShape,
  FromEngine,
  Reply,
} from '../app/contract/index.ts'
import type { EngineHost } from './engine-host.ts'

/** Waits before the 1st, 2nd, … restart; the last value repeats. */
const BACKOFF_MS = [300, 1_000, 3_000, 10_000, 30_000]
/** An engine that ran this long is healthy again: the next crash starts the backoff anew. */
const HEALTHY_AFTER_MS = 60_000
/** This many crashes in a row without a healthy run, and we stop and say so. */
const MOST_CRASHES = 5
/** A call made while the engine starts waits this long for it. */
const CALL_PATIENCE_MS = 20_000
const STOP_PATIENCE_MS = 5_000

const FIXES: Partial<Record<ErrorShape['code'], NonNullable<EngineState['fix']>>> = {
  PORT_IN_USE: 'free-port',
  MEDIA_OFFLINE: 'choose-folder',
  MEDIA_READ_ONLY: 'choose-folder',
  INTERNAL: 'open-logs',
}

interface SupervisorInit {
  readonly spawn: () => EngineHost
  readonly startOptions: () => EngineStartOptions
  readonly onState: (state: EngineState) => void
  readonly onEvent: (name: EngineEventName, payload: unknown) => void
}

interface PendingCall {
  readonly resolve: (reply: Reply<unknown>) => void
  readonly timer?: NodeJS.Timeout
}

/**
 * Owns the engine process: starts it, passes calls and events, brings it back when it dies, and says what it is doing.
 *
 * ```
 * starting ──ready──► running ──exit──► restarting ──ready──► running
 *     └──failed──► failed ◄──too many exits──┘        stop() ──► stopped
 * ```
 */
export class EngineSupervisor {
  readonly #init: SupervisorInit
  #host: EngineHost | undefined
  #state: EngineState = { state: 'stopped', restarts: 0 }
  #addresses: EngineAddresses | undefined
  #dataDir: string | null = null
  #failure: ErrorShape | undefined
  #crashesInARow = 0
  #restartTimer: NodeJS.Timeout | undefined
  #healthyTimer: NodeJS.Timeout | undefined
  #nextCallId = 1
  readonly #sent = new Map<number, PendingCall>()
  /** Calls made before the engine was ready, in order. */
  #waiting: { readonly name: EngineCallName; readonly args: unknown; readonly call: PendingCall }[] = []

  constructor(init: SupervisorInit) {
    this.#init = init
  }

  get state(): EngineState {
    return this.#state
  }

  /** Where the running engine listens; undefined while it isn't running. */
  get addresses(): EngineAddresses | undefined {
    return this.#addresses
  }

  /** The data folder, once an engine has named it (also when it failed). */
  get dataDir(): string | null {
    return this.#dataDir
  }

  /** Why it is `failed`, with the details a fix needs. */
  get failure(): ErrorShape | undefined {
    return this.#failure
  }

  get pid(): number | undefined {
    return this.#host?.pid
  }

  /** Starts the engine, or starts it again after a failure. */
  start(): void {
    if (this.#state.state === 'starting' || this.#state.state === 'running') return
    this.#crashesInARow = 0
    this.#failure = undefined
    clearTimeout(this.#restartTimer)
    this.#setState({ state: 'starting', restarts: this.#state.restarts })
    this.#spawn()
  }

  /** Stops a running engine cleanly and starts it anew, for settings that are read at the start. */
  async restart(): Promise<void> {
    await this.stop()
    this.start()
  }

  /** Asks the engine; always answers, also when the engine dies or never comes. */
  call(name: EngineCallName, args: unknown): Promise<Reply<unknown>> {
    return new Promise((resolve) => {
      if (this.#state.state === 'running') {
        this.#send(name, args, { resolve })
        return
      }
      if (this.#state.state === 'failed' || this.#state.state === 'stopped') {
        resolve(engineAway(this.#state.error?.message))
        return
      }
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((entry) => entry.call.timer !== timer)
        resolve(engineAway())
      }, CALL_PATIENCE_MS)
      this.#waiting.push({ name, args, call: { resolve, timer } })
    })
  }

  /** Stops it cleanly; after {@link STOP_PATIENCE_MS} by force (every write is safe at any moment). */
  async stop(): Promise<void> {
    clearTimeout(this.#restartTimer)
    clearTimeout(this.#healthyTimer)
    const host = this.#host
    this.#setState({ state: 'stopped', restarts: this.#state.restarts })
    this.#answerAll()
    if (!host) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        host.kill()
        resolve()
      }, STOP_PATIENCE_MS)
      host.onExit(() => {
        clearTimeout(timer)
        resolve()
      })
      host.post({ type: 'stop' })
    })
  }

  #spawn(): void {
    const host = this.#init.spawn()
    this.#host = host
    host.onMessage((message) => this.#received(host, message))
    host.onExit(() => this.#exited(host))
  }

  #received(host: EngineHost, message: FromEngine): void {
    if (host !== this.#host) return
    // How far it came does not matter any more.
    const isStarting = this.#state.state === 'starting' || this.#state.state === 'restarting'
    if (!isStarting && ['booted', 'ready', 'failed'].includes(message.type)) return
    switch (message.type) {
      case 'booted':
        host.post({ type: 'start', options: this.#init.startOptions() })
        break
      case 'ready':
        this.#addresses = message.addresses
        this.#dataDir = message.addresses.dataDir
        this.#setState({ state: 'running', restarts: this.#state.restarts })
        this.#healthyTimer = setTimeout(() => (this.#crashesInARow = 0), HEALTHY_AFTER_MS)
        for (const { name, args, call } of this.#waiting.splice(0)) {
          clearTimeout(call.timer)
          this.#send(name, args, call)
        }
        break
      case 'failed':
        this.#dataDir = message.dataDir
        this.#fail(message.error)
        break
      case 'reply':
        this.#sent.get(message.id)?.resolve(message.reply)
        this.#sent.delete(message.id)
        break
      case 'event':
        this.#init.onEvent(message.name, message.payload)
        break
      case 'stopped':
        break
    }
  }

  #exited(host: EngineHost): void {
    if (host !== this.#host) return
    this.#host = undefined
    this.#addresses = undefined
    clearTimeout(this.#healthyTimer)
    for (const [, call] of this.#sent) call.resolve(engineAway())
    this.#sent.clear()
    if (this.#state.state === 'stopped' || this.#state.state === 'failed') return
    this.#crashesInARow += 1
    if (this.#crashesInARow >= MOST_CRASHES) {
      this.#fail({
        code: 'INTERNAL',
        message: `The engine stopped ${this.#crashesInARow} times in a row. Your media on disk are safe.`,
        hint: 'Try again; if it happens once more, the log says why.',
      })
      return
    }
    this.#setState({ state: 'restarting', restarts: this.#state.restarts + 1 })
    const delayMs = BACKOFF_MS[Math.min(this.#crashesInARow, BACKOFF_MS.length) - 1] ?? 0
    this.#restartTimer = setTimeout(() => this.#spawn(), delayMs)
  }

  #fail(error: ErrorShape): void {
    this.#failure = error
    this.#setState({
      state: 'failed',
      restarts: this.#state.restarts,
      error: {
        code: error.code,
        message: error.message,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      },
      fix: FIXES[error.code] ?? 'retry',
    })
    this.#answerAll(error.message)
  }

  #answerAll(message?: string): void {
    for (const { call } of this.#waiting.splice(0)) {
      clearTimeout(call.timer)
      call.resolve(engineAway(message))
    }
  }

  #send(name: EngineCallName, args: unknown, call: PendingCall): void {
    const id = this.#nextCallId++
    this.#sent.set(id, call)
    this.#host?.post({ type: 'call', id, name, args })
  }

  #setState(state: EngineState): void {
    this.#state = state
    this.#init.onState(state)
  }
}

function engineAway(cause?: string): Reply<unknown> {
  return {
    ok: false,
    error: {
      code: 'UNAVAILABLE',
      message: cause ?? 'The engine is starting again. Your media on disk are safe.',
      hint: 'Try again in a moment.',
    },
  }
}
