import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EngineHandlers } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { AuthRoutes } from './auth-routes.ts'
import { ControlGuard } from './control-guard.ts'
import { ControlRoutes, downloadPath, itemPath } from './control-routes.ts'
import { loadControlToken } from './control-token.ts'
import { EventStream } from './event-stream.ts'
import type { Exchange } from './exchange.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import type { HttpLimits } from './limits.ts'
import { Listener } from './listener.ts'
import { MediaGate } from './media-gate.ts'
import { MediaResponder } from './media-responder.ts'
import { NodeRoutes } from './node-routes.ts'
import { PageFiles } from './page-files.ts'
import { PlainResponder } from './plain-responder.ts'
import type {
  EventSource,
  HttpSettings,
  LoginDesk,
  MediaShelf,
  OutboundRequests,
  PlainFiles,
  RelayDesk,
  ResolveRecipient,
  RevocationLookup,
  SearchIndex,
  StatusSource,
  TokenVerifier,
  UploadAdder,
} from './ports.ts'
import { RelayRoutes } from './relay-routes.ts'
import { Router } from './router.ts'
import { SearchRoutes } from './search-routes.ts'
import { Tickets } from './tickets.ts'
import { TokenBuckets } from './token-buckets.ts'
import { Uploads } from './upload.ts'
import { ViewerCheck, rateLimited } from './viewer.ts'

export interface HttpServerOptions {
  /** Host and ports are read at start; `publicUrl` and `maxUploadBytes` at every request. */
  readonly settings: HttpSettings
  /** Where `control.token` is kept. */
  readonly dataDir: string
  readonly library: MediaShelf
  /** What the window and its players read: given to the control listener alone. */
  readonly plainFiles: PlainFiles
  readonly adder: UploadAdder
  readonly resolveRecipient: ResolveRecipient
  readonly vault: TokenVerifier & LoginDesk
  /** Items their owners took back. */
  readonly revocationOf: RevocationLookup
  readonly search: SearchIndex
  readonly handlers: EngineHandlers
  readonly events: EventSource
  readonly status: StatusSource
  /** Whether the user wants no traffic at all: the node listener then gives media to their owner alone. */
  readonly isPaused: () => boolean
  readonly outbound: OutboundRequests
  /** The built web page; without it the control listener has none. */
  readonly rendererDir?: string | undefined
  readonly clock: Clock
  readonly log: Log
  /** What the network knows and is told. */
  readonly relay: RelayDesk
  /** Takes WebSockets at `/gun` on the node listener; without it there are none. */
  readonly attachGun?: ((req: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined
  /** @defaultValue DEFAULT_LIMITS */
  readonly limits?: Partial<HttpLimits>
}

export interface HttpAddresses {
  /** Without a slash at the end. */
  readonly url: string
  readonly controlUrl: string
  readonly controlToken: string
}

const CONTROL_HOST = '127.0.0.1'

/**
 * The node's two HTTP listeners. They share nothing a stranger could use to get from one to the other: the node listener knows no
 * control route, the control listener is on 127.0.0.1 and asks for its token.
 */
export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #limits: HttpLimits
  readonly #buckets = new TokenBuckets()
  readonly #tickets = new Tickets()
  #node: Listener | undefined
  #control: Listener | undefined
  #events: EventStream | undefined
  #url = ''
  #controlUrl = ''

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
  }

  /**
   * Listens on both addresses, or on none.
   * @throws {AppError} `PORT_IN_USE` with `details { setting, port, free }`; `BAD_REQUEST` when the host is not this computer's
   */
  async start(): Promise<HttpAddresses> {
    const { host, port, controlPort } = this.#options.settings.get()
    const controlToken = await loadControlToken(this.#options.dataDir)
    const media = new MediaResponder(this.#options.library, this.#options.log)
    try {
      const nodePort = await this.#startNode(media, host, port, controlPort)
      this.#url = `http://${urlHost(host)}:${nodePort}`
      const boundControlPort = await this.#startControl(media, controlToken, controlPort, nodePort)
      this.#controlUrl = `http://${CONTROL_HOST}:${boundControlPort}`
      return { url: this.#url, controlUrl: this.#controlUrl, controlToken }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /**
   * An address on this computer where a player reads an item or a download, decrypted, without a token: for that one alone,
   * until `expiresAtMs` (milliseconds since the epoch) or the node stops.
   */
  playUrl(target: { readonly mediaId: string } | { readonly transferId: string }): {
    url: string
    expiresAtMs: number
  } {
    const plainPath = 'mediaId' in target ? itemPath(target.mediaId) : downloadPath(target.transferId)
    const { path, expiresInMs } = this.#tickets.signMedia(plainPath)
    return { url: this.#controlUrl + path, expiresAtMs: this.#options.clock.nowMs() + expiresInMs }
  }

  /** Lets running answers end for a moment, cuts the rest. Idempotent. */
  async stop(): Promise<void> {
    this.#events?.stop()
    await Promise.all([this.#node?.close(), this.#control?.close()])
  }

  #startNode(media: MediaResponder, host: string, port: number, controlPort: number): Promise<number> {
    const {
      library,
      adder,
      resolveRecipient,
      vault,
      revocationOf,
      relay,
      search,
      handlers,
      outbound,
      settings,
      status,
      isPaused,
      clock,
    } = this.#options
    const limits = this.#limits
    const buckets = this.#buckets
    const baseUrl = (): string => settings.get().publicUrl?.replace(/\/+$/, '') ?? this.#url
    const viewers = new ViewerCheck(vault, buckets, limits)
    const gate = new MediaGate(library, viewers, revocationOf, limits)
    const routes = new NodeRoutes({
      library,
      media,
      uploads: new Uploads({ library, adder, resolveRecipient, outbound, settings, limits, baseUrl }),
      gate,
      relay: new RelayRoutes({ relay, library, gate, viewers, buckets, limits }),
      auth: new AuthRoutes({ vault, buckets, limits, publicUrl: () => settings.get().publicUrl }),
      search: new SearchRoutes({ index: search, library, viewers, buckets, limits, baseUrl }),
      viewers,
      buckets,
      limits,
      handlers,
      status,
      baseUrl,
      isPaused,
      nowMs: () => clock.nowMs(),
    })
    const router = new Router(routes.routes())
    this.#node = new Listener({
      limits,
      portSetting: 'port',
      log: this.#options.log,
      handle: async (exchange) => {
        this.#spend(exchange)
        await router.answer(exchange)
      },
      upgrade: (req, socket, head) => this.#upgrade(req, socket, head),
    })
    return this.#node.listen(host, port, [controlPort])
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const { attachGun } = this.#options
    if (attachGun === undefined || (req.url ?? '').split('?')[0] !== '/gun') return false
    attachGun(req, socket, head)
    return true
  }

  async #startControl(media: MediaResponder, token: string, port: number, nodePort: number): Promise<number> {
    const { handlers, events, rendererDir, log } = this.#options
    const limits = this.#limits
    const page = rendererDir === undefined ? undefined : new PageFiles(rendererDir)
    await page?.start()
    const stream = new EventStream(events, handlers, limits, log)
    let routes: ControlRoutes | undefined
    const listener = new Listener({
      limits,
      portSetting: 'controlPort',
      log,
      isHostCheckedByHandler: true,
      handle: async (exchange) => {
        this.#spend(exchange)
        await routes?.answer(exchange)
      },
    })
    this.#control = listener
    const bound = await listener.listen(CONTROL_HOST, port, [nodePort])
    // The guard compares with the port that was really given, so it can only be made now; no request is read before this turn ends.
    routes = new ControlRoutes({
      guard: new ControlGuard(token, bound),
      handlers,
      events: stream,
      library: this.#options.library,
      media,
      plain: new PlainResponder(log, limits.idleTimeoutMs),
      plainFiles: this.#options.plainFiles,
      tickets: this.#tickets,
      page,
      limits,
      log,
    })
    stream.start()
    this.#events = stream
    return bound
  }

  #spend({ clientKey, isLoopback }: Exchange): void {
    const waitMs = this.#buckets.take(
      `any ${clientKey}`,
      this.#limits.rates.any[isLoopback ? 'loopback' : 'stranger'],
    )
    if (waitMs > 0) throw rateLimited(waitMs)
  }
}

/** An address one can open: "everywhere" is reached on this computer as 127.0.0.1. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
