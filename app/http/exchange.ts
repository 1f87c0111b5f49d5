import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import { ERROR_STATUS, toErrorShape } from '../contract/index.ts'
import type { AppError } from '../contract/index.ts'

/** One request and its answer, with what every route needs to know about it. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly method: string
  /** As sent, never percent-decoded: no route needs a decoded path, and none can be confused by one. */
  readonly path: string
  readonly query: URLSearchParams
  /** Whose budget this comes from: an IPv4 address or an IPv6 /64. */
  readonly clientKey: string
  readonly isLoopback: boolean
  /** The client waits for `100 Continue` before it sends its body. */
  readonly isContinueExpected: boolean
}

/** Who waits while we work is not idle: until `work` has ended, its connection may rest as long as that takes. */
export async function whileWorking<T>(
  { req }: Pick<Exchange, 'req'>,
  idleTimeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  req.socket.setTimeout(0)
  try {
    return await work()
  } finally {
    req.socket.setTimeout(idleTimeoutMs)
  }
}

/** Header names in lower case. */
export type ResponseHeaders = Readonly<Record<string, string | number>>

/** On every answer that is not media: nothing in it may run, be framed, sniffed or kept. */
const BASE_HEADERS: ResponseHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Lets any web page read the answer; only for what any stranger may read anyway. */
export const PUBLIC_HEADERS: ResponseHeaders = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
}

/** Answers with `body`; a HEAD gets the headers alone. */
export function send(
  { req, res }: Pick<Exchange, 'req' | 'res'>,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: ResponseHeaders = {},
): void {
  if (res.headersSent) {
    // The answer had begun: all that is left is to not let a cut-off one look complete.
    res.destroy()
    return
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  res.writeHead(status, {
    ...BASE_HEADERS,
    'content-type': contentType,
    'content-length': bytes.byteLength,
    ...headers,
  })
  res.end(req.method === 'HEAD' ? undefined : bytes)
}

export function sendJson(
  exchange: Pick<Exchange, 'req' | 'res'>,
  status: number,
  value: unknown,
  headers?: ResponseHeaders,
): void {
  send(exchange, status, 'application/json; charset=utf-8', JSON.stringify(value), headers)
}

/** What an answer to an error may say beyond its code. */
export interface ProblemOptions {
  /** Where the code's own status is not the right one over HTTP (405, 408, 417). */
  readonly status?: number
  readonly headers?: ResponseHeaders
  /** Members of its own beside those every problem has (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>
}

const RETRY_AFTER_SEC = 10

/**
 * Answers with problem details; `error` repeats the sentence for OIP's clients, `code` is from the contract's closed set.
 * @see RFC 9457
 */
export function sendProblem(
  exchange: Pick<Exchange, 'req' | 'res'>,
  error: unknown,
  { status, headers, members }: ProblemOptions = {},
): void {
  const { code, message, hint } = toErrorShape(error)
  const finalStatus = status ?? ERROR_STATUS[code]
  const problem = {
    type: 'about:blank',
    title: STATUS_CODES[finalStatus] ?? code,
    status: finalStatus,
    detail: message,
    code,
    error: message,
    ...(hint === undefined ? {} : { hint }),
    ...members,
  }
  send(exchange, finalStatus, 'application/problem+json', JSON.stringify(problem), {
    ...(code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Bearer realm="sower"' } : {}),
    ...(finalStatus === 503 ? { 'retry-after': RETRY_AFTER_SEC } : {}),
    ...headers,
  })
}

/** An expected failure whose HTTP status is not that of its code. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly error: AppError
  readonly options: ProblemOptions

  constructor(error: AppError, options: ProblemOptions) {
    super(error.message, { cause: error })
    this.error = error
    this.options = options
  }
}
