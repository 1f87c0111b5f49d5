import { Readable } from 'node:stream'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import { MAX_METAINFO_BYTES } from '../seeding/index.ts'
import { collectBody, type GuardedRequestOptions, type GuardedResponse } from '../outbound/index.ts'
import type { NodeLogins } from './node-logins.ts'
import type { WebSource } from './web-source.ts'

/** What fetching needs of `Outbound`. */
export interface OutboundRequests {
  request(url: string | URL, options: GuardedRequestOptions): Promise<GuardedResponse>
}

/** Bytes from an offset on, and how many there are in all. */
export interface OpenedSource {
  /** Where the stream begins: where it was asked to, or 0 from a server that only gives whole files. */
  readonly startsAt: number
  readonly totalBytes: number
  readonly body: Readable
}

const MIN_RATE = { bytesPerSec: 4096, overMs: 20_000 }
const MAX_INFO_BYTES = 5 * 1024 * 1024
const MAX_PROBLEM_BYTES = 64 * 1024
/** As a node answers 410; see the HTTP API. */
const Problem = z.looseObject({
  code: z.literal('WITHDRAWN'),
  revocation: z.record(z.string(), z.unknown()),
})

/** An HTTP server that has the item: the whole of it, any range of it, and on a node what it knows about it. */
export class HttpSource {
  readonly source: WebSource
  /** It has answered a request for a part with the whole. */
  isWholeOnly = false
  readonly #outbound: OutboundRequests
  readonly #logins: NodeLogins | undefined
  readonly #onRevocation: ((value: unknown) => void) | undefined
  #bytesUrl: URL

  /** @param onRevocation told what a node says the owner of an item withdrew it with; unchecked */
  constructor(
    source: WebSource,
    outbound: OutboundRequests,
    logins?: NodeLogins,
    onRevocation?: (value: unknown) => void,
  ) {
    this.#onRevocation = onRevocation
    this.source = source
    this.#bytesUrl = source.bytesUrl
    this.#outbound = outbound
    this.#logins = source.loginNode === undefined ? undefined : logins
  }

  get label(): string {
    return this.source.label
  }

  get kind(): WebSource['kind'] {
    return this.source.kind
  }

  /**
   * @param start first byte
   * @param endExclusive byte after the last
   * @throws {AppError} when it gives anything but exactly these bytes
   */
  async read(start: number, endExclusive: number, signal: AbortSignal): Promise<Uint8Array> {
    const length = endExclusive - start
    const response = await this.#getBytes({
      headers: { range: `bytes=${start}-${endExclusive - 1}` },
      maxBytes: Number.MAX_SAFE_INTEGER,
      timeoutMs: 5 * 60_000,
      signal,
    })
    const range = contentRange(response)
    if (response.status !== 206 || range?.start !== start || range.endExclusive !== endExclusive) {
      response.body.destroy()
      if (response.status === 200) {
        this.isWholeOnly = true
        throw new AppError('UNSUPPORTED_MEDIA_TYPE', `${this.label} gives files only whole, not in parts.`)
      }
      throw statusError(this.label, response.status)
    }
    const bytes = await collectBody(response.body, length)
    if (bytes.length !== length)
      throw new AppError('SOURCE_FAILED', `${this.label} gave fewer bytes than it said.`)
    return bytes
  }

  /**
   * @param offset first byte wanted
   * @param endExclusive as far as it is wanted; a server that gives only whole files gives more
   * @throws {AppError} when it does not have the item, or does not say how long it is
   */
  async open(offset: number, endExclusive: number | undefined, signal: AbortSignal): Promise<OpenedSource> {
    const isWhole = offset === 0 && endExclusive === undefined
    const response = await this.#getBytes({
      headers: isWhole
        ? {}
        : { range: `bytes=${offset}-${endExclusive === undefined ? '' : endExclusive - 1}` },
      maxBytes: Number.MAX_SAFE_INTEGER,
      timeoutMs: Number.POSITIVE_INFINITY,
      signal,
    })
    const { status, body } = response
    const range = contentRange(response)
    const lengthHeader = response.headers['content-length']
    // Asked for what comes after the end (a run that died with the last byte stored): the file is complete.
    const isAtEnd = status === 416 && offset > 0 && response.headers['content-range'] === `bytes */${offset}`
    if (isAtEnd) {
      body.destroy()
      return { startsAt: offset, totalBytes: offset, body: Readable.from([]) }
    }
    const opened =
      status === 206 && range !== null && range.start === offset && range.totalBytes !== null
        ? { startsAt: offset, totalBytes: range.totalBytes, body }
        : status === 200 && lengthHeader !== undefined
          ? { startsAt: 0, totalBytes: Number(lengthHeader), body }
          : null
    if (opened !== null) return opened
    body.destroy()
    if (status === 200)
      throw new AppError('SOURCE_FAILED', `${this.label} does not say how long the file is.`)
    throw statusError(this.label, status)
  }

  /** What the node says about the item (JSON, unchecked). */
  async info(signal: AbortSignal, timeoutMs: number): Promise<unknown> {
    if (this.source.infoUrl === undefined) return null
    const body = await this.#small(this.source.infoUrl, MAX_INFO_BYTES, timeoutMs, signal)
    try {
      return JSON.parse(body.toString('utf8')) as unknown
    } catch {
      throw new AppError('SOURCE_FAILED', `${this.label} does not answer as a node does.`)
    }
  }

  /** The metainfo the node has for the item (unchecked). */
  async metainfo(signal: AbortSignal, timeoutMs: number): Promise<Uint8Array | null> {
    if (this.source.torrentUrl === undefined) return null
    return this.#small(this.source.torrentUrl, MAX_METAINFO_BYTES, timeoutMs, signal)
  }

  async #small(url: URL, maxBytes: number, timeoutMs: number, signal: AbortSignal): Promise<Buffer> {
    const { status, body } = await this.#get(url, { maxBytes, timeoutMs, signal })
    if (status !== 200) {
      body.destroy()
      throw statusError(this.label, status)
    }
    return collectBody(body, maxBytes)
  }

  /** An OIP node has what others have at `/media/<id>` at `/api/media/<id>`; which it was is remembered. */
  async #getBytes(
    options: GuardedRequestOptions & { readonly signal: AbortSignal },
  ): Promise<GuardedResponse> {
    const response = await this.#get(this.#bytesUrl, options)
    const other = this.source.otherBytesUrl
    if (response.status !== 404 || other === undefined || other === this.#bytesUrl) return response
    response.body.destroy()
    const second = await this.#get(other, options)
    if (second.status === 200 || second.status === 206) this.#bytesUrl = other
    return second
  }

  /** Strangers get 404 for what is kept from them: whoever may have it shows who they are and asks again. */
  async #get(
    url: URL,
    options: GuardedRequestOptions & { readonly signal: AbortSignal },
  ): Promise<GuardedResponse> {
    const { isPrivateAllowed, loginNode = '' } = this.source
    const known = this.#logins?.known(loginNode) ?? null
    const response = await this.#request(url, options, known)
    const isKeptBack = response.status === 401 || (response.status === 404 && known === null)
    if (this.#logins === undefined || !isKeptBack) return response
    if (known !== null) this.#logins.drop(loginNode, known)
    const token = await this.#logins.get(loginNode, isPrivateAllowed, options.signal)
    if (token === null) return response
    response.body.destroy()
    return this.#request(url, options, token)
  }

  async #request(url: URL, options: GuardedRequestOptions, token: string | null): Promise<GuardedResponse> {
    const { isPrivateAllowed } = this.source
    const response = await this.#outbound.request(url, {
      minRate: MIN_RATE,
      allowPrivateHosts: (_host, target) => isPrivateAllowed && target.origin === url.origin,
      ...options,
      // A token goes to the node that gave it and nowhere else.
      ...(token === null
        ? {}
        : { headers: { ...options.headers, authorization: `Bearer ${token}` }, maxRedirects: 0 }),
    })
    if (response.status === 410) throw await this.#withdrawn(response)
    return response
  }

  /** What a node says of an item its owner took back; other servers say 410 of what they no longer have. */
  async #withdrawn({ body }: GuardedResponse): Promise<AppError> {
    const problem = await collectBody(body, MAX_PROBLEM_BYTES)
      .then((bytes) => Problem.parse(JSON.parse(bytes.toString('utf8'))))
      .catch(() => undefined)
    body.destroy()
    if (problem === undefined) return statusError(this.label, 410)
    const { revocation } = problem
    this.#onRevocation?.(revocation)
    return new AppError('WITHDRAWN', `${this.label} says that its owner has withdrawn this item.`, {
      hint: 'Ask whoever gave you the link for a new one.',
      details: { revocation, ...pick(revocation['supersededBy']) },
    })
  }
}

const pick = (supersededBy: unknown): { supersededBy?: string } =>
  typeof supersededBy === 'string' ? { supersededBy } : {}

/** Whether trying the same source again later makes no sense. */
export function isPermanent(error: unknown): boolean {
  return error instanceof AppError && PERMANENT.has(error.code)
}

const PERMANENT = new Set([
  'WITHDRAWN',
  'UNAUTHORIZED',
  'NOT_FOUND',
  'UNSAFE_ADDRESS',
  'UNSUPPORTED_MEDIA_TYPE',
  'PAYLOAD_TOO_LARGE',
  'BAD_REQUEST',
])

function contentRange(
  response: GuardedResponse,
): { start: number; endExclusive: number; totalBytes: number | null } | null {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(response.headers['content-range'] ?? '')
  if (match === null) return null
  const [, start = '', end = '', total = ''] = match
  return {
    start: Number(start),
    endExclusive: Number(end) + 1,
    totalBytes: total === '*' ? null : Number(total),
  }
}

function statusError(label: string, status: number): AppError {
  switch (status) {
    case 401:
    case 403:
      return new AppError('UNAUTHORIZED', `${label} keeps this item private.`, {
        hint: 'Ask its owner to make it public or to share it with you.',
      })
    case 404:
    case 410:
      return new AppError('NOT_FOUND', `${label} does not have this item, or keeps it private.`)
    case 416:
      return new AppError('NOT_FOUND', `${label} has a shorter file than what was asked for.`)
    case 429:
    case 503:
      return new AppError('SOURCE_FAILED', `${label} is busy at the moment.`)
    default:
      return new AppError('SOURCE_FAILED', `${label} answers with an error (${status}).`)
  }
}
