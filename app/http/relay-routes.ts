import { z } from 'zod'
import { AppError, MediaId } from '../contract/index.ts'
import { canRead, isTold } from '../manifest/index.ts'
import type { Reader } from '../manifest/index.ts'
import { readJson } from './body.ts'
import { PUBLIC_HEADERS, sendJson } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { mediaNotFound, withdrawn } from './media-gate.ts'
import type { MediaGate } from './media-gate.ts'
import type { MediaShelf, RelayDesk } from './ports.ts'
import type { Route } from './router.ts'
import type { TokenBuckets } from './token-buckets.ts'
import { rateLimited } from './viewer.ts'
import type { ViewerCheck } from './viewer.ts'

const KiB = 1024
/** A manifest as GUN can hold it at most, with room for JSON in JSON. */
const MAX_MANIFEST_BYTES = 512 * KiB
/** A node as GUN can hold it: 64 values of 16 KiB; nobody needs a quarter of it. */
const MAX_NODE_BYTES = 256 * KiB
const MAX_PRESENCE_BYTES = 8 * KiB

const Soul = z.string().min(1).max(256)
export const PutRequest = z.object({ soul: Soul, data: z.record(z.string(), z.unknown()) })
const Protocol = z.string().min(1).max(32)
const Endpoint = z.string().min(1).max(256)
/** OIP says it by the protocol's name: `{bittorrent: true}`, `{http: "https://…"}`. */
const named = <T extends z.ZodType>(said: T) =>
  z.record(Protocol, said).refine((names) => Object.keys(names).length <= 8, 'At most eight of them.')
export const PresenceRequest = z.object({
  mediaId: MediaId,
  /** Of whom it is said; this node itself when it is left out. */
  peerId: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .optional(),
  protocols: z.union([z.array(Protocol).max(8), named(z.boolean())]).optional(),
  endpoints: z.union([z.array(Endpoint).max(8), named(Endpoint)]).optional(),
})

export interface RelayRoutesOptions {
  readonly relay: RelayDesk
  readonly library: MediaShelf
  readonly gate: MediaGate
  readonly viewers: ViewerCheck
  readonly buckets: TokenBuckets
  readonly limits: HttpLimits
}

/** The routes of OIP's relay, over HTTP, with log-ins in front and the privacy filter behind them. */
export class RelayRoutes {
  readonly #options: RelayRoutesOptions

  constructor(options: RelayRoutesOptions) {
    this.#options = options
  }

  routes(): readonly Route[] {
    return [
      { method: 'GET', path: '/media/manifest', answer: (exchange) => this.#manifest(exchange) },
      { method: 'POST', path: '/media/manifest', answer: (exchange) => this.#receive(exchange) },
      { method: 'POST', path: '/media/presence', answer: (exchange) => this.#present(exchange) },
      { method: 'POST', path: '/put', answer: (exchange) => this.#put(exchange) },
      { method: 'GET', path: '/get', answer: (exchange) => this.#get(exchange) },
    ]
  }

  /** Of the library's own, else what the network knows; both by the same filter, and refused in the same words. */
  async #manifest(exchange: Exchange): Promise<void> {
    const { gate, library, relay, viewers } = this.#options
    const mediaId = exchange.query.get('id') ?? ''
    const held = await gate.admit(exchange, mediaId).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined
      throw error
    })
    if (held !== undefined) {
      const { row } = held
      const headers = row.accessLevel === 'public' ? PUBLIC_HEADERS : {}
      sendJson(exchange, 200, await library.manifest(row.mediaId), headers)
      return
    }
    if (!MediaId.safeParse(mediaId).success) throw mediaNotFound()
    const reader = await viewers.identify(exchange)
    this.#spend(exchange)
    const own = library.get(mediaId, { isTrashIncluded: true })
    const isTheirs = own !== undefined && canRead(reader, own)
    // In the trash: their own question is not to name it to relays.
    if (isTheirs && !this.#isTellable(mediaId)) throw mediaNotFound()
    // Strangers have it asked for whether or not it is held, so that they can't tell by the time it takes.
    const found = await relay.find(mediaId)
    // What is private here is not told of, however public the network thinks it is.
    if (own !== undefined && !isTheirs) throw mediaNotFound()
    if (found === undefined || !canRead(reader, found.rule)) throw mediaNotFound()
    if (found.revocation !== undefined) throw withdrawn(found.revocation)
    sendJson(exchange, 200, found.manifest, found.rule.accessLevel === 'public' ? PUBLIC_HEADERS : {})
  }

  async #receive(exchange: Exchange): Promise<void> {
    const { viewers, relay } = this.#options
    this.#spend(exchange)
    const reader = await viewers.identify(exchange)
    if (reader.kind === 'stranger') {
      throw new AppError('UNAUTHORIZED', 'This needs the token of whoever signed the manifest.', {
        hint: 'Log in with your owner key, and send the token as Authorization: Bearer <token>',
      })
    }
    const body = await this.#read(exchange, MAX_MANIFEST_BYTES, z.record(z.string(), z.unknown()))
    const { mediaId, soul, isSigned, isPublished } = await relay.receive(body, reader, this.#isTellable)
    sendJson(exchange, 200, { success: true, mediaId, soul, signed: isSigned, published: isPublished })
  }

  async #present(exchange: Exchange): Promise<void> {
    const { viewers, relay } = this.#options
    this.#spend(exchange)
    await viewers.requireOwner(exchange)
    const claim = await this.#read(exchange, MAX_PRESENCE_BYTES, PresenceRequest)
    sendJson(exchange, 200, { success: true, signed: await relay.present(claim, this.#isTellable) })
  }

  async #put(exchange: Exchange): Promise<void> {
    const { viewers, relay, library } = this.#options
    this.#spend(exchange)
    await viewers.requireOwner(exchange)
    const { soul, data } = await this.#read(exchange, MAX_NODE_BYTES, PutRequest)
    await relay.put(soul, data, {
      isTellable: this.#isTellable,
      isHeld: (mediaId) => library.get(mediaId) !== undefined,
    })
    sendJson(exchange, 200, { success: true, soul })
  }

  async #get(exchange: Exchange): Promise<void> {
    const { viewers, relay, library } = this.#options
    const reader: Reader = await viewers.identify(exchange)
    this.#spend(exchange)
    const soul = Soul.safeParse(exchange.query.get('soul'))
    if (!soul.success) throw new AppError('BAD_REQUEST', 'This needs the name of a node: ?soul=…')
    const data = await relay.get(soul.data, {
      mayRead: (rule) => canRead(reader, rule),
      held: (mediaId) => library.get(mediaId, { isTrashIncluded: true }),
    })
    if (data === undefined) throw new AppError('NOT_FOUND', 'There is nothing of that name.')
    // What one reader may see is not for any page to read: only what a stranger was given is.
    sendJson(exchange, 200, { success: true, data }, reader.kind === 'stranger' ? PUBLIC_HEADERS : {})
  }

  /** What is held here and private, or in the clear for a few, is told to nobody. */
  readonly #isTellable = (mediaId: string): boolean => {
    const row = this.#options.library.get(mediaId, { isTrashIncluded: true })
    return row === undefined || isTold(row.accessLevel, row.protection !== 'none')
  }

  #spend({ clientKey, isLoopback }: Exchange): void {
    const { buckets, limits } = this.#options
    const rate = limits.rates.relay[isLoopback ? 'loopback' : 'stranger']
    const waitMs = buckets.take(`relay ${clientKey}`, rate)
    if (waitMs > 0) throw rateLimited(waitMs)
  }

  async #read<T extends z.ZodType>(exchange: Exchange, maxBytes: number, schema: T): Promise<z.output<T>> {
    const body = await readJson(exchange, maxBytes, this.#options.limits.bodyTimeoutMs)
    const parsed = schema.safeParse(body)
    if (parsed.success) return parsed.data
    const field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new AppError(
      'BAD_REQUEST',
      field === '' ? 'The body is not an object.' : `The field “${field}” is not valid.`.slice(0, 300),
    )
  }
}
