import { dispatch } from '../contract-dispatch.ts'
import { AppError, ERROR_STATUS } from '../contract/index.ts'
import type { EngineHandlers } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import { readJson } from './body.ts'
import type { ControlGuard } from './control-guard.ts'
import type { EventStream } from './event-stream.ts'
import { sendJson } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { requireRow } from './media-gate.ts'
import type { MediaResponder } from './media-responder.ts'
import type { PageFiles } from './page-files.ts'
import type { MediaShelf } from './ports.ts'
import { Router } from './router.ts'
import { Tickets } from './tickets.ts'

export interface ControlRoutesOptions {
  readonly guard: ControlGuard
  readonly handlers: EngineHandlers
  readonly events: EventStream
  readonly library: MediaShelf
  readonly media: MediaResponder
  readonly page: PageFiles | undefined
  readonly limits: HttpLimits
  readonly log: Log
}

/** What the control listener answers: the contract, its events, the window's media and the web page. */
export class ControlRoutes {
  readonly #options: ControlRoutesOptions
  readonly #tickets = new Tickets()
  readonly #router: Router

  constructor(options: ControlRoutesOptions) {
    this.#options = options
    this.#router = new Router([
      { method: 'POST', path: '/rpc/:name', answer: (exchange, name) => this.#call(exchange, name) },
      { method: 'GET', path: '/events', answer: (exchange) => this.#listen(exchange) },
      { method: 'POST', path: '/events/ticket', answer: (exchange) => this.#eventTicket(exchange) },
      { method: 'GET', path: '/media/:mediaId', answer: (exchange, id) => this.#bytes(exchange, id) },
      {
        method: 'POST',
        path: '/media/:mediaId/ticket',
        answer: (exchange, id) => this.#mediaTicket(exchange, id),
      },
    ])
  }

  async answer(exchange: Exchange): Promise<void> {
    const { guard, page } = this.#options
    guard.checkOrigin(exchange)
    try {
      await this.#router.answer(exchange)
    } catch (error) {
      const isUnknown = error instanceof AppError && error.code === 'NOT_FOUND' && !exchange.res.headersSent
      const isRead = exchange.method === 'GET' || exchange.method === 'HEAD'
      // Files of the page need no token: they are the same for everybody, and hold no secret.
      if (!isUnknown || !isRead || page === undefined || exchange.path.startsWith('/media/')) throw error
      await page.answer(exchange)
    }
  }

  async #call(exchange: Exchange, name: string): Promise<void> {
    const { guard, handlers, limits, log } = this.#options
    guard.requireToken(exchange)
    const args = await readJson(exchange, limits.rpcBytes, limits.bodyTimeoutMs)
    const reply = await dispatch(handlers, name, args, log)
    sendJson(exchange, reply.ok ? 200 : ERROR_STATUS[reply.error.code], reply)
  }

  async #listen(exchange: Exchange): Promise<void> {
    const { guard, events } = this.#options
    const ticket = exchange.query.get('ticket')
    if (ticket === null || !this.#tickets.redeemForEvents(ticket)) guard.requireToken(exchange)
    await events.open(exchange)
  }

  async #eventTicket(exchange: Exchange): Promise<void> {
    await this.#readEmptyCall(exchange)
    sendJson(exchange, 200, this.#tickets.issueForEvents())
  }

  async #mediaTicket(exchange: Exchange, mediaId: string): Promise<void> {
    await this.#readEmptyCall(exchange)
    const row = requireRow(this.#options.library, mediaId)
    sendJson(exchange, 200, this.#tickets.signMedia(row.mediaId))
  }

  /** Tickets are given to the token's holder, and only for a request no form of a web page can send. */
  async #readEmptyCall(exchange: Exchange): Promise<void> {
    const { guard, limits } = this.#options
    guard.requireToken(exchange)
    await readJson(exchange, 1024, limits.bodyTimeoutMs)
  }

  async #bytes(exchange: Exchange, mediaId: string): Promise<void> {
    const { guard, library, media } = this.#options
    if (!this.#tickets.isMediaSigned(mediaId, exchange.query)) guard.requireToken(exchange)
    await media.respond(exchange, requireRow(library, mediaId), { isCounted: false })
  }
}
