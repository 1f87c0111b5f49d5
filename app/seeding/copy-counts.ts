import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { scrape } from './trackers/scrape.ts'

/** Complete copies others have of a torrent, as a tracker said. */
export interface CopyCount {
  readonly count: number
  readonly atMs: number
}

export interface CopyCountsOptions {
  /** The trackers the user listed; no other is asked. */
  readonly trackers: () => readonly string[]
  /** Whether anybody may be asked at all. */
  readonly isRunning: () => boolean
  /** Whether trackers count this node among the complete copies of this torrent. */
  readonly isSeeding: (infoHash: string) => boolean
  readonly clock: Clock
  readonly log: Log
}

/** What was said lately is not asked for again. */
const AGAIN_MS = 5 * 60_000
/** Among answers of so long, the largest counts: the same peers are at several trackers. */
const SAME_TIME_MS = 60 * 60_000
const MAX_TORRENTS = 20_000
const MAX_ASKING = 4
const MAX_PER_MINUTE = 30
const MAX_TRACKERS = 4

/**
 * How many complete copies of torrents there are in the swarm: what trackers answer to announces, and what they say when they
 * are asked about an item that is only looked at. One's own copy is not counted.
 */
export class CopyCounts {
  readonly #options: CopyCountsOptions
  /** infoHash → tracker → what it said last; the torrent heard of last at the end. */
  readonly #said = new Map<string, Map<string, CopyCount>>()
  readonly #asking = new Map<string, Promise<void>>()
  readonly #askedAtMs = new Map<string, number>()

  constructor(options: CopyCountsOptions) {
    this.#options = options
  }

  /** @param seeds as the tracker counts them */
  heard(infoHash: string, tracker: string, seeds: number, isSelfAmong: boolean): void {
    const said = this.#said.get(infoHash) ?? new Map<string, CopyCount>()
    this.#said.delete(infoHash)
    this.#said.set(infoHash, said)
    const count = Math.max(0, seeds - (isSelfAmong ? 1 : 0))
    said.set(asUrl(tracker), { count, atMs: this.#options.clock.nowMs() })
    forgetFirst(this.#said, MAX_TORRENTS)
  }

  /** @returns undefined when nobody has said anything; however old it is otherwise, `atMs` tells */
  of(infoHash: string): CopyCount | undefined {
    const said = [...(this.#said.get(infoHash)?.values() ?? [])]
    const newestMs = Math.max(...said.map(({ atMs }) => atMs))
    return said
      .filter(({ atMs }) => newestMs - atMs <= SAME_TIME_MS)
      .reduce<CopyCount | undefined>(
        (most, one) => (most === undefined || one.count > most.count ? one : most),
        undefined,
      )
  }

  /**
   * Asks the trackers that the manifest names and the user listed (all the user listed, when it names none), unless they were
   * asked lately or much was asked in the last minute. Resolves when they have answered or failed.
   */
  ask(infoHash: string, named: readonly string[]): Promise<void> {
    const before = this.#asking.get(infoHash)
    if (before !== undefined) return before
    const trackers = this.#allowed(named)
    if (trackers.length === 0 || !this.#mayAsk(infoHash)) return Promise.resolve()
    this.#askedAtMs.set(infoHash, this.#options.clock.nowMs())
    const asking = Promise.all(trackers.map((url) => this.#askOne(url, infoHash))).then(() => undefined)
    this.#asking.set(infoHash, asking)
    return asking.finally(() => this.#asking.delete(infoHash))
  }

  #allowed(named: readonly string[]): string[] {
    const listed = this.#options.trackers()
    const wanted = new Set(named.map(asUrl))
    return (wanted.size === 0 ? listed : listed.filter((url) => wanted.has(asUrl(url)))).slice(
      0,
      MAX_TRACKERS,
    )
  }

  #mayAsk(infoHash: string): boolean {
    const { isRunning, clock } = this.#options
    const nowMs = clock.nowMs()
    for (const [hash, atMs] of this.#askedAtMs)
      if (nowMs - atMs > AGAIN_MS || atMs > nowMs) this.#askedAtMs.delete(hash)
    const lately = [...this.#askedAtMs.values()].filter((atMs) => nowMs - atMs < 60_000).length
    const isBusy = this.#asking.size >= MAX_ASKING || lately >= MAX_PER_MINUTE
    if (!isRunning() || isBusy || this.#askedAtMs.has(infoHash)) return false
    const known = this.of(infoHash)
    return known === undefined || nowMs - known.atMs > AGAIN_MS
  }

  async #askOne(url: string, infoHash: string): Promise<void> {
    const { isSeeding, log } = this.#options
    try {
      const seeds = await scrape(url, infoHash)
      this.heard(infoHash, url, seeds, isSeeding(infoHash))
    } catch (error) {
      // What it said before stays, with its time.
      log.debug('swarm.scrape-failed', { tracker: url, reason: String(error) })
    }
  }
}

/** `wss://host` and `wss://host/` are the same tracker. */
function asUrl(text: string): string {
  return (URL.parse(text)?.href ?? text).replace(/\/$/, '')
}

function forgetFirst(map: Map<string, unknown>, max: number): void {
  const [first] = map.keys()
  if (map.size > max && first !== undefined) map.delete(first)
}
