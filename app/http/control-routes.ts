import { dispatch } from '../contract-dispatch.ts'
import { AppError, ERROR_STATUS } from '../contract/index.ts'
import type { EngineHandlers } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import { readJson } from './body.ts'
import type { ControlGuard } from './control-guard.ts'
import type { EventStream } from './event-stream.ts'
import { sendJson, whileWorking } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { mediaNotFound, requireRow } from './media-gate.ts'
import type { MediaResponder } from './media-responder.ts'
import type { PageFiles } from './page-files.ts'
import type { PlainResponder } from './plain-responder.ts'
import type { MediaShelf, PlainFiles } from './ports.ts'
import { Router } from './router.ts'
import type { Route } from './router.ts'
import type { Tickets } from './tickets.ts'

export interface ControlRoutesOptions {
  readonly guard: ControlGuard
  readonly handlers: EngineHandlers
  readonly events: EventStream
  readonly library: MediaShelf
  readonly media: MediaResponder
  readonly plain: PlainResponder
  readonly plainFiles: PlainFiles
  readonly tickets: Tickets
  readonly page: PageFiles | undefined
  readonly limits: HttpLimits
  readonly log: Log
}

const TRANSFER_ID = /^[0-9A-Za-z_-]{1,64}$/

/** What the control listener answers: the contract, its events, the window's media and the web page. */
export class ControlRoutes {
  readonly #options: ControlRoutesOptions
  readonly #router: Router

  constructor(options: ControlRoutesOptions) {
    this.#options = options
    this.#router = new Router(this.routes())
  }

  routes(): readonly Route[] {
    return [
      { method: 'POST', path: '/rpc/:name', answer: (exchange, name) => this.#call(exchange, name) },
      { method: 'GET', path: '/events', answer: (exchange) => this.#listen(exchange) },
      { method: 'POST', path: '/events/ticket', answer: (exchange) => this.#eventTicket(exchange) },
      { method: 'GET', path: '/media/:mediaId', answer: (exchange, id) => this.#bytes(exchange, id) },
      {
        method: 'POST',
        path: '/media/:mediaId/ticket',
        answer: (exchange, id) => this.#mediaTicket(exchange, id),
      },
      { method: 'GET', path: '/transfers/:id/media', answer: (exchange, id) => this.#download(exchange, id) },
    ]
  }

  async answer(exchange: Exchange): Promise<void> {
    const { guard, page } = this.#options
    guard.checkOrigin(exchange)
    try {
      await this.#router.answer(exchange)
    } catch (error) {
      const isUnknown = error instanceof AppError && error.code === 'NOT_FOUND' && !exchange.res.headersSent
      const isMedia = /^\/(media|transfers)\//.test(exchange.path)
      const isRead = exchange.method === 'GET' || exchange.method === 'HEAD'
      // Files of the page need no token: they are the same for everybody, and hold no secret.
      if (!isUnknown || !isRead || page === undefined || isMedia) throw error
      await page.answer(exchange)
    }
  }

  async #call(exchange: Exchange, name: string): Promise<void> {
    const { guard, handlers, limits, log } = this.#options
    guard.requireToken(exchange)
    const args = await readJson(exchange, limits.rpcBytes, limits.bodyTimeoutMs)
    const reply = await whileWorking(exchange, limits.idleTimeoutMs, () =>
      dispatch(handlers, name, args, log),
    )
    sendJson(exchange, reply.ok ? 200 : ERROR_STATUS[reply.error.code], reply)
  }

  async #listen(exchange: Exchange): Promise<void> {
    const { guard, events } = this.#options
    const ticket = exchange.query.get('ticket')
    if (ticket === null || !this.#options.tickets.redeemForEvents(ticket)) guard.requireToken(exchange)
    await events.open(exchange)
  }

  async #eventTicket(exchange: Exchange): Promise<void> {
    await this.#readEmptyCall(exchange)
    sendJson(exchange, 200, this.#options.tickets.issueForEvents())
  }

  async #mediaTicket(exchange: Exchange, mediaId: string): Promise<void> {
    await this.#readEmptyCall(exchange)
    const row = requireRow(this.#options.library, mediaId)
    sendJson(exchange, 200, this.#options.tickets.signMedia(itemPath(row.mediaId)))
  }

  /** Tickets are given to the token's holder, and only for a request no form of a web page can send. */
  async #readEmptyCall(exchange: Exchange): Promise<void> {
    const { guard, limits } = this.#options
    guard.requireToken(exchange)
    await readJson(exchange, 1024, limits.bodyTimeoutMs)
  }

  async #bytes(exchange: Exchange, mediaId: string): Promise<void> {
    const { library, media, plain, plainFiles } = this.#options
    this.#requireTicketOrToken(exchange, itemPath(mediaId))
    const row = requireRow(library, mediaId)
    if (row.protection === 'none') await media.respond(exchange, row, { isCounted: false })
    else await plain.respond(exchange, mediaId, await plainFiles.item(mediaId))
  }

  async #download(exchange: Exchange, transferId: string): Promise<void> {
    const { plain, plainFiles } = this.#options
    this.#requireTicketOrToken(exchange, downloadPath(transferId))
    if (!TRANSFER_ID.test(transferId)) throw mediaNotFound()
    await plain.respond(exchange, transferId, await plainFiles.transfer(transferId))
  }

  #requireTicketOrToken(exchange: Exchange, path: string): void {
    const { guard, tickets } = this.#options
    if (!tickets.isMediaSigned(path, exchange.query)) guard.requireToken(exchange)
  }
}

/** Where the control listener has an item: the file itself, decrypted where it is encrypted. */
export function itemPath(mediaId: string): string {
  return `/media/${mediaId}`
}

/** The same of a download. */
export function downloadPath(transferId: string): string {
  return `/transfers/${transferId}/media`
}
