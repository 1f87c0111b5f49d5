import { createHash } from 'node:crypto'
import { AppError } from '../contract/index.ts'
import { chunkPlaces, type ChunkPlace, type Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { GunClient } from './gun-client.ts'
import { makeNode, valuesOf } from './graph.ts'
import type { PublishableItems } from './publisher.ts'
import { reachOf } from './reach.ts'
import { souls } from './souls.ts'

export interface ChunkItems extends Pick<PublishableItems, 'manifest'> {
  /** Exactly these stored bytes of an item. */
  read?(mediaId: string, start: number, endExclusive: number): Promise<Uint8Array>
}

export interface ChunksOptions {
  readonly client: Pick<GunClient, 'get' | 'put' | 'isRunning'>
  readonly items: ChunkItems
  /** Whether the user wants the network to carry beginnings of items. */
  readonly isWanted: () => boolean
  readonly clock: Clock
  readonly log: Log
}

/** What was put into the network is not put there again for so long, however often it is asked for. */
const AGAIN_MS = 10 * 60_000
/** Items at a time; with 2 MiB each this bounds what others can make this node write. */
const MAX_RECENT = 32
const GET_TIMEOUT_MS = 4_000
const PATIENCE_MS = 700

/** The first bytes of items in the network: put there when somebody asks for the item, and only where its manifest has their hashes. */
export class Chunks {
  readonly #options: ChunksOptions
  readonly #recentMs = new Map<string, number>()
  #turn: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(options: ChunksOptions) {
    this.#options = options
  }

  stop(): Promise<void> {
    this.#isStopped = true
    return this.#turn
  }

  /** Somebody wants to know who has these. */
  asked(mediaIds: readonly string[]): void {
    const { isWanted, clock, log } = this.#options
    if (!isWanted()) return
    const nowMs = clock.nowMs()
    for (const [mediaId, atMs] of this.#recentMs) if (nowMs - atMs > AGAIN_MS) this.#recentMs.delete(mediaId)
    for (const mediaId of mediaIds) {
      if (this.#recentMs.has(mediaId) || this.#recentMs.size >= MAX_RECENT) continue
      this.#recentMs.set(mediaId, nowMs)
      this.#turn = this.#turn
        .then(() => this.#publish(mediaId))
        .catch((error: unknown) => log.debug('network.chunks-failed', { mediaId, error: String(error) }))
    }
  }

  /**
   * One chunk of an item, from wherever the network has it.
   * @returns its bytes, whose sha256 is the one asked for; `null` when nobody has them
   */
  async find(
    mediaId: string,
    { index, start, endExclusive, sha256 }: ChunkPlace,
  ): Promise<Uint8Array | null> {
    const soul = souls.chunk(mediaId, index)
    if (!this.#options.client.isRunning) return null
    try {
      const answers = await this.#options.client.get({
        soul,
        timeoutMs: GET_TIMEOUT_MS,
        patienceMs: PATIENCE_MS,
      })
      for (const { graph } of answers) {
        const node = graph[soul]
        const text = node === undefined ? undefined : valuesOf(node)['data']
        if (typeof text !== 'string') continue
        const bytes = Buffer.from(text, 'base64')
        const isRight =
          bytes.length === endExclusive - start && createHash('sha256').update(bytes).digest('hex') === sha256
        if (isRight) return bytes
      }
    } catch (error) {
      // It ended meanwhile.
      if (!(error instanceof AppError)) throw error
    }
    return null
  }

  async #publish(mediaId: string): Promise<void> {
    const { client, items, clock } = this.#options
    const manifest: Manifest | undefined = await items.manifest(mediaId)
    if (manifest === undefined || items.read === undefined || reachOf(manifest) === 'none') {
      this.#recentMs.delete(mediaId)
      return
    }
    for (const { index, start, endExclusive } of chunkPlaces(manifest)) {
      if (this.#isStopped || !client.isRunning) return
      const bytes = await items.read(mediaId, start, endExclusive)
      const soul = souls.chunk(mediaId, index)
      const data = Buffer.from(bytes).toString('base64')
      await client.put({ [soul]: makeNode(soul, { data }, clock.nowMs()) })
    }
  }
}
