import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import type { Log } from '../ports/log.ts'

interface LsdHost {
  peerPort(): number
  /** Somebody in the local network fetches this torrent. */
  onSearch(infoHash: string, address: string): void
}

const GROUP = '239.192.152.143'
const PORT = 6771
const INTERVAL_MS = 5 * 60_000
const MAX_PER_PACKET = 20

/**
 * Finds peers in the local network: downloads announce themselves by multicast, whoever has the file dials them.
 * @see https://www.bittorrent.org/beps/bep_0014.html
 */
export class LocalDiscovery {
  readonly #host: LsdHost
  readonly #log: Log
  readonly #cookie = randomBytes(8).toString('hex')
  readonly #searched = new Set<string>()
  #socket: Socket | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(host: LsdHost, log: Log) {
    this.#host = host
    this.#log = log
  }

  start(): void {
    if (this.#socket !== null) return
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    this.#socket = socket
    socket.on('error', (error) => {
      this.#log.warn('lsd.off', { reason: error.message })
      this.close()
    })
    socket.on('message', (message, { address }) => this.#onMessage(message, address))
    socket.bind(PORT, () => {
      try {
        socket.addMembership(GROUP)
        socket.setMulticastTTL(1)
      } catch (error) {
        this.#log.warn('lsd.off', { reason: String(error) }) // no network that takes multicast
      }
      this.#announce([...this.#searched])
    })
    this.#timer = setInterval(() => this.#announce([...this.#searched]), INTERVAL_MS).unref()
  }

  search(infoHash: string): void {
    this.#searched.add(infoHash)
    this.#announce([infoHash])
  }

  forget(infoHash: string): void {
    this.#searched.delete(infoHash)
  }

  close(): void {
    clearInterval(this.#timer)
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  #announce(infoHashes: readonly string[]): void {
    for (let at = 0; at < infoHashes.length; at += MAX_PER_PACKET) {
      const lines = [
        'BT-SEARCH * HTTP/1.1',
        `Host: ${GROUP}:${String(PORT)}`,
        `Port: ${String(this.#host.peerPort())}`,
        ...infoHashes.slice(at, at + MAX_PER_PACKET).map((infoHash) => `Infohash: ${infoHash}`),
        `cookie: ${this.#cookie}`,
        '',
        '',
        '',
      ]
      this.#socket?.send(lines.join('\r\n'), PORT, GROUP, () => undefined) // nobody listening is not an error
    }
  }

  #onMessage(message: Buffer, address: string): void {
    const text = message.toString('latin1', 0, 1400)
    if (!text.startsWith('BT-SEARCH') || text.includes(this.#cookie)) return
    const port = Number(/^Port: *(\d{1,5})\r?$/im.exec(text)?.[1])
    if (!(port > 0 && port < 65_536)) return
    for (const match of text.matchAll(/^Infohash: *([0-9a-f]{40})\r?$/gim)) {
      if (match[1] !== undefined) this.#host.onSearch(match[1].toLowerCase(), `${address}:${String(port)}`)
    }
  }
}
