import { WebSocket } from 'ws'
import type { RelayStatus } from './gun-protocol.ts'
import { askTime } from './relay-time.ts'

export const MAX_FRAME_BYTES = 256 * 1024

interface RelayLinkOptions {
  readonly url: string
  readonly nowMs: () => number
  readonly onOpen: (say: (text: string) => void) => void
  readonly onClose: () => void
  /** @returns milliseconds for which nothing more is to be read from it */
  readonly onFrame: (text: string) => number
  readonly onStatus: (status: RelayStatus) => void
  /** What time it is there, asked now and then. */
  readonly onTime: (atMs: number) => void
}

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 60_000
const HANDSHAKE_MS = 10_000
/** A relay that answers no ping for this long is gone. */
const PING_EVERY_MS = 25_000
const ASK_TIME_EVERY_MS = 5 * 60_000
/** Unsent bytes at which a relay is given up: it takes nothing any more. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024

/** One connection to a relay that the user listed, kept up as long as this lives. No other address is ever dialled. */
export class RelayLink {
  readonly #options: RelayLinkOptions
  #socket: WebSocket | undefined
  #timer: NodeJS.Timeout | undefined
  #attempts = 0
  #isAlive = false
  #isStopped = false
  #askedTimeAtMs = -Infinity
  #status: RelayStatus

  constructor(options: RelayLinkOptions) {
    this.#options = options
    this.#status = { url: options.url, state: 'connecting', sinceMs: options.nowMs() }
  }

  get status(): RelayStatus {
    return this.#status
  }

  start(): void {
    this.#connect()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#socket?.terminate()
  }

  #connect(): void {
    // One that did not answer is not said to be on its way with every try.
    if (this.#attempts === 0) this.#set('connecting')
    let error: string | undefined
    const socket = new WebSocket(socketUrl(this.#options.url), {
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    })
    this.#socket = socket
    socket.on('open', () =>
      this.#opened(socket, () => {
        error = 'It takes nothing any more.'
        socket.terminate()
      }),
    )
    socket.on('message', (data, isBinary) => {
      if (isBinary) return
      this.#isAlive = true
      // Text frames come as one Buffer unless ws is told otherwise.
      const waitMs = this.#options.onFrame((data as Buffer).toString('utf8'))
      if (waitMs > 0) pauseFor(socket, waitMs)
    })
    socket.on('pong', () => (this.#isAlive = true))
    socket.on('error', (cause) => (error = wordsOf(cause)))
    socket.on('close', () => {
      if (this.#status.state === 'open') this.#options.onClose()
      // It may have slept, and the clock been put right.
      this.#askedTimeAtMs = -Infinity
      if (this.#isStopped) return
      clearTimeout(this.#timer)
      this.#set('waiting', error)
      const delayMs =
        Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts) * (0.7 + Math.random() * 0.6)
      this.#attempts += 1
      this.#timer = setTimeout(() => this.#connect(), delayMs)
    })
  }

  #opened(socket: WebSocket, giveUp: () => void): void {
    this.#attempts = 0
    this.#isAlive = true
    this.#set('open')
    this.#askTime(socket)
    this.#timer = setInterval(() => {
      this.#askTime(socket)
      if (!this.#isAlive) return socket.terminate()
      this.#isAlive = false
      socket.ping()
    }, PING_EVERY_MS)
    this.#options.onOpen((text) => {
      if (socket.readyState !== WebSocket.OPEN) return
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) giveUp()
      else socket.send(text)
    })
  }

  #askTime(socket: WebSocket): void {
    const nowMs = performance.now()
    if (nowMs - this.#askedTimeAtMs < ASK_TIME_EVERY_MS) return
    this.#askedTimeAtMs = nowMs
    void askTime(this.#options.url).then((atMs) => {
      if (atMs !== undefined && socket.readyState === WebSocket.OPEN) this.#options.onTime(atMs)
    })
  }

  #set(state: RelayStatus['state'], error?: string): void {
    const sinceMs = this.#options.nowMs()
    this.#status = { url: this.#options.url, state, sinceMs, ...(error === undefined ? {} : { error }) }
    this.#options.onStatus(this.#status)
  }
}

/** Takes nothing from a socket for a while; what it sends meanwhile waits on its own side. */
function pauseFor(socket: WebSocket, waitMs: number): void {
  if (socket.isPaused) return
  socket.pause()
  setTimeout(() => socket.resume(), waitMs).unref()
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there.',
  ENOTFOUND: 'There is no computer of that name.',
  EAI_AGAIN: 'The name can’t be looked up right now.',
  ETIMEDOUT: 'It does not answer in time.',
  EHOSTUNREACH: 'There is no way there from this computer.',
  ENETUNREACH: 'There is no way there from this computer.',
  ECONNRESET: 'It broke off the connection.',
  CERT_HAS_EXPIRED: 'Its certificate has expired.',
}

/** What a person can make of it; what is rare stays as the system says it. */
function wordsOf(error: NodeJS.ErrnoException): string {
  return WHY[error.code ?? ''] ?? error.message.slice(0, 200)
}

/** As GUN's users write relays: http or ws, with or without the path. */
function socketUrl(url: string): string {
  const parsed = new URL(url.replace(/^http/i, 'ws'))
  if (parsed.pathname === '/') parsed.pathname = '/gun'
  return parsed.href
}
