import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { GunClient } from './gun-client.ts'
import { isLink } from './graph.ts'
import type { GunValue } from './graph.ts'
import type { Answer } from './gun-protocol.ts'
import { openNode, type ManifestIndex } from './manifest-index.ts'
import { isSeaKey, souls } from './souls.ts'

export interface Publisher {
  /** SEA public key. */
  readonly pub: string
  /** Owner key, when they were followed by their card. */
  readonly owner?: string
  readonly name?: string
  readonly followedAtMs: number
  /** When their list was last read from a relay. */
  readonly checkedAtMs?: number
}

export interface FollowingOptions {
  readonly client: Pick<GunClient, 'get' | 'isRunning' | 'watch'>
  readonly index: ManifestIndex
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  /** Whether new public items of anybody are looked for. */
  readonly isFeedWanted: () => boolean
}

const POLL_MS = 5 * 60_000
/** Lookups at once, and in one round for one list: the rest comes with the next. */
const AT_ONCE = 4
const PER_ROUND = 500
const MAX_PAGES = 20
/** The public list is read in parts, by the first two digits: so many parts a round. */
const FEED_PARTS_PER_ROUND = 8

/** Publishers one follows, and the list of all public items: reads their lists and looks up what is new in them. */
export class Following {
  readonly #options: FollowingOptions
  readonly #checkedListeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #abort = new AbortController()
  #feedPart = 0
  /** Items of the public list that were looked up, or are known to hold nothing: not again in this run. */
  readonly #tried = new Set<string>()

  constructor(options: FollowingOptions) {
    this.#options = options
  }

  start(): void {
    this.#tellWatch()
    this.#timer ??= setInterval(() => void this.refresh(), POLL_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#abort.abort()
    await this.#round
  }

  /** @throws {AppError} `BAD_REQUEST` when it is no publisher's key */
  follow({ pub, owner, name }: Pick<Publisher, 'pub' | 'owner' | 'name'>): Publisher {
    if (!isSeaKey(pub)) {
      throw new AppError('BAD_REQUEST', 'This is not the key of a publisher.', {
        hint: 'Use their card, or a link to something they published.',
      })
    }
    const { db, clock } = this.#options
    db.write(() =>
      db
        .prepare(
          `INSERT INTO network_publishers (pub, owner, name, followed_at_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (pub) DO UPDATE SET owner = coalesce(excluded.owner, owner), name = coalesce(excluded.name, name)`,
        )
        .run(pub, owner ?? null, name ?? null, clock.nowMs()),
    )
    this.#tellWatch()
    void this.catchUp()
    return this.#get(pub) ?? { pub, followedAtMs: clock.nowMs() }
  }

  unfollow(pub: string): void {
    const { db } = this.#options
    db.write(() => db.prepare('DELETE FROM network_publishers WHERE pub = ?').run(pub))
    this.#tellWatch()
  }

  list(): Publisher[] {
    const rows = this.#options.db
      .prepare('SELECT * FROM network_publishers ORDER BY followed_at_ms')
      .all() as PublisherRow[]
    return rows.map(toPublisher)
  }

  /** Reads every list from the start: a round that is under way may not know of who has just come. */
  async catchUp(): Promise<void> {
    await this.#round
    await this.refresh()
  }

  /** Reads every list once more; a round that is under way is waited for. */
  refresh(): Promise<void> {
    this.#round ??= this.#refresh()
      .catch((error: unknown) => this.#options.log.error('network.follow-failed', { error }))
      .finally(() => (this.#round = undefined))
    return this.#round
  }

  /** Told when a publisher's list was read. @returns stops listening */
  onChecked(listener: () => void): () => void {
    this.#checkedListeners.add(listener)
    return () => this.#checkedListeners.delete(listener)
  }

  /** Looks up items that a list named in passing. */
  async noticed(graph: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<void> {
    const ids = Object.keys(graph[souls.index] ?? {}).filter((key) => key !== '_')
    await this.#lookUp(ids.filter((id) => !this.#tried.has(id)))
  }

  async #refresh(): Promise<void> {
    if (this.#abort.signal.aborted || !this.#options.client.isRunning) return
    for (const { pub } of this.list()) {
      if (this.#abort.signal.aborted) return
      await this.#refreshPublisher(pub)
    }
    if (this.#options.isFeedWanted()) await this.#refreshFeed()
  }

  async #refreshPublisher(pub: string): Promise<void> {
    const { db, clock } = this.#options
    const soul = souls.spaceIndex(pub)
    const ids = new Set<string>()
    let hasAnswer = false
    let after: string | undefined
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answers = await this.#ask(soul, '', after)
      hasAnswer ||= answers.some(({ from }) => from !== 'disk')
      const keys = answers.flatMap(({ graph }) => {
        const node = graph[soul]
        return node === undefined ? [] : linkedIds(openNode(pub, node))
      })
      const fresh = keys.filter((id) => !ids.has(id))
      for (const id of fresh) ids.add(id)
      after = keys.toSorted().at(-1)
      if (fresh.length === 0 || after === undefined) break
    }
    const known = db.prepare('SELECT 1 FROM network_manifests WHERE media_id = ? AND pub = ?')
    const unknown = [...ids].filter((id) => known.get(id, pub) === undefined)
    await this.#lookUp(unknown, pub)
    if (!hasAnswer) return
    db.write(() =>
      db.prepare('UPDATE network_publishers SET checked_at_ms = ? WHERE pub = ?').run(clock.nowMs(), pub),
    )
    for (const listener of this.#checkedListeners) listener()
  }

  async #refreshFeed(): Promise<void> {
    const ids = new Set<string>()
    for (let part = 0; part < FEED_PARTS_PER_ROUND; part += 1) {
      if (this.#abort.signal.aborted) return
      // The first read of a round is of the whole list's first page: all there is, where there is little.
      const prefix = part === 0 ? '' : (this.#feedPart % 256).toString(16).padStart(2, '0')
      if (part > 0) this.#feedPart += 1
      for (const { graph } of await this.#ask(souls.index, prefix)) {
        for (const id of linkedIds(graph[souls.index] ?? {})) if (!this.#tried.has(id)) ids.add(id)
      }
    }
    await this.#lookUp([...ids])
  }

  async #lookUp(ids: readonly string[], pub?: string): Promise<void> {
    const queue = ids.slice(0, PER_ROUND)
    const work = async (): Promise<void> => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        if (this.#abort.signal.aborted || !this.#options.client.isRunning) return
        if (this.#tried.size > 100_000) this.#tried.clear()
        this.#tried.add(id)
        const { answeredBy } = await this.#options.index.lookup(id, { pub })
        // No relay was there to tell what it is.
        if (answeredBy.length === 0) this.#tried.delete(id)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #ask(soul: string, prefix: string, after?: string): Promise<readonly Answer[]> {
    try {
      const key = { prefix, ...(after === undefined ? {} : { after }) }
      return await this.#options.client.get({ soul, key })
    } catch (error) {
      if (error instanceof AppError) return []
      throw error
    }
  }

  #get(pub: string): Publisher | undefined {
    const row = this.#options.db.prepare('SELECT * FROM network_publishers WHERE pub = ?').get(pub) as
      PublisherRow | undefined
    return row && toPublisher(row)
  }

  #tellWatch(): void {
    this.#options.client.watch(
      this.#options.isFeedWanted(),
      this.list().map(({ pub }) => pub),
    )
  }
}

interface PublisherRow {
  pub: string
  owner: string | null
  name: string | null
  followed_at_ms: number
  checked_at_ms: number | null
}

function toPublisher(row: PublisherRow): Publisher {
  return {
    pub: row.pub,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.name === null ? {} : { name: row.name }),
    followedAtMs: row.followed_at_ms,
    ...(row.checked_at_ms === null ? {} : { checkedAtMs: row.checked_at_ms }),
  }
}

function linkedIds(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values)
    .filter(([key, value]) => /^[0-9a-f]{64}$/.test(key) && isLink(value as GunValue))
    .map(([key]) => key)
}
