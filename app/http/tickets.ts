import { createHmac, randomBytes } from 'node:crypto'
import { isSameSecret } from './control-token.ts'

const EVENT_TICKET_MS = 30_000
const MEDIA_TICKET_MS = 6 * 60 * 60 * 1000
const MAX_EVENT_TICKETS = 256

/**
 * Stand-ins for the control token where a browser can't send a header: `EventSource`, `<video>`, `<img>`. They open one thing only,
 * end by themselves, and end with this process.
 */
export class Tickets {
  readonly #key = randomBytes(32)
  readonly #eventTickets = new Map<string, number>()
  readonly #nowMs: () => number

  /** @param nowMs a monotonic clock: an adjusted wall clock neither ends nor prolongs a ticket */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** A ticket that opens the event stream once, within 30 s. */
  issueForEvents(): { ticket: string; expiresInMs: number } {
    const ticket = randomBytes(32).toString('base64url')
    this.#eventTickets.set(ticket, this.#nowMs() + EVENT_TICKET_MS)
    for (const oldest of this.#eventTickets.keys()) {
      if (this.#eventTickets.size <= MAX_EVENT_TICKETS) break
      this.#eventTickets.delete(oldest)
    }
    return { ticket, expiresInMs: EVENT_TICKET_MS }
  }

  redeemForEvents(ticket: string): boolean {
    const endsAtMs = this.#eventTickets.get(ticket)
    this.#eventTickets.delete(ticket)
    return endsAtMs !== undefined && this.#nowMs() < endsAtMs
  }

  /** Signs the address of media for reading (GET and HEAD), for six hours: a long film with pauses. */
  signMedia(path: string): { path: string; expiresInMs: number } {
    const expires = String(Math.floor(this.#nowMs() + MEDIA_TICKET_MS))
    return {
      path: `${path}?expires=${expires}&signature=${this.#sign(path, expires)}`,
      expiresInMs: MEDIA_TICKET_MS,
    }
  }

  isMediaSigned(path: string, query: URLSearchParams): boolean {
    const expires = query.get('expires') ?? ''
    const signature = query.get('signature') ?? ''
    if (!/^\d{1,16}$/.test(expires) || Number(expires) < this.#nowMs()) return false
    return isSameSecret(signature, this.#sign(path, expires))
  }

  #sign(path: string, expires: string): string {
    return createHmac('sha256', this.#key).update(`GET ${path} ${expires}`).digest('base64url')
  }
}
