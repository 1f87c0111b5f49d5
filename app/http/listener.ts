import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError } from '../contract/index.ts'
import { findFreePort } from '../free-port.ts'
import type { Log } from '../ports/log.ts'
import { HttpProblem, sendProblem } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'

export interface ListenerOptions {
  readonly limits: HttpLimits
  readonly log: Log
  /** Answers one request; what it throws becomes a problem answer. */
  readonly handle: (exchange: Exchange) => Promise<void> | void
  /** The setting its port comes from, for whoever has to choose another one. */
  readonly portSetting: 'port' | 'controlPort'
  /** Lets a request without a Host header through to `handle`, which refuses it in its own words. */
  readonly isHostCheckedByHandler?: boolean
  /** Takes over the socket of a request to speak another protocol; without it, and for paths it declines, there is none. */
  readonly upgrade?: UpgradeHandler | undefined
}

/** @returns whether the request was its own; the socket is then no longer ours */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean

/** One HTTP/1.1 server with every timeout and limit set (Node's and Fastify's defaults leave most of them off). */
export class Listener {
  readonly #server: Server
  readonly #limits: HttpLimits
  readonly #log: Log
  readonly #handle: ListenerOptions['handle']
  readonly #portSetting: ListenerOptions['portSetting']
  readonly #socketsByClient = new Map<string, number>()
  /** Connections that speak HTTP; who takes one over to speak something else ends it, too. */
  readonly #open = new Set<Duplex>()
  #isDrained: PromiseWithResolvers<void> | undefined

  constructor({
    limits,
    log,
    handle,
    portSetting,
    isHostCheckedByHandler = false,
    upgrade,
  }: ListenerOptions) {
    this.#limits = limits
    this.#log = log
    this.#handle = handle
    this.#portSetting = portSetting
    this.#server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      // Bodies are timed by whoever reads them: uploads by their pace, the rest by a total.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
      maxHeaderSize: limits.maxHeaderBytes,
      requireHostHeader: !isHostCheckedByHandler,
      noDelay: true,
    })
    this.#server.timeout = limits.idleTimeoutMs
    this.#server.maxConnections = limits.maxConnections
    this.#server.maxRequestsPerSocket = limits.maxRequestsPerSocket
    this.#server.on('connection', (socket) => this.#admit(socket))
    this.#server.on('request', (req, res) => void this.#serve(req, res, false))
    this.#server.on('checkContinue', (req, res) => void this.#serve(req, res, true))
    this.#server.on('checkExpectation', (req, res) => {
      const error = new AppError('BAD_REQUEST', 'This node understands no expectation but 100-continue.')
      sendProblem({ req, res }, error, { status: 417 })
    })
    this.#server.on('clientError', (error, socket) => refuseBrokenRequest(error, socket))
    if (upgrade !== undefined) {
      this.#server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (upgrade(req, socket, head)) this.#forget(socket)
        else refuseUpgrade(socket)
      })
    }
  }

  /**
   * @param reservedPorts never offered as the free one: they are about to be used by ourselves
   * @returns the port it listens on
   * @throws {AppError} `PORT_IN_USE` with `details { setting, port, free }`; `BAD_REQUEST` when the address can't be used at all
   */
  async listen(host: string, port: number, reservedPorts: readonly number[] = []): Promise<number> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject)
        this.#server.listen({ host, port, backlog: 511 }, () => {
          this.#server.off('error', reject)
          resolve()
        })
      })
    } catch (error) {
      throw await describeListenError(error, { host, port, setting: this.#portSetting, reservedPorts })
    }
    this.#server.on('error', (error) => this.#log.error('http.server-error', { error }))
    // TCP listeners always have an AddressInfo; strings are for pipes.
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Takes no new connections, lets running answers end for `stopGraceMs`, then cuts the rest. Does not wait for what was
   * upgraded. Idempotent.
   */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#isDrained = Promise.withResolvers<void>()
    if (this.#open.size === 0) this.#isDrained.resolve()
    this.#server.closeIdleConnections()
    const cut = setTimeout(() => this.#server.closeAllConnections(), this.#limits.stopGraceMs)
    await this.#isDrained.promise
    clearTimeout(cut)
  }

  #forget(socket: Duplex): void {
    this.#open.delete(socket)
    if (this.#open.size === 0) this.#isDrained?.resolve()
  }

  #admit(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#forget(socket))
    const { clientKey, isLoopback } = identifyClient(socket.remoteAddress)
    if (isLoopback) return
    const open = (this.#socketsByClient.get(clientKey) ?? 0) + 1
    if (open > this.#limits.maxConnectionsPerClient) {
      socket.destroy()
      return
    }
    this.#socketsByClient.set(clientKey, open)
    socket.once('close', () => {
      const left = (this.#socketsByClient.get(clientKey) ?? 1) - 1
      if (left > 0) this.#socketsByClient.set(clientKey, left)
      else this.#socketsByClient.delete(clientKey)
    })
  }

  async #serve(req: IncomingMessage, res: ServerResponse, isContinueExpected: boolean): Promise<void> {
    req.on('error', ignoreClientGone)
    res.on('error', ignoreClientGone)
    if (req.headers['transfer-encoding'] !== undefined || hasBody(req)) {
      res.once('finish', () => lingerOverUnreadBody(req, this.#limits.lingerMs))
    }
    try {
      const exchange = openExchange(req, res, isContinueExpected)
      refuseEncodedBody(req)
      await this.#handle(exchange)
    } catch (error) {
      this.#answerError(req, res, error)
    }
  }

  #answerError(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    if (res.destroyed || (req.destroyed && !req.complete)) {
      if (!(error instanceof AppError || error instanceof HttpProblem)) {
        this.#log.debug('http.client-gone', { error })
      }
      res.destroy()
      return
    }
    if (error instanceof HttpProblem) {
      sendProblem({ req, res }, error.error, error.options)
      return
    }
    if (!(error instanceof AppError)) this.#log.error('http.bug', { method: req.method, error })
    sendProblem({ req, res }, error)
  }
}

function openExchange(req: IncomingMessage, res: ServerResponse, isContinueExpected: boolean): Exchange {
  const target = req.url ?? ''
  const cut = target.indexOf('?')
  return {
    req,
    res,
    method: req.method ?? 'GET',
    path: cut === -1 ? target : target.slice(0, cut),
    query: new URLSearchParams(cut === -1 ? '' : target.slice(cut + 1)),
    ...identifyClient(req.socket.remoteAddress),
    isContinueExpected,
  }
}

/** Whose budget a connection from `address` draws on. IPv6 clients own a /64, so that is what is counted. */
export function identifyClient(address: string | undefined): { clientKey: string; isLoopback: boolean } {
  const plain = (address ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, '')
  const isLoopback = plain === '::1' || plain.startsWith('127.')
  if (isIP(plain) !== 6) return { clientKey: plain, isLoopback }
  const [head = '', tail] = plain.split('::')
  const headGroups = head === '' ? [] : head.split(':')
  const tailGroups = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - headGroups.length - tailGroups.length
  const groups = [...headGroups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...tailGroups]
  return { clientKey: `${groups.slice(0, 4).join(':')}::/64`, isLoopback }
}

function hasBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length']
  return length !== undefined && length !== '0'
}

/** A compressed body could be a bomb; nobody who talks to us needs one. */
function refuseEncodedBody(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding']
  if (encoding === undefined || encoding.trim().toLowerCase() === 'identity') return
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'This node takes no compressed request bodies.', {
    hint: 'Send it without Content-Encoding.',
  })
}

/**
 * We answered before the body was all here. Closing at once would reset the connection and the client might never see the answer,
 * so its body is read and dropped for a moment, then the connection is cut.
 */
function lingerOverUnreadBody(req: IncomingMessage, lingerMs: number): void {
  if (req.complete) return
  req.resume()
  const cut = setTimeout(() => req.socket.destroy(), lingerMs)
  req.once('close', () => clearTimeout(cut))
  req.once('end', () => clearTimeout(cut))
}

function refuseUpgrade(socket: Duplex): void {
  socket.on('error', ignoreClientGone)
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () =>
    socket.destroy(),
  )
}

function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

async function describeListenError(
  error: unknown,
  {
    host,
    port,
    setting,
    reservedPorts,
  }: { host: string; port: number; setting: string; reservedPorts: readonly number[] },
): Promise<unknown> {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE': {
      const free = await findFreePort(host, port + 1, reservedPorts)
      return new AppError('PORT_IN_USE', `Port ${port} is already used by another program.`, {
        hint: `Close that program, or use port ${free}, which is free.`,
        details: { setting, port, free },
        cause: error,
      })
    }
    case 'EACCES': {
      const free = await findFreePort(host, Math.max(port + 1, 8765), reservedPorts)
      return new AppError('PORT_IN_USE', `Port ${port} may only be opened by an administrator.`, {
        hint: `Use port ${free}, which is free.`,
        details: { setting, port, free },
        cause: error,
      })
    }
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new AppError('BAD_REQUEST', `This computer has no network address “${host}” to listen on.`, {
        hint: 'Set the host to 127.0.0.1, 0.0.0.0 or an address of this computer.',
        cause: error,
      })
    default:
      return error
  }
}

/** A client that goes away is no event: whoever was answering it notices by the stream being destroyed. */
function ignoreClientGone(): void {
  // Nothing to do.
}
