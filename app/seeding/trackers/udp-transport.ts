import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { compactAddresses } from '../extensions.ts'
import {
  intervalOf,
  TrackerRefusal,
  type AnnounceAnswer,
  type AnnounceRequest,
  type Transport,
} from './announce.ts'

const PROTOCOL_ID = Buffer.from('0000041727101980', 'hex')
const ACTION_CONNECT = 0
const ACTION_ANNOUNCE = 1
const ACTION_SCRAPE = 2
const ACTION_ERROR = 3
const TRY_MS = [4000, 8000]
/** A connection id is good for a minute. */
const CONNECTION_MS = 55_000
const EVENTS = { completed: 1, started: 2, stopped: 3 } as const

interface Waiting {
  resolve(this: void, message: Buffer): void
  reject(this: void, error: Error): void
}

/**
 * Announces to a UDP tracker; one socket and one connection id for all torrents.
 * @see https://www.bittorrent.org/beps/bep_0015.html
 */
export class UdpTransport implements Transport {
  readonly #host: string
  readonly #port: number
  readonly #key = randomBytes(4)
  readonly #waiting = new Map<number, Waiting>()
  #socket: Socket | null = null
  #connection: { id: Promise<Buffer>; untilMs: number } | null = null

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#host = hostname.replace(/^\[|\]$/g, '')
    this.#port = port === '' ? 80 : Number(port)
  }

  async announce(request: AnnounceRequest): Promise<AnnounceAnswer> {
    const connectionId = await this.#connect()
    const body = Buffer.alloc(82)
    body.write(request.infoHash, 0, 'hex')
    body.write(request.peerId, 20, 'hex')
    body.writeBigUInt64BE(BigInt(request.left), 48)
    body.writeUInt32BE(request.event === undefined ? 0 : EVENTS[request.event], 64)
    this.#key.copy(body, 72)
    body.writeInt32BE(request.numwant, 76)
    body.writeUInt16BE(request.port, 80)
    const answer = await this.#ask(connectionId, ACTION_ANNOUNCE, body)
    if (answer.length < 20) throw new TrackerRefusal('Its answer was too short.')
    return {
      intervalMs: intervalOf(answer.readUInt32BE(8)),
      peers: compactAddresses(answer.subarray(20)),
      leechers: answer.readUInt32BE(12),
      seeds: answer.readUInt32BE(16),
    }
  }

  /** How many complete copies of this torrent it knows. */
  async scrape(infoHash: string): Promise<number> {
    const answer = await this.#ask(await this.#connect(), ACTION_SCRAPE, Buffer.from(infoHash, 'hex'))
    if (answer.length < 12) throw new TrackerRefusal('Its answer was too short.')
    return answer.readUInt32BE(8)
  }

  close(): void {
    const error = new Error('closed')
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#socket?.close()
    this.#socket = null
    this.#connection = null
  }

  #connect(): Promise<Buffer> {
    if (this.#connection !== null && this.#connection.untilMs > performance.now()) return this.#connection.id
    const id = this.#ask(PROTOCOL_ID, ACTION_CONNECT, Buffer.alloc(0)).then((answer) => {
      if (answer.length < 16) throw new TrackerRefusal('Its answer was too short.')
      return answer.subarray(8, 16)
    })
    this.#connection = { id, untilMs: performance.now() + CONNECTION_MS }
    id.catch(() => (this.#connection = null))
    return id
  }

  async #ask(connectionId: Buffer, action: number, body: Buffer): Promise<Buffer> {
    const transaction = randomBytes(4).readUInt32BE(0)
    const head = Buffer.alloc(16)
    connectionId.copy(head)
    head.writeUInt32BE(action, 8)
    head.writeUInt32BE(transaction, 12)
    const packet = Buffer.concat([head, body])
    const socket = this.#open()
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        this.#waiting.set(transaction, { resolve, reject })
        const attempt = (count: number): void => {
          const waitMs = TRY_MS[count]
          if (waitMs === undefined) {
            reject(new Error('It did not answer.'))
            return
          }
          socket.send(packet, this.#port, this.#host, (error) => {
            if (error !== null) reject(error)
          })
          timer = setTimeout(() => attempt(count + 1), waitMs)
        }
        attempt(0)
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(transaction)
    }
  }

  #open(): Socket {
    if (this.#socket !== null) return this.#socket
    const socket = createSocket(this.#host.includes(':') ? 'udp6' : 'udp4')
    socket.on('message', (message) => this.#onMessage(message))
    socket.on('error', () => undefined) // every send reports its own error
    this.#socket = socket
    return socket
  }

  #onMessage(message: Buffer): void {
    if (message.length < 8) return
    const waiting = this.#waiting.get(message.readUInt32BE(4))
    if (waiting === undefined) return
    if (message.readUInt32BE(0) === ACTION_ERROR)
      waiting.reject(new TrackerRefusal(message.toString('utf8', 8, 208)))
    else waiting.resolve(message)
  }
}
