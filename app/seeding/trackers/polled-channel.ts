import type { TrackerStatus } from '../types.ts'
import { TrackerRefusal, type Announced, type AnnounceEvent, type Transport } from './announce.ts'

/** What announcing channels share. */
export interface ChannelHost {
  /** 40 hex. */
  readonly peerId: string
  peerPort(): number
  nowMs(): number
  /** @param leechers how many of the torrent's peers still miss something */
  onPeers(infoHash: string, addresses: readonly string[], leechers: number): void
  /**
   * @param seeds how many have all of the torrent, as this tracker counts them
   * @param isSelfAmong whether this node is one of them
   */
  onSeeds(infoHash: string, tracker: string, seeds: number, isSelfAmong: boolean): void
  onChange(): void
}

/** Everything that is announced to one tracker. */
export interface Channel {
  readonly url: string
  readonly size: number
  add(announced: Announced): void
  complete(infoHash: string): void
  /** Says `stopped`. */
  remove(infoHash: string): void
  status(): TrackerStatus
  /** Says `stopped` for everything, waiting a moment at most, and closes. */
  close(): Promise<void>
}

interface Entry {
  readonly announced: Announced
  dueAtMs: number
  event: AnnounceEvent | undefined
  isInFlight: boolean
  isRemoved: boolean
}

/** Enough for a seed that can't be reached to find those who want it. */
const SEED_NUMWANT = 10
const MAX_IN_FLIGHT = 8
const MAX_BACKOFF_MS = 30 * 60_000
const CLOSE_MS = 2000
const LEECH_INTERVAL_MS = 60_000

/** At most 20 announces a second over all HTTP and UDP trackers of the node. */
export class Pacer {
  readonly #gapMs: number
  #nextAtMs = 0

  constructor(perSecond = 20) {
    this.#gapMs = 1000 / perSecond
  }

  /** @returns 0 = now (and the turn is taken), else milliseconds to wait */
  waitMs(): number {
    const nowMs = performance.now()
    if (this.#nextAtMs > nowMs) return this.#nextAtMs - nowMs
    this.#nextAtMs = Math.max(this.#nextAtMs + this.#gapMs, nowMs)
    return 0
  }
}

/** Announces many torrents to one HTTP or UDP tracker, evenly, the newest first, resting when the tracker fails. */
export class PolledChannel implements Channel {
  readonly url: string
  readonly #host: ChannelHost
  readonly #transport: Transport
  readonly #pacer: Pacer
  /** Never announced, or with something to say. */
  readonly #fresh = new Map<string, Entry>()
  /** In the order in which they are due: the interval is the same for all seeds. */
  readonly #waiting = new Map<string, Entry>()
  /** Downloads among those waiting: they ask more often. */
  readonly #leeches = new Set<Entry>()
  #inFlight = 0
  #failures = 0
  #restUntilMs = 0
  #timer: NodeJS.Timeout | undefined
  #state: TrackerStatus['state'] = 'connecting'
  #message: string | undefined
  #answeredAtMs: number | undefined
  #isClosed = false

  constructor(url: string, transport: Transport, pacer: Pacer, host: ChannelHost) {
    this.url = url
    this.#transport = transport
    this.#pacer = pacer
    this.#host = host
  }

  get size(): number {
    return this.#fresh.size + this.#waiting.size
  }

  add(announced: Announced): void {
    this.#fresh.set(announced.infoHash, {
      announced,
      dueAtMs: 0,
      event: 'started',
      isInFlight: false,
      isRemoved: false,
    })
    this.#schedule()
  }

  complete(infoHash: string): void {
    const entry = this.#waiting.get(infoHash)
    if (entry === undefined) return
    this.#waiting.delete(infoHash)
    this.#leeches.delete(entry)
    this.#fresh.set(infoHash, { ...entry, event: 'completed', isInFlight: false })
    this.#schedule()
  }

  remove(infoHash: string): void {
    this.#fresh.delete(infoHash)
    const entry = this.#waiting.get(infoHash)
    this.#waiting.delete(infoHash)
    if (entry === undefined) return
    this.#leeches.delete(entry)
    entry.isRemoved = true
    // What is on its way must arrive before it can be taken back.
    if (!entry.isInFlight && this.#state === 'working') this.#sayStopped(entry)
  }

  status(): TrackerStatus {
    return {
      url: this.url,
      state: this.size === 0 && this.#answeredAtMs === undefined ? 'off' : this.#state,
      ...(this.#message === undefined ? {} : { message: this.#message }),
      ...(this.#answeredAtMs === undefined ? {} : { lastAnsweredAtMs: this.#answeredAtMs }),
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    if (this.#state === 'working') {
      // With very many, trackers forget the rest by themselves.
      const goodbyes = [...this.#waiting.values()]
        .slice(0, 200)
        .map((entry) => this.#announce(entry, 'stopped'))
      await Promise.race([
        Promise.allSettled(goodbyes),
        new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref()),
      ])
    }
    this.#transport.close()
  }

  #schedule(afterMs = 0): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#run(), afterMs).unref()
  }

  #run(): void {
    const nowMs = performance.now()
    if (nowMs < this.#restUntilMs) {
      this.#schedule(this.#restUntilMs - nowMs)
      return
    }
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const entry = this.#next(nowMs)
      if (entry === null) break
      const waitMs = this.#pacer.waitMs()
      if (waitMs > 0) {
        this.#schedule(waitMs + Math.random() * 5)
        return
      }
      void this.#send(entry) // never rejects: what goes wrong is the tracker's state
    }
    const head = this.#head()
    if (head !== undefined && this.#fresh.size === 0)
      this.#schedule(Math.min(Math.max(head.dueAtMs - nowMs, 50), 60_000))
  }

  #next(nowMs: number): Entry | null {
    const [fresh] = this.#fresh.values()
    if (fresh !== undefined) return fresh
    const head = this.#head()
    return head !== undefined && head.dueAtMs <= nowMs ? head : null
  }

  /** Who is due first. */
  #head(): Entry | undefined {
    let first: Entry | undefined
    for (const entry of this.#waiting.values()) {
      if (this.#leeches.has(entry)) continue
      first = entry
      break
    }
    for (const entry of this.#leeches) if (first === undefined || entry.dueAtMs < first.dueAtMs) first = entry
    return first
  }

  async #send(entry: Entry): Promise<void> {
    const { infoHash } = entry.announced
    this.#fresh.delete(infoHash)
    this.#waiting.delete(infoHash)
    this.#waiting.set(infoHash, entry)
    if (entry.announced.left() > 0) this.#leeches.add(entry)
    else this.#leeches.delete(entry)
    entry.dueAtMs = Infinity
    entry.isInFlight = true
    this.#inFlight += 1
    try {
      const { intervalMs, peers, leechers, seeds } = await this.#announce(entry, entry.event)
      entry.event = undefined
      if (seeds !== undefined) this.#host.onSeeds(infoHash, this.url, seeds, entry.announced.left() === 0)
      const waitMs = entry.announced.left() > 0 ? Math.min(intervalMs, LEECH_INTERVAL_MS) : intervalMs
      entry.dueAtMs = performance.now() + waitMs * (0.95 + Math.random() * 0.1)
      this.#succeeded()
      if (entry.isRemoved) this.#sayStopped(entry)
      else if (peers.length > 0) this.#host.onPeers(infoHash, peers, leechers)
    } catch (error) {
      this.#failed(entry, error)
    } finally {
      entry.isInFlight = false
      this.#inFlight -= 1
      this.#schedule()
    }
  }

  /** Back to those that come first. */
  #again(entry: Entry): void {
    const { infoHash } = entry.announced
    this.#leeches.delete(entry)
    if (this.#waiting.delete(infoHash)) this.#fresh.set(infoHash, entry)
  }

  #sayStopped(entry: Entry): void {
    this.#announce(entry, 'stopped').catch(() => undefined) // it forgets us by itself
  }

  #announce(entry: Entry, event: AnnounceEvent | undefined): ReturnType<Transport['announce']> {
    const { announced } = entry
    return this.#transport.announce({
      infoHash: announced.infoHash,
      peerId: this.#host.peerId,
      port: this.#host.peerPort(),
      left: announced.left(),
      numwant: event === 'stopped' ? 0 : Math.min(Math.max(announced.wanted(), SEED_NUMWANT), 50),
      event,
    })
  }

  #succeeded(): void {
    this.#failures = 0
    this.#answeredAtMs = this.#host.nowMs()
    this.#message = undefined
    if (this.#state === 'working') return
    this.#state = 'working'
    this.#host.onChange()
  }

  #failed(entry: Entry, error: unknown): void {
    if (this.#isClosed) return
    this.#state = 'failing'
    const isRefusal = error instanceof TrackerRefusal
    this.#message = isRefusal ? error.message : 'It could not be reached.'
    const backoffMs = Math.min(MAX_BACKOFF_MS, 5000 * 2 ** this.#failures) * (0.75 + Math.random() / 2)
    this.#failures += 1
    entry.dueAtMs = performance.now() + backoffMs
    // A refusal concerns this torrent; silence concerns them all.
    if (!isRefusal) {
      this.#restUntilMs = performance.now() + backoffMs
      this.#again(entry)
    }
    this.#host.onChange()
  }
}
