import { AppError } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import type { GunGraph, GunNode } from './graph.ts'
import type { GunHost } from './gun-host.ts'
import type { Answer, FromGun, RelayStatus, ToGun } from './gun-protocol.ts'
import { PutWindow } from './put-window.ts'
import { away, Questions } from './questions.ts'
import { Watchdog } from './watchdog.ts'

export interface GunClientOptions {
  readonly dir: string
  readonly spawn: () => GunHost
  readonly settings: () => { readonly relays: readonly string[]; readonly reserveBytes: number }
  readonly log: Log
  /** Told of what comes without having been asked for. */
  readonly onEvent: (event: GunEvent) => void
}

export type GunEvent =
  | Extract<FromGun, { type: 'heard' | 'asked' | 'contested' | 'peer-send' | 'credit' | 'disk' | 'time' }>
  /** It runs, or it no longer does. */
  | { readonly type: 'up' | 'down' }
  | { readonly type: 'relay'; readonly relay: RelayStatus }

export interface GunProcessStatus {
  readonly state: 'off' | 'starting' | 'running' | 'restarting'
  readonly kind?: GunHost['kind']
  readonly pid?: number
  /** Since the engine started. */
  readonly restarts: number
  /** Why it ended last. */
  readonly lastExit?: string
  readonly memoryBytes: number
  readonly nodesInMemory: number
  /** Its disk keeps what is written. */
  readonly isKeeping: boolean
  /** Sockets at our own `/gun`, and relays. */
  readonly peers: number
  readonly relays: readonly RelayStatus[]
  /** Messages and parts of messages that were refused, by reason, since it last started. */
  readonly dropped: Readonly<Record<string, number>>
}

export interface PutResult {
  /** GUN's disk has it; when not, it keeps nothing at present. */
  readonly isStored: boolean
  /** Addresses of the relays that said they have it. */
  readonly relays: readonly string[]
}

export interface GetArgs {
  readonly soul: string | { readonly prefix: string }
  readonly key?: string
  /** @defaultValue 5000 */
  readonly timeoutMs?: number
  /** @defaultValue 500 */
  readonly patienceMs?: number
}

export interface PageArgs {
  /** A list. */
  readonly soul: string
  /** `disk`, or the address of a relay. */
  readonly from: string
  /** Where the page before it began. */
  readonly before?: string | undefined
  /** How much of what a page may hold is wanted. @defaultValue 1 */
  readonly share?: number | undefined
  /** @defaultValue 5000 */
  readonly timeoutMs?: number
}

const BACKOFF_MS = [200, 1_000, 3_000, 10_000, 30_000]
/** One that ran this long is healthy: the next crash starts the backoff anew. */
const HEALTHY_AFTER_MS = 60_000
/** One that does not begin to answer in this time is started again. */
const BOOT_MS = 15_000
const MAX_STORE_BYTES = 256 * 1024 * 1024
const PUT_TIMEOUT_MS = 20_000
/** The engine's side of GUN's process: starts it, brings it back, asks it, and paces what is written. */
export class GunClient {
  readonly #options: GunClientOptions
  readonly #questions = new Questions()
  readonly #window = new PutWindow()
  #host: GunHost | undefined
  #state: GunProcessStatus['state'] = 'off'
  #status: Pick<GunProcessStatus, 'memoryBytes' | 'nodesInMemory' | 'peers' | 'relays' | 'dropped'> = NOTHING
  #isKeeping = true
  #watching: ToGun | undefined
  #crashes = 0
  #restarts = 0
  #lastExit: string | undefined
  /** Or when it was to begin. */
  #endedAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #healthy: NodeJS.Timeout | undefined
  readonly #watchdog = new Watchdog(() => {
    this.#options.log.warn('network.gun-silent', { pid: this.#host?.pid })
    this.#host?.kill()
  })

  constructor(options: GunClientOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#state !== 'off') return
    this.#state = 'starting'
    this.#endedAtMs = Date.now()
    this.#spawn()
  }

  /** Lets it write what it has, then ends it. Idempotent. */
  async stop(): Promise<void> {
    const host = this.#host
    const hasBegun = this.#state === 'running'
    this.#state = 'off'
    this.#host = undefined
    clearTimeout(this.#timer)
    clearTimeout(this.#healthy)
    this.#watchdog.stop()
    this.#questions.failAll()
    if (host === undefined) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => host.kill(), 2_000)
      host.onExit(() => {
        clearTimeout(timer)
        resolve()
      })
      // One that is still starting has nothing to put away.
      if (hasBegun) host.post({ type: 'stop' })
      else host.kill()
    })
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  status(): GunProcessStatus {
    const host = this.#host
    return {
      state: this.#state,
      ...(host === undefined ? {} : { kind: host.kind }),
      ...(host?.pid === undefined ? {} : { pid: host.pid }),
      restarts: this.#restarts,
      ...(this.#lastExit === undefined ? {} : { lastExit: this.#lastExit }),
      isKeeping: this.#isKeeping,
      ...this.#status,
      relays: this.#relays(),
    }
  }

  /** Also while nobody is there to connect to them, as they are still listed. */
  #relays(): readonly RelayStatus[] {
    if (this.#state === 'running' || this.#state === 'off') return this.#status.relays
    const state = this.#state === 'starting' ? 'connecting' : 'waiting'
    return this.#options.settings().relays.map((url) => ({ url, state, sinceMs: this.#endedAtMs }))
  }

  /** For messages that nothing answers; lost while it does not run. */
  post(message: ToGun): void {
    if (this.#state === 'running') this.#host?.post(message)
  }

  watch(isFeedWanted: boolean, publishers: readonly string[]): void {
    this.#watching = { type: 'watch', isFeedWanted, publishers: [...publishers] }
    this.post(this.#watching)
  }

  /**
   * Writes nodes, not too many at a time; the others wait in order.
   * @param to one relay that alone is to have it. @defaultValue every relay, and GUN's disk
   * @throws {AppError} `UNAVAILABLE` when GUN does not run or ended meanwhile, `CANCELLED`
   */
  async put(graph: GunGraph, signal?: AbortSignal, to?: string): Promise<PutResult> {
    return this.#window.run(async () => {
      if (signal?.aborted === true) throw new AppError('CANCELLED', 'Publishing was stopped.')
      const timeoutMs = PUT_TIMEOUT_MS
      const done = await this.#ask(timeoutMs, (id) => ({
        type: 'put',
        id,
        graph,
        ...(to === undefined ? {} : { to }),
        timeoutMs,
      }))
      return done.type === 'put-done' ? done : { isStored: false, relays: [] }
    })
  }

  /**
   * Asks GUN's disk and every open relay.
   * @throws {AppError} `UNAVAILABLE`
   */
  async get({ soul, key, timeoutMs = 5_000, patienceMs = 500 }: GetArgs): Promise<readonly Answer[]> {
    const got = await this.#ask(timeoutMs, (id) => ({
      type: 'get',
      id,
      soul,
      ...(key === undefined ? {} : { key }),
      timeoutMs,
      patienceMs,
    }))
    return got.type === 'got' ? got.answers : []
  }

  /**
   * Asks one source for a page of a list.
   * @returns undefined when it did not answer, else what it has of the list there; no node when that is nothing
   * @throws {AppError} `UNAVAILABLE`
   */
  async page({
    soul,
    from,
    before,
    share,
    timeoutMs = 5_000,
  }: PageArgs): Promise<{ node?: GunNode } | undefined> {
    const got = await this.#ask(timeoutMs, (id) => ({
      type: 'page',
      id,
      soul,
      from,
      ...(before === undefined ? {} : { before }),
      ...(share === undefined ? {} : { share }),
      timeoutMs,
    }))
    const answer = got.type === 'got' ? got.answers[0] : undefined
    if (answer === undefined) return undefined
    const node = answer.graph[soul]
    return node === undefined ? {} : { node }
  }

  /** The settings changed. */
  refresh(): void {
    this.post({ type: 'settings', ...this.#settings() })
  }

  #settings(): Pick<Extract<ToGun, { type: 'settings' }>, 'relays' | 'reserveBytes'> {
    const { relays, reserveBytes } = this.#options.settings()
    return { relays: [...relays], reserveBytes }
  }

  #ask(timeoutMs: number, make: (id: number) => ToGun): Promise<FromGun> {
    if (this.#state !== 'running' || this.#host === undefined) return Promise.reject(away())
    const host = this.#host
    return this.#questions.ask(timeoutMs, (id) => host.post(make(id)))
  }

  #spawn(): void {
    let host: GunHost
    try {
      host = this.#options.spawn()
    } catch (error) {
      // No memory for another process, say: it is tried again.
      return this.#exited(String(error))
    }
    this.#host = host
    this.#timer = setTimeout(() => host.kill(), BOOT_MS)
    host.onMessage((message) => {
      if (host === this.#host) this.#received(host, message)
    })
    host.onExit((cause) => {
      if (host === this.#host) this.#exited(cause)
    })
  }

  #received(host: GunHost, message: FromGun): void {
    this.#watchdog.heard()
    switch (message.type) {
      case 'booted':
        host.post({
          type: 'start',
          dir: this.#options.dir,
          ...this.#settings(),
          maxStoreBytes: MAX_STORE_BYTES,
        })
        break
      case 'ready':
        clearTimeout(this.#timer)
        this.#watchdog.start()
        this.#state = 'running'
        this.#healthy = setTimeout(() => (this.#crashes = 0), HEALTHY_AFTER_MS)
        this.#healthy.unref()
        if (this.#watching !== undefined) host.post(this.#watching)
        this.#options.onEvent({ type: 'up' })
        break
      case 'put-done':
      case 'got':
        this.#questions.answered(message.id, message)
        break
      case 'failed':
        this.#questions.failed(message.id)
        break
      case 'disk':
        this.#isKeeping = message.isKeeping
        if (!message.isKeeping) this.#options.log.warn('network.gun-disk-refuses')
        this.#options.onEvent(message)
        break
      case 'status': {
        const { memoryBytes, nodesInMemory, peers, relays, dropped } = message
        this.#status = { memoryBytes, nodesInMemory, peers, relays, dropped }
        break
      }
      case 'relay':
        this.#status = {
          ...this.#status,
          relays: [...this.#status.relays.filter(({ url }) => url !== message.relay.url), message.relay],
        }
        this.#options.onEvent(message)
        break
      default:
        this.#options.onEvent(message)
    }
  }

  #exited(cause: string): void {
    const wasRunning = this.#state === 'running'
    this.#host = undefined
    clearTimeout(this.#timer)
    clearTimeout(this.#healthy)
    this.#watchdog.stop()
    this.#lastExit = cause
    this.#restarts += 1
    this.#crashes += 1
    this.#state = 'restarting'
    this.#endedAtMs = Date.now()
    this.#status = NOTHING
    this.#questions.failAll()
    if (wasRunning) this.#options.onEvent({ type: 'down' })
    const delayMs = BACKOFF_MS[Math.min(this.#crashes, BACKOFF_MS.length) - 1] ?? 0
    this.#options.log.warn('network.gun-ended', { cause, delayMs })
    this.#timer = setTimeout(() => this.#spawn(), delayMs)
  }
}

const NOTHING = { memoryBytes: 0, nodesInMemory: 0, peers: 0, relays: [], dropped: {} } as const
