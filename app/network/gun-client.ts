import { AppError } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import type { GunGraph, GunNode } from './graph.ts'
import type { GunHost } from './gun-host.ts'
import type { Answer, FromGun, RelayStatus, ToGun } from './gun-protocol.ts'

export interface GunClientOptions {
  readonly dir: string
  readonly spawn: () => GunHost
  readonly settings: () => { readonly relays: readonly string[]; readonly reserveBytes: number }
  readonly log: Log
  /** Told of what comes without having been asked for. */
  readonly onEvent: (event: GunEvent) => void
}

export type GunEvent =
  | Extract<FromGun, { type: 'heard' | 'asked' | 'contested' | 'peer-send' | 'credit' | 'disk' }>
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

interface Waiting {
  readonly resolve: (message: FromGun) => void
  readonly reject: (error: AppError) => void
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
  /** @defaultValue 5000 */
  readonly timeoutMs?: number
}

const BACKOFF_MS = [200, 1_000, 3_000, 10_000, 30_000]
/** One that ran this long is healthy: the next crash starts the backoff anew. */
const HEALTHY_AFTER_MS = 60_000
/** One that does not begin to answer in this time is started again. */
const BOOT_MS = 15_000
const MAX_STORE_BYTES = 256 * 1024 * 1024
/**
 * Puts in flight: GUN's own writes take a quarter of a second, so that some dozens at once keep it busy; a relay that takes longer
 * to answer has enough before it, and gets fewer.
 */
const MOST_IN_FLIGHT = 100
const LEAST_IN_FLIGHT = 8
const SLOW_PUT_MS = 3_000
const PUT_TIMEOUT_MS = 20_000

/** The engine's side of GUN's process: starts it, brings it back, asks it, and paces what is written. */
export class GunClient {
  readonly #options: GunClientOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #queue: (() => void)[] = []
  #host: GunHost | undefined
  #state: GunProcessStatus['state'] = 'off'
  #status: Pick<GunProcessStatus, 'memoryBytes' | 'nodesInMemory' | 'peers' | 'relays' | 'dropped'> = NOTHING
  #isKeeping = true
  #watching: ToGun | undefined
  #nextId = 1
  #putsInFlight = 0
  #window = MOST_IN_FLIGHT / 2
  #slowedAtMs = -Infinity
  #crashes = 0
  #restarts = 0
  #lastExit: string | undefined
  #timer: NodeJS.Timeout | undefined
  #healthy: NodeJS.Timeout | undefined

  constructor(options: GunClientOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#state !== 'off') return
    this.#state = 'starting'
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
    this.#failAll()
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
    }
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
   * Writes nodes, at most {@link MOST_IN_FLIGHT} at a time; the others wait in order.
   * @throws {AppError} `UNAVAILABLE` when GUN does not run or ended meanwhile, `CANCELLED`
   */
  async put(graph: GunGraph, signal?: AbortSignal): Promise<PutResult> {
    if (this.#putsInFlight >= this.#window) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#putsInFlight += 1
    const startedAtMs = performance.now()
    try {
      if (signal?.aborted === true) throw new AppError('CANCELLED', 'Publishing was stopped.')
      const done = await this.#ask((id) => ({ type: 'put', id, graph, timeoutMs: PUT_TIMEOUT_MS }))
      return done.type === 'put-done' ? done : { isStored: false, relays: [] }
    } finally {
      this.#putsInFlight -= 1
      this.#pace(performance.now() - startedAtMs)
      // Whoever waits is let in one by one, as the window allows.
      for (let free = Math.floor(this.#window) - this.#putsInFlight; free > 0; free -= 1)
        this.#queue.shift()?.()
    }
  }

  #pace(tookMs: number): void {
    const isSlow = tookMs > SLOW_PUT_MS
    // Those that were sent together are slow together: one step down for all of them, many small ones up.
    if (!isSlow) this.#window = Math.min(MOST_IN_FLIGHT, this.#window + 2 / this.#window)
    else if (performance.now() - this.#slowedAtMs > SLOW_PUT_MS) {
      this.#slowedAtMs = performance.now()
      this.#window = Math.max(LEAST_IN_FLIGHT, this.#window / 2)
    }
  }

  /**
   * Asks GUN's disk and every open relay.
   * @throws {AppError} `UNAVAILABLE`
   */
  async get({ soul, key, timeoutMs = 5_000, patienceMs = 500 }: GetArgs): Promise<readonly Answer[]> {
    const got = await this.#ask((id) => ({
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
  async page({ soul, from, before, timeoutMs = 5_000 }: PageArgs): Promise<{ node?: GunNode } | undefined> {
    const got = await this.#ask((id) => ({
      type: 'page',
      id,
      soul,
      from,
      ...(before === undefined ? {} : { before }),
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

  #ask(make: (id: number) => ToGun): Promise<FromGun> {
    if (this.#state !== 'running' || this.#host === undefined) return Promise.reject(away())
    const id = this.#nextId++
    const host = this.#host
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      host.post(make(id))
    })
  }

  #spawn(): void {
    const host = this.#options.spawn()
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
        this.#state = 'running'
        this.#healthy = setTimeout(() => (this.#crashes = 0), HEALTHY_AFTER_MS)
        this.#healthy.unref()
        if (this.#watching !== undefined) host.post(this.#watching)
        this.#options.onEvent({ type: 'up' })
        break
      case 'put-done':
      case 'got':
        this.#waiting.get(message.id)?.resolve(message)
        this.#waiting.delete(message.id)
        break
      case 'failed':
        this.#waiting.get(message.id)?.reject(away())
        this.#waiting.delete(message.id)
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
    this.#lastExit = cause
    this.#restarts += 1
    this.#crashes += 1
    this.#state = 'restarting'
    this.#status = NOTHING
    this.#failAll()
    if (wasRunning) this.#options.onEvent({ type: 'down' })
    const delayMs = BACKOFF_MS[Math.min(this.#crashes, BACKOFF_MS.length) - 1] ?? 0
    this.#options.log.warn('network.gun-ended', { cause, delayMs })
    this.#timer = setTimeout(() => this.#spawn(), delayMs)
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.values()) reject(away())
    this.#waiting.clear()
  }
}

const NOTHING = { memoryBytes: 0, nodesInMemory: 0, peers: 0, relays: [], dropped: {} } as const

function away(): AppError {
  return new AppError(
    'UNAVAILABLE',
    'The part of Sower that talks to relays is starting again. Your media are safe.',
    {
      hint: 'Nothing needs to be done: it goes on by itself.',
    },
  )
}
