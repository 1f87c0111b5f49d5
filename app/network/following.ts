import type { Db } from '../library/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Followed } from './followed.ts'
import type { GunClient } from './gun-client.ts'
import type { GunMeta } from './graph.ts'
import { idsIn } from './list-page.ts'
import { ListReader } from './list-reader.ts'
import { ListedVersions, type Listed } from './listed-versions.ts'
import type { ManifestIndex } from './manifest-index.ts'
import { souls } from './souls.ts'
import { TriedItems } from './tried-items.ts'

export interface FollowingOptions {
  readonly client: Pick<GunClient, 'page' | 'status' | 'isRunning' | 'watch'>
  readonly index: ManifestIndex
  readonly followed: Followed
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  /** Whether new public items of anybody are looked for. */
  readonly isFeedWanted: () => boolean
}

const POLL_MS = 5 * 60_000
/** Until the next part of what a publisher has is read, when a round could not get to all of it. */
const GO_ON_MS = 5_000
/** Lookups at once, and in one round for one list: the rest comes with the next. */
const AT_ONCE = 4
const PER_ROUND = 500
/** After so long what is listed and can't be had is asked for again: by a publisher themselves, and by anybody. */
const FOLLOWED_AGAIN_MS = 5_000
const LISTED_AGAIN_MS = 60_000

/** Publishers one follows, and the list of all public items: reads their lists and looks up what is new in them. */
export class Following {
  readonly #options: FollowingOptions
  readonly #checkedListeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #abort = new AbortController()
  #next: NodeJS.Timeout | undefined
  readonly #lists: ListReader
  readonly #tried: TriedItems
  readonly #versions: ListedVersions

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#lists = new ListReader(options)
    this.#tried = new TriedItems(options.clock)
    this.#versions = new ListedVersions(options.db, options.index)
    options.followed.onChange((removed) => {
      if (removed !== undefined) this.#lists.forget(souls.spaceIndex(removed))
      this.#tellWatch()
      void this.catchUp()
    })
  }

  start(): void {
    this.#tellWatch()
    this.#timer ??= setInterval(() => void this.refresh(), POLL_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#next)
    this.#timer = undefined
    this.#abort.abort()
    await this.#round
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
    await this.#lookUp(ids.map((id) => ({ id })))
  }

  async #refresh(): Promise<void> {
    if (this.#abort.signal.aborted || !this.#options.client.isRunning) return
    let isCut = false
    for (const { pub } of this.#options.followed.list()) {
      if (this.#abort.signal.aborted) return
      isCut = (await this.#refreshPublisher(pub)) || isCut
    }
    if (this.#options.isFeedWanted()) await this.#readList(souls.index)
    const nextMs = isCut ? GO_ON_MS : this.#tried.nextInMs()
    if (nextMs > POLL_MS || this.#abort.signal.aborted) return
    clearTimeout(this.#next)
    this.#next = setTimeout(() => void this.refresh(), Math.max(GO_ON_MS, nextMs))
  }

  /** @returns whether there is more of them to be had at once */
  async #refreshPublisher(pub: string): Promise<boolean> {
    const { isAnswered, isCut } = await this.#readList(souls.spaceIndex(pub), pub)
    if (!isAnswered) return false
    this.#options.followed.checked(pub)
    for (const listener of this.#checkedListeners) listener()
    return isCut
  }

  /** @param pub whose list it is; without one, it is everybody's */
  #readList(soul: string, pub?: string): ReturnType<ListReader['read']> {
    let dates: GunMeta['>'] = {}
    let left = PER_ROUND
    return this.#lists.read(soul, {
      idsIn: (page) => {
        dates = page._['>']
        return idsIn(page, pub)
      },
      isEnded: () => this.#abort.signal.aborted,
      take: async (ids) => {
        const unknown = ids
          .map((id) => ({ id, pub, datedMs: dates[id] }))
          .filter((item) => this.#isWanted(item))
        const wanted = unknown.slice(0, left)
        left -= wanted.length
        await this.#lookUp(wanted)
        const next = unknown[wanted.length]
        return next === undefined ? ids.length : ids.indexOf(next.id)
      },
    })
  }

  #isWanted(item: Named): boolean {
    const listed = listedIn(item)
    if (listed === undefined) return !this.#tried.has(triedKey(item))
    const judged = this.#versions.judge(listed)
    return judged !== 'seen' && !this.#tried.has(judged === 'new' ? triedKey(item) : datedKey(listed))
  }

  async #lookUp(items: readonly Named[]): Promise<void> {
    const queue = items.filter((item) => this.#isWanted(item)).slice(0, PER_ROUND)
    const work = async (): Promise<void> => {
      for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
        if (this.#abort.signal.aborted || !this.#options.client.isRunning) return
        const listed = listedIn(item)
        if (listed === undefined || this.#versions.judge(listed) === 'new') await this.#lookUpOne(item)
        else await this.#compare(listed)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #lookUpOne(item: Named): Promise<void> {
    const { id, pub } = item
    const key = triedKey(item)
    this.#tried.begin(key)
    let isAnswered = false
    try {
      const { answeredBy, known, isUnkept } = await this.#options.index.lookup(id, { pub })
      isAnswered = answeredBy.length > 0 && !isUnkept
      if (isAnswered && known === undefined)
        this.#tried.missed(key, pub === undefined ? LISTED_AGAIN_MS : FOLLOWED_AGAIN_MS)
      const listed = listedIn(item)
      if (isAnswered && known !== undefined && listed !== undefined) await this.#versions.saw(listed)
    } finally {
      // No relay was there to tell what it is, or it could not be kept.
      if (!isAnswered) this.#tried.unanswered(key)
    }
  }

  /** The entry of a known item says something new: a newer version, or the same once more. */
  async #compare(listed: Listed): Promise<void> {
    const key = datedKey(listed)
    this.#tried.begin(key)
    const isSeen = await this.#versions.compare(listed)
    if (isSeen === undefined) this.#tried.unanswered(key)
    else if (!isSeen) this.#tried.missed(key, FOLLOWED_AGAIN_MS)
  }

  #tellWatch(): void {
    this.#options.client.watch(
      this.#options.isFeedWanted(),
      this.#options.followed.list().map(({ pub }) => pub),
    )
  }
}

/** An item in a list. */
interface Named {
  readonly id: string
  /** Whose list it is, and how its entry there is dated; without them, it is everybody's. */
  readonly pub?: string | undefined
  readonly datedMs?: number | undefined
}

function listedIn({ id, pub, datedMs }: Named): Listed | undefined {
  return pub === undefined || datedMs === undefined ? undefined : { mediaId: id, pub, datedMs }
}

function triedKey({ id, pub = '' }: Named): string {
  return id + pub
}

function datedKey({ mediaId, pub, datedMs }: Listed): string {
  return `${mediaId}${pub}@${datedMs}`
}
