import { lookup as systemLookup } from 'node:dns/promises'
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { AppError } from '../contract/index.ts'
import { isGlobalAddress } from './addresses.ts'
import { guardedBody, silent, tooLarge, type MinRate } from './guarded-body.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}
/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>

export interface Agents {
  readonly http: http.Agent
  readonly https: https.Agent
}

export interface GuardedRequestOptions {
  /** @defaultValue GET */
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  /** Of a `POST`, which is never redirected; UTF-8. */
  readonly requestBody?: string
  /** The longest body accepted. */
  readonly maxBytes: number
  /** From the call to the last byte of the body; `Infinity` leaves only the idle time and the minimum rate. */
  readonly timeoutMs: number
  /** Longest silence, while connecting, before the answer and within the body. @defaultValue 20 000 */
  readonly idleTimeoutMs?: number
  readonly minRate?: MinRate
  /** @defaultValue 3 */
  readonly maxRedirects?: number
  /**
   * Hosts that the user typed in and that may therefore be on this machine or network, on any port.
   * It is asked for the first address and for redirects within its origin, never for another origin.
   * @param hostname without port and brackets
   */
  readonly allowPrivateHosts?: (hostname: string, url: URL) => boolean
  readonly signal?: AbortSignal | undefined
  /** @defaultValue the operating system's resolver */
  readonly resolve?: Resolve | undefined
  /** Keep-alive pools: never the same for private and for guarded hosts. @defaultValue one connection per request */
  readonly agents?: ((isPrivateAllowed: boolean) => Agents) | undefined
}

export interface GuardedResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Must be read to its end or destroyed. */
  readonly body: Readable
  readonly finalUrl: string
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const CREDENTIAL_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization'])

const systemResolve: Resolve = (hostname) => systemLookup(hostname, { all: true, verbatim: true })

/**
 * One HTTP request to an address that somebody else chose. Every address the name resolves to must be on the
 * public internet (or the host explicitly allowed), the connection goes to the address that was judged, and
 * each redirect is judged anew. Any status is an answer; redirects are followed.
 * @throws {AppError} `BAD_REQUEST` not an address; `UNSAFE_ADDRESS` leads where it must not; `SOURCE_FAILED`
 * no usable answer; `TIMEOUT`; `PAYLOAD_TOO_LARGE`; `CANCELLED`. The body fails with the same.
 */
export async function guardedRequest(
  address: string | URL,
  options: GuardedRequestOptions,
): Promise<GuardedResponse> {
  let url = parseAddress(address)
  let isAllowanceOpen = true
  let headers = { ...options.headers, 'accept-encoding': 'identity' }
  const deadline = new AbortController()
  const timer = Number.isFinite(options.timeoutMs)
    ? setTimeout(() => deadline.abort(overdue(url.host, options.timeoutMs)), options.timeoutMs)
    : undefined
  const cancel = (): void => deadline.abort(cancelled())
  if (options.signal?.aborted === true) cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  const release = (): void => {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', cancel)
  }

  try {
    for (let redirects = 0; ; redirects += 1) {
      const isPrivateAllowed = isAllowanceOpen && (options.allowPrivateHosts?.(bareHost(url), url) ?? false)
      judgeUrl(url, isPrivateAllowed)
      const response = await send(url, headers, isPrivateAllowed, options, deadline.signal)
      const target = redirectTarget(response, url)
      if (target === null) return answer(response, url, options, deadline.signal, release)
      response.destroy()
      if (redirects >= (options.method === 'POST' ? 0 : (options.maxRedirects ?? 3))) {
        throw new AppError('SOURCE_FAILED', `${url.host} redirects too often.`)
      }
      if (url.protocol === 'https:' && target.protocol === 'http:') {
        throw new AppError(
          'UNSAFE_ADDRESS',
          `${url.host} redirects from a secure address to an insecure one.`,
        )
      }
      if (target.origin !== url.origin) {
        isAllowanceOpen = false
        headers = withoutCredentials(headers)
      }
      url = target
    }
  } catch (error) {
    release()
    throw error
  }
}

function parseAddress(address: string | URL): URL {
  if (typeof address !== 'string') return new URL(address)
  if (!URL.canParse(address)) {
    throw new AppError('BAD_REQUEST', 'This is not an address that can be fetched.', {
      hint: 'An address looks like https://example.org/file.mp4.',
    })
  }
  return new URL(address)
}

function judgeUrl(url: URL, isPrivateAllowed: boolean): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError('UNSAFE_ADDRESS', 'Only http and https addresses are fetched.')
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('UNSAFE_ADDRESS', 'Addresses with a user name or password in them are not fetched.')
  }
  if (isPrivateAllowed) return
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port)
  if (port !== 80 && port !== 443 && port < 1024) {
    throw new AppError(
      'UNSAFE_ADDRESS',
      `Port ${port} of ${bareHost(url)} belongs to another service; it is not contacted.`,
    )
  }
  // Node asks `lookup` only for names, so addresses in the URL are judged here.
  const host = bareHost(url)
  if (isIP(host) !== 0 && !isGlobalAddress(host)) throw unsafe(host)
}

async function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  isPrivateAllowed: boolean,
  options: GuardedRequestOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const idleTimeoutMs = options.idleTimeoutMs ?? 20_000
  const agents = options.agents?.(isPrivateAllowed)
  const client = url.protocol === 'https:' ? https : http
  const attempt = (isRetry: boolean): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(describeFailure(signal.reason, url.host))
        return
      }
      const request = client.request({
        protocol: url.protocol,
        hostname: bareHost(url),
        port: url.port === '' ? undefined : Number(url.port),
        path: `${url.pathname}${url.search}`,
        method: options.method ?? 'GET',
        headers: { ...headers, ...lengthOf(options.requestBody), host: url.host },
        agent: agents === undefined ? false : url.protocol === 'https:' ? agents.https : agents.http,
        lookup: guardedLookup(isPrivateAllowed, options.resolve ?? systemResolve),
        signal,
      })
      const idle = setTimeout(() => request.destroy(silent(url.host, idleTimeoutMs)), idleTimeoutMs)
      request.on('error', (error) => {
        clearTimeout(idle)
        // A kept connection that the other side was just closing says nothing about the other side.
        const isStale = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
        if (isStale && !isRetry && !signal.aborted) resolve(attempt(true))
        else reject(describeFailure(signal.aborted ? signal.reason : error, url.host))
      })
      request.on('response', (response) => {
        clearTimeout(idle)
        resolve(response)
      })
      request.end(options.requestBody)
    })
  return attempt(false)
}

/** A `lookup` that refuses a name when any of its addresses is private, and connects only to what it judged. */
function guardedLookup(isPrivateAllowed: boolean, resolveAll: Resolve): LookupFunction {
  const judge = async (hostname: string): Promise<readonly ResolvedAddress[]> => {
    const addresses = await resolveAll(hostname)
    if (addresses.length === 0) throw new AppError('SOURCE_FAILED', `${hostname} has no address.`)
    if (!isPrivateAllowed && addresses.some(({ address }) => !isGlobalAddress(address)))
      throw unsafe(hostname)
    return addresses
  }
  return (hostname, options, callback) => {
    const answerWith = (addresses: readonly ResolvedAddress[]): void => {
      const [first] = addresses
      if (options.all === true) callback(null, [...addresses])
      else callback(null, first?.address ?? '', first?.family)
    }
    const refuse = (error: unknown): void =>
      callback(error instanceof Error ? error : new Error('lookup failed'), '')
    void judge(hostname).then(answerWith, refuse)
  }
}

function redirectTarget(response: IncomingMessage, base: URL): URL | null {
  const location = response.headers.location
  if (location === undefined || !REDIRECTS.has(response.statusCode ?? 0)) return null
  if (!URL.canParse(location, base.href)) {
    response.destroy()
    throw new AppError('SOURCE_FAILED', `${base.host} redirects to something that is not an address.`)
  }
  return new URL(location, base.href)
}

function answer(
  response: IncomingMessage,
  url: URL,
  options: GuardedRequestOptions,
  signal: AbortSignal,
  release: () => void,
): GuardedResponse {
  const encoding = response.headers['content-encoding']
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    response.destroy()
    throw new AppError(
      'SOURCE_FAILED',
      `${url.host} sends its answer compressed although it was asked not to.`,
    )
  }
  const announced = Number(response.headers['content-length'] ?? 0)
  if (options.method !== 'HEAD' && announced > options.maxBytes) {
    response.destroy()
    throw tooLarge(url.host, options.maxBytes)
  }
  const body = guardedBody(response, {
    host: url.host,
    maxBytes: options.maxBytes,
    idleTimeoutMs: options.idleTimeoutMs ?? 20_000,
    minRate: options.minRate,
    onClose: () => {
      signal.removeEventListener('abort', abandon)
      release()
    },
    describe: (error) => describeFailure(signal.aborted ? signal.reason : error, url.host),
  })
  const abandon = (): void => void body.destroy(describeFailure(signal.reason, url.host))
  signal.addEventListener('abort', abandon, { once: true })
  if (options.method === 'HEAD') body.resume()
  return { status: response.statusCode ?? 0, headers: response.headers, body, finalUrl: url.href }
}

/** A network failure in one plain sentence that names the host and nothing else. */
function describeFailure(error: unknown, host: string): AppError {
  if (error instanceof AppError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = FAILURES.find(([pattern]) => pattern.test(code))?.[1] ?? 'broke off the connection.'
  return new AppError('SOURCE_FAILED', `${host} ${message}`, {
    cause: error,
    hint: 'Try again later, or use another source.',
  })
}

const FAILURES: readonly (readonly [RegExp, string])[] = [
  [
    /^(ENOTFOUND|EAI_AGAIN|ENODATA)$/,
    'could not be found: the name has no address, or there is no connection.',
  ],
  [/^ECONNREFUSED$/, 'does not accept connections.'],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|EADDRNOTAVAIL)$/, 'cannot be reached.'],
  [/CERT|SIGNATURE|_TLS_|^ERR_SSL|^EPROTO$/, 'has no valid certificate, so the connection is not safe.'],
  [/^HPE_/, 'does not answer as a web server should.'],
]

function unsafe(host: string): AppError {
  return new AppError('UNSAFE_ADDRESS', `${host} is not on the public internet, so it is not contacted.`, {
    hint: 'An address on this machine or network is used only when you give it yourself.',
  })
}

function overdue(host: string, timeoutMs: number): AppError {
  return new AppError('TIMEOUT', `${host} did not finish within ${Math.ceil(timeoutMs / 1000)} seconds.`, {
    hint: 'Try again later, or use another source.',
  })
}

function cancelled(): AppError {
  return new AppError('CANCELLED', 'The request was cancelled.')
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

function lengthOf(requestBody: string | undefined): Readonly<Record<string, string>> {
  return requestBody === undefined ? {} : { 'content-length': String(Buffer.byteLength(requestBody)) }
}

function withoutCredentials<T extends Readonly<Record<string, string>>>(headers: T): T {
  // Only optional keys go; `accept-encoding` stays, so the shape holds.
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !CREDENTIAL_HEADERS.has(name.toLowerCase())),
  ) as T
}
