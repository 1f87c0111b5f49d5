import { setTimeout as sleep } from 'node:timers/promises'
import type { Copies, MediaId } from './contract/index.ts'
import { copiesOf, mayAsk } from './engine-found.ts'
import type { HandlersInit } from './engine-types.ts'

/** For what is answered at once; the rest is there when it is asked for again. */
const WAIT_MS = 3_000
/** What was asked lately is not asked again. */
const AGAIN_MS = 5 * 60_000
const MAX_ASKING = 4
const MAX_PER_MINUTE = 60
const MAX_REMEMBERED = 5_000

type Init = Pick<HandlersInit, 'library' | 'network' | 'swarm'>

/** Counts who has what is looked at: few at once, not too often, and never what may not be asked about. */
export class CopyAsker {
  readonly #init: Init
  readonly #nowMs: () => number
  readonly #askedAtMs = new Map<string, number>()
  readonly #queue: (() => void)[] = []
  #asking = 0

  constructor(init: Init, nowMs: () => number = () => performance.now()) {
    this.#init = init
    this.#nowMs = nowMs
  }

  /** Asks where that is due, and gives what is known after a moment; nothing of what is to be asked about by nobody. */
  async count(mediaIds: readonly MediaId[]): Promise<{ mediaId: MediaId; copies: Copies }[]> {
    const { library } = this.#init
    const told = [...new Set(mediaIds)].filter((mediaId) =>
      mayAsk(library.get(mediaId, { isTrashIncluded: true })),
    )
    const asked = Promise.all(told.map((mediaId) => this.#ask(mediaId)))
    await Promise.race([asked, sleep(WAIT_MS, undefined, { ref: false })])
    return told.map((mediaId) => ({
      mediaId,
      copies: copiesOf(this.#init, { mediaId, infoHash: this.#torrentOf(mediaId)?.infoHash }),
    }))
  }

  async #ask(mediaId: MediaId): Promise<void> {
    const { network, swarm } = this.#init
    if (!this.#isDue(mediaId)) return
    this.#askedAtMs.delete(mediaId)
    this.#askedAtMs.set(mediaId, this.#nowMs())
    if (this.#asking >= MAX_ASKING) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#asking += 1
    try {
      const torrent = this.#torrentOf(mediaId)
      await Promise.all([
        network.presenceOf(mediaId),
        torrent === undefined ? undefined : swarm.counts.ask(torrent.infoHash, torrent.trackers),
      ])
    } finally {
      this.#asking -= 1
      this.#queue.shift()?.()
    }
  }

  #isDue(mediaId: string): boolean {
    const nowMs = this.#nowMs()
    for (const [id, atMs] of this.#askedAtMs) {
      // The longest ago come first.
      if (nowMs - atMs < AGAIN_MS && this.#askedAtMs.size <= MAX_REMEMBERED) break
      this.#askedAtMs.delete(id)
    }
    if (this.#askedAtMs.has(mediaId)) return false
    let lately = 0
    for (const atMs of [...this.#askedAtMs.values()].toReversed()) {
      if (nowMs - atMs >= 60_000) break
      lately += 1
    }
    return lately < MAX_PER_MINUTE
  }

  #torrentOf(mediaId: string): { infoHash: string; trackers: readonly string[] } | undefined {
    const [known] = this.#init.network.knownOf(mediaId)
    const { infoHash, trackers } = known?.manifest.transport?.bittorrent ?? {}
    const held = this.#init.library.get(mediaId)?.infoHash
    const hash = infoHash ?? held
    return hash === undefined ? undefined : { infoHash: hash, trackers: trackers ?? [] }
  }
}
