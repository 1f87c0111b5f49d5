import { AppError } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import type { GunNode } from './graph.ts'
import type { GunClient } from './gun-client.ts'
import { hintNode } from './publication-nodes.ts'
import type { Publications } from './publications.ts'
import type { PublishableItems } from './publisher.ts'
import { reachOf } from './reach.ts'
import type { SeaSigner } from './sea.ts'

interface OwnWatchOptions {
  readonly client: Pick<GunClient, 'get' | 'post' | 'isRunning' | 'status'>
  readonly items: Pick<PublishableItems, 'manifest' | 'own'>
  readonly publications: Pick<Publications, 'toldAt'>
  readonly signer: () => SeaSigner | undefined
  readonly log: Log
}

const TICK_MS = 1_000
/** 10,000 items take eight minutes, and about 100 kB a second from each relay. */
const PER_TICK = 20
/** Relays are asked about all of them again after so long, when one of them comes back. */
const ASK_AGAIN_MS = 6 * 60 * 60_000
const GET_TIMEOUT_MS = 3_000
const PATIENCE_MS = 100

/**
 * GUN's process knows what it wrote itself, and notices when somebody writes over that. After a start it knows nothing: it is told
 * what was said of own items before, and relays are asked what they have in those places now. Nothing is written for it.
 */
export class OwnWatch {
  readonly #options: OwnWatchOptions
  #untold = new Set<string>()
  #unasked = new Set<string>()
  #askedAtMs = -Infinity
  #timer: NodeJS.Timeout | undefined
  #isBusy = false

  constructor(options: OwnWatchOptions) {
    this.#options = options
  }

  /** GUN's process was started. */
  begin(): void {
    this.#untold = this.#own()
    this.relayOpened()
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** What it has may have been written over while it was away. */
  relayOpened(): void {
    const nowMs = performance.now()
    if (nowMs - this.#askedAtMs < ASK_AGAIN_MS) return
    this.#askedAtMs = nowMs
    this.#unasked = this.#own()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #own(): Set<string> {
    return new Set([...this.#options.items.own()].map(({ mediaId }) => mediaId))
  }

  #tick(): void {
    const { client, log } = this.#options
    if (this.#isBusy || !client.isRunning) return
    const isRelayThere = client.status().relays.some(({ state }) => state === 'open')
    // Who comes to our own socket may write, too.
    const waiting = isRelayThere && this.#unasked.size > 0 ? this.#unasked : this.#untold
    const batch = [...waiting.values().take(PER_TICK)]
    if (batch.length === 0) return
    this.#isBusy = true
    Promise.all(batch.map((mediaId) => this.#look(mediaId, isRelayThere)))
      .catch((error: unknown) => log.error('network.watch-failed', { error }))
      .finally(() => (this.#isBusy = false))
  }

  async #look(mediaId: string, isRelayThere: boolean): Promise<void> {
    const { client } = this.#options
    this.#untold.delete(mediaId)
    if (isRelayThere) this.#unasked.delete(mediaId)
    const node = await this.#said(mediaId)
    if (node === undefined) return
    const soul = node._['#']
    client.post({ type: 'own', graph: { [soul]: node } })
    if (!isRelayThere) return
    try {
      // GUN's process compares what comes with what it was told, and says so.
      await client.get({ soul, timeoutMs: GET_TIMEOUT_MS, patienceMs: PATIENCE_MS })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      // It ended meanwhile.
      this.#unasked.add(mediaId)
    }
  }

  /** What was said of it last, as it was dated; nothing for what is to be said anew anyway. */
  async #said(mediaId: string): Promise<GunNode | undefined> {
    const { items, publications, signer } = this.#options
    const manifest = await items.manifest(mediaId)
    if (manifest === undefined || reachOf(manifest) === 'none') return undefined
    const state = publications.toldAt(mediaId, manifest.version)
    return state === undefined ? undefined : hintNode(manifest, { state, signer: signer() })
  }
}
