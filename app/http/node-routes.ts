import type { EngineHandlers, NodeStatus } from '../contract/index.ts'
import { AppError } from '../contract/index.ts'
import type { AuthRoutes } from './auth-routes.ts'
import { HttpProblem, PUBLIC_HEADERS, send, sendJson } from './exchange.ts'
import type { Exchange, ResponseHeaders } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { asStored, describedTo, mediaNotFound } from './media-gate.ts'
import type { MediaGate } from './media-gate.ts'
import type { MediaResponder } from './media-responder.ts'
import { openApiDocument } from './openapi.ts'
import type { MediaRow, MediaShelf, StatusSource } from './ports.ts'
import type { RelayRoutes } from './relay-routes.ts'
import type { Route } from './router.ts'
import type { SearchRoutes } from './search-routes.ts'
import type { TokenBuckets } from './token-buckets.ts'
import type { Uploads } from './upload.ts'
import { rateLimited } from './viewer.ts'
import type { ViewerCheck } from './viewer.ts'

export interface NodeRoutesOptions {
  readonly library: MediaShelf
  readonly media: MediaResponder
  readonly uploads: Uploads
  readonly gate: MediaGate
  readonly auth: AuthRoutes
  readonly relay: RelayRoutes
  readonly search: SearchRoutes
  readonly viewers: ViewerCheck
  readonly buckets: TokenBuckets
  readonly limits: HttpLimits
  readonly handlers: EngineHandlers
  readonly status: StatusSource
  readonly baseUrl: () => string
  /** No media for anybody but their owner, as long as this says so. */
  readonly isPaused: () => boolean
  readonly nowMs: () => number
}

/** What the node listener answers: everything strangers and OIP's clients may ask for. */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions
  #openApi: string | undefined

  constructor(options: NodeRoutesOptions) {
    this.#options = options
  }

  routes(): readonly Route[] {
    return [
      ...this.#options.auth.routes(),
      ...this.#options.relay.routes(),
      ...this.#options.search.routes(),
      { method: 'POST', path: '/api/media/upload', answer: (exchange) => this.#upload(exchange) },
      { method: 'GET', path: '/media/:mediaId', answer: (exchange, id) => this.#bytes(exchange, id) },
      { method: 'GET', path: '/api/media/:mediaId', answer: (exchange, id) => this.#bytes(exchange, id) },
      { method: 'GET', path: '/api/media/:mediaId/info', answer: (exchange, id) => this.#info(exchange, id) },
      {
        method: 'GET',
        path: '/api/media/:mediaId/torrent',
        answer: (exchange, id) => this.#torrent(exchange, id),
      },
      { method: 'GET', path: '/health', answer: (exchange) => this.#health(exchange) },
      { method: 'GET', path: '/openapi.json', answer: (exchange) => this.#describe(exchange) },
    ]
  }

  async #bytes(exchange: Exchange, mediaId: string): Promise<void> {
    const { media, gate, isPaused } = this.#options
    const { row, isTheirs } = await gate.admit(exchange, mediaId)
    const mayGoOn = (): boolean => isTheirs || !isPaused()
    if (!mayGoOn()) throw paused()
    await media.respond(exchange, asStored(row), { isCounted: true, mayGoOn })
  }

  async #upload(exchange: Exchange): Promise<void> {
    const { buckets, limits, viewers, uploads } = this.#options
    const rate = limits.rates.upload[exchange.isLoopback ? 'loopback' : 'stranger']
    const waitMs = buckets.take(`upload ${exchange.clientKey}`, rate)
    if (waitMs > 0) throw rateLimited(waitMs)
    await viewers.requireOwner(exchange)
    await uploads.answer(exchange)
  }

  async #info(exchange: Exchange, mediaId: string): Promise<void> {
    const { library, gate, status, baseUrl } = this.#options
    const { row, reader } = await gate.admit(exchange, mediaId)
    const { name, mime } = describedTo(reader, row)
    const manifest = await library.manifest(row.mediaId)
    const { seeding } = await status()
    const isSeeding = row.infoHash !== undefined && row.isSeedingWanted && !seeding.isPaused
    sendJson(
      exchange,
      200,
      {
        mediaId: row.mediaId,
        did: manifest.did,
        originalName: name,
        mimeType: mime,
        fileSize: row.sizeBytes,
        magnetURI: manifest.transport?.bittorrent?.magnetURI ?? null,
        infoHash: row.infoHash ?? null,
        httpUrl: `${baseUrl()}/media/${row.mediaId}`,
        createdAt: row.createdAt,
        userPublicKey: row.owner,
        accessLevel: row.accessLevel,
        seeding: isSeeding,
        encrypted: manifest.encryption?.enabled ?? false,
        torrentUrl: row.infoHash === undefined ? null : `${baseUrl()}/api/media/${row.mediaId}/torrent`,
        manifest,
      },
      publicOnly(row),
    )
  }

  async #torrent(exchange: Exchange, mediaId: string): Promise<void> {
    const { gate, library, isPaused } = this.#options
    const { row, isTheirs } = await gate.admit(exchange, mediaId)
    if (!isTheirs && isPaused()) throw paused()
    // What is kept back in the clear has no torrent, and its owner is told so like everybody else.
    const isKeptBack = row.accessLevel !== 'public' && row.protection === 'none'
    const metainfo = isKeptBack ? null : await library.metainfo(row.mediaId)
    if (metainfo === null) throw mediaNotFound()
    send(exchange, 200, 'application/x-bittorrent', metainfo, {
      ...publicOnly(row),
      'content-disposition': `attachment; filename="${row.mediaId}.torrent"`,
    })
  }

  async #health(exchange: Exchange): Promise<void> {
    const { viewers, status, handlers, nowMs } = this.#options
    const viewer = await viewers.identify(exchange)
    const now = nowMs()
    const node = await status()
    const brief = { status: isHealthy(node) ? 'healthy' : 'degraded', timestamp: Math.floor(now / 1000) }
    if (viewer.kind === 'stranger' || !viewer.isNodeOwner) {
      sendJson(exchange, 200, brief, PUBLIC_HEADERS)
      return
    }
    const { counts } = await handlers['library.list']({
      offset: 0,
      limit: 1,
      filter: 'all',
      sort: 'added',
      direction: 'desc',
    })
    sendJson(exchange, 200, {
      ...brief,
      mediaFiles: counts.all,
      peers: node.seeding.peersTcp + node.seeding.peersWebrtc,
      uptimeSec: Math.max(0, Math.floor((now - node.startedAtMs) / 1000)),
      seeding: node.seeding.items,
      uploadedBytes: node.seeding.uploadedBytes,
      attention: counts.attention,
    })
  }

  #describe(exchange: Exchange): void {
    this.#openApi ??= JSON.stringify(openApiDocument())
    send(exchange, 200, 'application/json; charset=utf-8', this.#openApi, PUBLIC_HEADERS)
  }
}

/** How soon somebody turned away by the pause may ask again. */
const PAUSE_RETRY_SEC = 600

function paused(): HttpProblem {
  return new HttpProblem(
    new AppError('UNAVAILABLE', 'This node’s owner has paused sharing. The item is safe; try again later.'),
    { headers: { 'retry-after': PAUSE_RETRY_SEC } },
  )
}

function publicOnly(row: MediaRow): ResponseHeaders {
  return row.accessLevel === 'public' ? PUBLIC_HEADERS : {}
}

function isHealthy({ media }: NodeStatus): boolean {
  return media.state === 'ok' || media.state === 'low-space'
}
