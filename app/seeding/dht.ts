import type { Dht } from 'webtorrent'
import type { Log } from '../ports/log.ts'

interface DhtHost {
  onPeers(infoHash: string, addresses: readonly string[]): void
}

const REANNOUNCE_MS = 20 * 60_000
const LOOKUP_MS = 2 * 60_000
/** One walk through the DHT takes seconds and some hundred packets: few at a time. */
const PARALLEL_WALKS = 2
/** One that has not ended by then never will. */
const MAX_WALK_MS = 60_000

interface Entry {
  readonly infoHash: string
  readonly isLeech: boolean
  dueAtMs: number
}

/** Announces public torrents in the DHT, in turn, and looks peers up for downloads (BEP 5). */
export class DhtAnnouncer {
  readonly #dht: Dht
  readonly #peerPort: () => number
  readonly #log: Log
  readonly #entries = new Map<string, Entry>()
  #walks = 0
  #timer: NodeJS.Timeout | undefined

  constructor(dht: Dht, peerPort: () => number, host: DhtHost, log: Log) {
    this.#dht = dht
    this.#peerPort = peerPort
    this.#log = log
    dht.on('peer', (peer: { host: string; port: number }, infoHash: Uint8Array) => {
      const hex = Buffer.from(infoHash).toString('hex')
      if (this.#entries.get(hex)?.isLeech === true) host.onPeers(hex, [`${peer.host}:${String(peer.port)}`])
    })
  }

  add(infoHash: string, isLeech: boolean): void {
    this.#entries.set(infoHash, { infoHash, isLeech, dueAtMs: 0 })
    this.#timer ??= setInterval(() => this.#walk(), 1000).unref()
  }

  remove(infoHash: string): void {
    this.#entries.delete(infoHash)
    if (this.#entries.size === 0) this.close()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #walk(): void {
    if (this.#walks >= PARALLEL_WALKS || this.#dht.destroyed) return
    const nowMs = performance.now()
    const all = [...this.#entries.values()]
    const next =
      all.find((entry) => entry.isLeech && entry.dueAtMs <= nowMs) ??
      all.find((entry) => entry.dueAtMs <= nowMs)
    if (next === undefined) return
    next.dueAtMs = nowMs + (next.isLeech ? LOOKUP_MS : REANNOUNCE_MS)
    this.#walks += 1
    let isOver = false
    const end = (): void => {
      if (!isOver) this.#walks -= 1
      isOver = true
    }
    const timer = setTimeout(end, MAX_WALK_MS).unref()
    this.#dht.announce(next.infoHash, this.#peerPort(), (error) => {
      clearTimeout(timer)
      end()
      if (error !== undefined && error !== null)
        this.#log.debug('dht.announce-failed', { infoHash: next.infoHash })
    })
  }
}
