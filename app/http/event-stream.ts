import type { ServerResponse } from 'node:http'
import { AppError, engineEvents } from '../contract/index.ts'
import type { EngineEventName, EngineHandlers } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import type { EventSource } from './ports.ts'

interface Client {
  readonly res: ServerResponse
  /** Events that came while the snapshot was being made; they follow it. `undefined` once it is out. */
  waiting: string[] | undefined
}

/**
 * The engine's events for any number of listeners, as server-sent events: `event: <name of the contract>`, `data: <payload as JSON>`.
 * Every connection begins with the whole present state in the same events, so that coming back after a gap needs no memory on our side.
 * @see the HTML standard, "Server-sent events"
 */
export class EventStream {
  readonly #events: EventSource
  readonly #handlers: EngineHandlers
  readonly #limits: HttpLimits
  readonly #log: Log
  readonly #clients = new Set<Client>()
  #unsubscribe: (() => void)[] = []
  #heartbeat: NodeJS.Timeout | undefined

  constructor(events: EventSource, handlers: EngineHandlers, limits: HttpLimits, log: Log) {
    this.#events = events
    this.#handlers = handlers
    this.#limits = limits
    this.#log = log
  }

  start(): void {
    // The table's keys are exactly the event names.
    const names = Object.keys(engineEvents) as EngineEventName[]
    this.#unsubscribe = names.map((name) =>
      this.#events.on(name, (payload) => this.#broadcast(name, payload)),
    )
    this.#heartbeat = setInterval(() => this.#beat(), this.#limits.eventHeartbeatMs)
    this.#heartbeat.unref()
  }

  /** Ends every stream; their clients reconnect when the node is back. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
    clearInterval(this.#heartbeat)
    for (const { res } of this.#clients) res.end()
    this.#clients.clear()
  }

  /** @throws {AppError} `UNAVAILABLE` when too many listen already */
  async open({ res }: Exchange): Promise<void> {
    if (this.#clients.size >= this.#limits.eventClients) {
      throw new AppError('UNAVAILABLE', 'Too many programs listen to this node’s events already.')
    }
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'x-accel-buffering': 'no',
    })
    res.write('retry: 1000\n\n')
    const client: Client = { res, waiting: [] }
    this.#clients.add(client)
    res.once('close', () => this.#clients.delete(client))
    try {
      res.write(await this.#snapshot())
    } catch (error) {
      this.#log.error('http.events-snapshot', { error })
      this.#drop(client)
      return
    }
    const waiting = client.waiting ?? []
    client.waiting = undefined
    for (const message of waiting) this.#write(client, message)
  }

  async #snapshot(): Promise<string> {
    const [status, settings, { transfers }] = await Promise.all([
      this.#handlers['node.status']({}),
      this.#handlers['settings.get']({}),
      this.#handlers['transfers.list']({}),
    ])
    return [
      format('node.changed', status),
      format('settings.changed', settings),
      format('transfers.changed', { transfers, removed: [] }),
      // The library is never sent whole: whoever shows it lists the page it shows.
      format('library.changed', { items: [], removed: [], isReset: true }),
    ].join('')
  }

  #broadcast(name: EngineEventName, payload: unknown): void {
    if (this.#clients.size === 0) return
    const message = format(name, payload)
    for (const client of this.#clients) {
      if (client.waiting) client.waiting.push(message)
      else this.#write(client, message)
    }
  }

  #beat(): void {
    for (const client of this.#clients) {
      if (!client.waiting) this.#write(client, ': still here\n\n')
    }
  }

  #write(client: Client, message: string): void {
    // What a slow listener has not taken yet lies in our memory: past a bound it must come back for a fresh snapshot.
    if (client.res.writableLength > this.#limits.eventBacklogBytes) {
      this.#log.warn('http.events-slow', { backlogBytes: client.res.writableLength })
      this.#drop(client)
    } else client.res.write(message)
  }

  #drop(client: Client): void {
    this.#clients.delete(client)
    client.res.destroy()
  }
}

/** JSON holds no line breaks, so one data line is enough. */
function format(name: EngineEventName, payload: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(payload)}\n\n`
}
