import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { ManifestIndex } from './manifest-index.ts'
import type { NetworkOptions } from './network-options.ts'
import { AHEAD_MS } from './publications.ts'
import type { Publisher } from './publisher.ts'

export interface ContestedOptions {
  readonly items: Pick<NetworkOptions['items'], 'manifest'>
  readonly index: Pick<ManifestIndex, 'lookup'>
  readonly publisher: Pick<Publisher, 'republish'>
  readonly clock: Clock
  readonly log: Log
}

/** Own items that were written over are written again at most this often. */
const AGAIN_AFTER_MS = 20_000
const MAX_ITEMS = 10_000
/** A timer may be early by so much. */
const TIMER_MS = 50

/** Says again what others wrote over. */
export class Contested {
  readonly #options: ContestedOptions
  /** Own items that are about to be said again, and when those that were, were. */
  readonly #waiting = new Map<string, { readonly timer: NodeJS.Timeout; readonly stateMs: number }>()
  readonly #saidAgainAtMs = new Map<string, number>()
  #isStopped = false

  constructor(options: ContestedOptions) {
    this.#options = options
  }

  /**
   * Somebody wrote over what we say of our own item: it is said again, when it may be and can be later than that.
   * @param stateMs how it is dated; up to a minute ahead, others take it
   */
  notice(mediaId: string, stateMs: number): void {
    const before = this.#waiting.get(mediaId)
    if (before === undefined ? this.#waiting.size > MAX_ITEMS : before.stateMs >= stateMs) return
    clearTimeout(before?.timer)
    const waitMs = Math.max(
      0,
      stateMs - this.#options.clock.nowMs() - AHEAD_MS + TIMER_MS,
      (this.#saidAgainAtMs.get(mediaId) ?? -Infinity) + AGAIN_AFTER_MS - performance.now(),
    )
    const timer = setTimeout(() => {
      this.#waiting.delete(mediaId)
      if (this.#saidAgainAtMs.size > MAX_ITEMS) this.#saidAgainAtMs.clear()
      this.#saidAgainAtMs.set(mediaId, performance.now())
      this.#sayAgain(mediaId, stateMs).catch((error: unknown) =>
        this.#options.log.error('network.contest-failed', { mediaId, error }),
      )
    }, waitMs).unref()
    this.#waiting.set(mediaId, { timer, stateMs })
  }

  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
  }

  /** Unless it was ourselves, on another node, with a newer version. */
  async #sayAgain(mediaId: string, stateMs: number): Promise<void> {
    const { items, index, publisher } = this.#options
    const own = await items.manifest(mediaId)
    if (own === undefined || this.#isStopped) return
    const { known } = await index.lookup(mediaId, { owner: own.oip.creatorPubKey })
    if ((known?.manifest.version ?? 0) <= own.version) publisher.republish(mediaId, stateMs)
  }
}
