import { randomUUID } from 'node:crypto'
import { toErrorShape } from './contract/index.ts'
import type { Notice, Settings } from './contract/index.ts'
import type { Db, Library } from './library/index.ts'
import { canonicalJson } from './manifest/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import { Swarm } from './seeding/index.ts'

interface SwarmInit {
  readonly library: Library
  readonly db: Db
  readonly values: Settings
  readonly clock: Clock
  readonly log: Log
}

/** The part that speaks BitTorrent, with the library as what it gives. */
export function swarmPart({ library, db, values, clock, log }: SwarmInit): Swarm {
  return new Swarm({
    options: values,
    lastPeerPort: Number(db.getMeta('peer_port') ?? 0),
    open: async (mediaId) => {
      // A torrent file that does not fit is made again by this, for the next peer who asks.
      const [file] = await Promise.all([library.openForServing(mediaId), library.metainfo(mediaId)])
      return file
    },
    manifest: async (mediaId) => Buffer.from(canonicalJson(await library.manifest(mediaId))),
    clock,
    log,
  })
}

/** So that it listens there again the next time, if any port will do. */
export function notePeerPort(db: Db, { peerPort }: Pick<Swarm, 'peerPort'>): void {
  if (db.getMeta('peer_port') !== String(peerPort)) db.setMeta('peer_port', String(peerPort))
}

/** What the user is told when the swarm could not begin again. */
export function swarmFailure(error: unknown, clock: Clock): Notice {
  const { code, message, hint = '' } = toErrorShape(error)
  return {
    id: randomUUID(),
    atMs: clock.nowMs(),
    level: 'error',
    code,
    message: `${message} Until that is solved nothing is seeded to peers or fetched from them. Your media are safe.`,
    hint: `${hint} It is tried again by itself.`.trim(),
  }
}

const RETRY_AFTER_MS = 1000
const MOST_RETRY_AFTER_MS = 60_000

interface SwarmRetryInit {
  readonly swarm: Pick<Swarm, 'listen'>
  /** It could not begin; not said again for what fails when it is tried again. */
  readonly onFailure: (error: unknown) => void
  /** It is as it should be, after a failure. */
  readonly onSettled: () => void
}

/** Tries again, less and less often, to begin what could not begin: a port that another program uses is free some day. */
export class SwarmRetry {
  readonly #init: SwarmRetryInit
  #timer: NodeJS.Timeout | undefined
  #delayMs = RETRY_AFTER_MS
  #hasFailed = false

  constructor(init: SwarmRetryInit) {
    this.#init = init
  }

  /** Waits for a change of the swarm, by the user or by this, and draws the conclusions. Never rejects. */
  async follow(change: Promise<unknown>): Promise<void> {
    try {
      await change
      await this.#init.swarm.listen()
      this.#settled()
    } catch (error) {
      this.#delayMs = RETRY_AFTER_MS
      this.#hasFailed = true
      this.#init.onFailure(error)
      this.#tryLater()
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #settled(): void {
    this.stop()
    if (!this.#hasFailed) return
    this.#hasFailed = false
    this.#init.onSettled()
  }

  #tryLater(): void {
    this.stop()
    this.#timer = setTimeout(() => void this.#try(), this.#delayMs).unref()
    this.#delayMs = Math.min(2 * this.#delayMs, MOST_RETRY_AFTER_MS)
  }

  async #try(): Promise<void> {
    try {
      await this.#init.swarm.listen()
      this.#settled()
    } catch {
      this.#tryLater() // for the reason that was said, or one that is said when the user changes something
    }
  }
}
