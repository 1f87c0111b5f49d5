import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import { canonicalJson, type OwnerSigner } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Revocation } from '../sharing/index.ts'
import { encodeManifest } from './codec.ts'
import { bundle } from './graph.ts'
import type { GunNode } from './graph.ts'
import type { GunClient } from './gun-client.ts'
import { ListRepair, type ListedItems } from './list-repair.ts'
import { manifestNodes, retractionNodes, withdrawalNodes } from './publication-nodes.ts'
import { AHEAD_MS, Publications, type PublicationKind } from './publications.ts'
import { reachOf } from './reach.ts'
import { Retractions } from './retractions.ts'
import type { SeaSigner } from './sea.ts'

/** What of ours may be told to the network. */
export interface PublishableItems extends ListedItems {
  /** Every item of our own that may be told of, with its version. */
  own(): Iterable<{ readonly mediaId: string; readonly version: number }>
  /** Items of our own that are private now, among them all that were told of before. */
  hidden(): Iterable<string>
  /** Withdrawn items of which the network may hear that they are. */
  withdrawn(): Iterable<string>
}

export interface PublisherOptions {
  readonly client: Pick<GunClient, 'put' | 'page' | 'post' | 'isRunning' | 'status'>
  readonly db: Db
  readonly items: PublishableItems
  /** undefined while the wallet is locked: the publisher's own space then has to wait. */
  readonly signer: () => SeaSigner | undefined
  /** Signs in the owner's name; undefined while the wallet is locked. */
  readonly owner: () => OwnerSigner | undefined
  /** Told of the owner's word that an item is private now. */
  readonly onRetracted: (revocation: Revocation) => void
  /** All that the user lists, there or not. */
  readonly relays: () => readonly string[]
  /** Told once of every version that relays can't carry whole. */
  readonly onTooLarge: (mediaId: string) => void
  /** Told once when the clock is behind what was said before: until it is past that time, nothing new counts with those who know the old. */
  readonly onClockBehind: (untilMs: number) => void
  readonly clock: Clock
  readonly log: Log
}

interface Owed {
  readonly mediaId: string
  readonly kind: PublicationKind
  readonly version: number
}
interface Wanted {
  /** Relays, and `''` for our own GUN. */
  readonly targets: readonly string[]
  readonly sinceMs: number
  readonly isOwed: (lacking: number, among: number) => boolean
}

/** Relays forget: what they have is written again after so long. */
const REPUBLISH_MS = 24 * 60 * 60 * 1000
/** What relays that are there have forgotten by then is looked for so often. */
const CATCH_UP_MS = 10 * 60_000
const COUNT_MS = 2_000
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 5 * 60_000
/** Own manifests at work at once while catching up; each is one put of several nodes. */
const AT_ONCE = 48
/** Writes what is ours into GUN and remembers which relay has which version, so that everyone gets everything once. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #publications: Publications
  readonly #retractions: Retractions
  readonly #lists: ListRepair
  #catchingUp: Promise<void> | undefined
  #isAgain = false
  #isSpaceLinked = false
  #timer: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #retries = 0
  /** Dates of what was written over ours, until it is said again. */
  readonly #after = new Map<string, number>()
  /** What was said before its time had come: what was said earlier is dated later, by a clock that was ahead. */
  readonly #early = new Map<string, { readonly version: number; readonly untilMs: number }>()
  #isClockTold = false
  #count = 0
  #countedAtMs = -Infinity
  #abort = new AbortController()

  constructor(options: PublisherOptions) {
    this.#options = options
    const { db, items, owner, onRetracted, clock } = options
    this.#publications = new Publications(db, clock)
    this.#lists = new ListRepair({ ...options, publications: this.#publications })
    this.#retractions = new Retractions({
      db,
      hidden: () => items.hidden(),
      owner,
      onSigned: onRetracted,
      clock,
    })
  }

  /** From now on what relays forget is told to them again. */
  start(): void {
    this.#timer ??= setInterval(() => void this.catchUp(), CATCH_UP_MS)
    this.#lists.start()
  }

  /**
   * Writes an item's manifest to its three places. Safe to repeat. What a relay that is away does not get, it gets when it
   * comes back.
   * @returns whether every open relay has it
   * @throws {AppError} `UNAVAILABLE` when GUN does not run
   */
  async publish(mediaId: string): Promise<boolean> {
    const manifest = await this.#options.items.manifest(mediaId)
    if (manifest === undefined || reachOf(manifest) === 'none') return true
    const { version } = manifest
    const wasTold = this.#publications.isTold(mediaId, version)
    const isSpaceWanted = !this.#isSpaceLinked
    const isDone = await this.#write({ mediaId, kind: 'manifest', version }, (writing) =>
      manifestNodes(manifest, { ...writing, isSpaceWanted }),
    )
    if (!wasTold && !encodeManifest(manifest).isWhole) this.#options.onTooLarge(mediaId)
    return isDone
  }

  /** Tells everybody that its owner withdrew an item. Kept until every relay has it. */
  async withdraw(revocation: Revocation): Promise<void> {
    const { db } = this.#options
    db.write(() => {
      db.prepare(
        'INSERT OR IGNORE INTO revocations (media_id, body, superseded_by, at_ms) VALUES (?, ?, ?, ?)',
      ).run(
        revocation.mediaId,
        canonicalJson(revocation),
        revocation.supersededBy ?? null,
        Date.parse(revocation.at),
      )
      db.prepare(`DELETE FROM network_publications WHERE media_id = ? AND kind = 'revocation'`).run(
        revocation.mediaId,
      )
    })
    const { mediaId } = revocation
    await this.#write({ mediaId, kind: 'revocation', version: 1 }, (writing) =>
      withdrawalNodes(revocation, writing),
    )
  }

  /** Brings every open relay up to date. Called whenever one opens, the wallet opens, or now and then. Never rejects. */
  catchUp(): Promise<void> {
    this.#isAgain = this.#catchingUp !== undefined
    this.#catchingUp ??= this.#catchUp()
      // Nobody waits for it: what is still owed is tried again.
      .catch((error: unknown) => this.#options.log.error('network.catch-up-failed', { error }))
      .finally(() => {
        this.#catchingUp = undefined
        if (this.#isAgain && !this.#abort.signal.aborted) void this.catchUp()
      })
    return this.#catchingUp
  }

  /** Own items are private from now on: what was told of them is taken back at once. */
  madePrivate(mediaIds: readonly string[]): void {
    if (this.#retractions.sign(mediaIds)) void this.catchUp()
  }

  /** Something was not acknowledged. */
  retrySoon(): void {
    this.#retry ??= setTimeout(() => void this.catchUp(), FIRST_RETRY_MS).unref()
  }

  /** A relay came: it may know nothing of ours. */
  relayOpened(): void {
    // It may have nothing of before, too.
    this.#early.clear()
    this.#isSpaceLinked = false
    this.#retries = 0
    void this.catchUp()
  }

  /**
   * GUN runs, or keeps what is written, again: nothing of what is private or withdrawn may lie frozen on its disk. It may have ended
   * before it was told, or been given it since.
   */
  forgetHidden(): void {
    const { db, items, client } = this.#options
    const gone = db.prepare('SELECT media_id FROM revocations').all() as { media_id: string }[]
    const mediaIds = new Set([
      ...gone.map(({ media_id: mediaId }) => mediaId),
      ...this.#retractions.all().map(({ mediaId }) => mediaId),
    ])
    // Public again.
    for (const { mediaId } of items.own()) mediaIds.delete(mediaId)
    if (mediaIds.size > 0) client.post({ type: 'forget', mediaIds: [...mediaIds] })
  }

  /** GUN's own store holds nothing of what it had. */
  storeBegunAnew(): void {
    this.#publications.forgetOwn()
  }

  /** Forgets that anybody had it: somebody wrote over it. @param afterMs how that is dated */
  republish(mediaId: string, afterMs: number): void {
    this.#after.set(mediaId, afterMs)
    this.#publications.expire(mediaId)
    void this.catchUp()
  }

  /**
   * Items of whose version none of the listed relays ever said that it has it, whether or not one is there now; undefined where none
   * is listed. Counted anew every two seconds at most, as it is a pass over all of them.
   */
  owed(): number | undefined {
    const relays = this.#options.relays()
    if (relays.length === 0) return undefined
    const nowMs = performance.now()
    if (nowMs - this.#countedAtMs > COUNT_MS) {
      const isOwed = (lacking: number, among: number): boolean => among > 0 && lacking === among
      this.#count = this.#lacking({ targets: relays, sinceMs: -Infinity, isOwed }).length
      this.#countedAtMs = nowMs
    }
    return this.#count
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#retry)
    this.#abort.abort()
    await Promise.all([this.#lists.stop(), this.#catchingUp])
  }

  async #catchUp(): Promise<void> {
    this.#retractions.sign()
    const owed = this.#owed()
    const work = async (): Promise<void> => {
      for (let next = owed.pop(); next !== undefined; next = owed.pop()) {
        if (this.#abort.signal.aborted || !this.#options.client.isRunning) return
        if (!this.#isEarly(next)) await this.#deliver(next)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    this.#retryLater()
  }

  /** A relay that did not acknowledge in time is asked again, less and less often. */
  #retryLater(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    if (this.#abort.signal.aborted || !this.#options.client.isRunning || this.#owed().length === 0) {
      this.#retries = 0
      return
    }
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries)
    this.#retries += 1
    this.#retry = setTimeout(() => void this.catchUp(), delayMs).unref()
  }

  async #deliver(owed: Owed): Promise<void> {
    const { mediaId, kind } = owed
    try {
      if (kind === 'manifest') await this.publish(mediaId)
      else if (kind === 'revocation')
        await this.#write(owed, (writing) => withdrawalNodes(this.#withdrawal(mediaId), writing))
      else await this.#retract(owed)
    } catch (error) {
      const { log } = this.#options
      if (error instanceof AppError) log.debug('network.publish-waits', { mediaId, code: error.code })
      // The others are not to wait for one that can't be told.
      else log.error('network.publish-failed', { mediaId, error })
    }
  }

  /** Takes back what was told of an item that is private now, and keeps nothing of it where strangers read. */
  async #retract(owed: Owed): Promise<void> {
    const { client, items } = this.#options
    const { mediaId } = owed
    const revocation = this.#retractions.get(mediaId)
    if (revocation === undefined) return
    const manifest = await items.manifest(mediaId)
    await this.#write(owed, (writing) => retractionNodes(revocation, manifest, writing))
    client.post({ type: 'forget', mediaIds: [mediaId] })
  }

  /** What those that are there lack, or may have forgotten. */
  #owed(): Owed[] {
    const sinceMs = this.#options.clock.nowMs() - REPUBLISH_MS
    // What GUN's disk can't keep now is owed when it can.
    const targets = [...(this.#options.client.status().isKeeping ? [''] : []), ...this.#openRelays()]
    return this.#lacking({ targets, sinceMs, isOwed: (lacking) => lacking > 0 })
  }

  /** @param wanted.isOwed given how many of those it concerns lack it, since so long */
  #lacking({ targets, sinceMs, isOwed }: Wanted): Owed[] {
    const { items } = this.#options
    const done = new Map<string, number>()
    const told = new Set<string>()
    for (const { mediaId: id, kind, relay, version, atMs } of this.#publications.all()) {
      if (kind === 'manifest') told.add(`${relay} ${id}`)
      if (atMs > sinceMs) done.set(`${kind} ${relay} ${id}`, version)
    }
    // Without the wallet, all but the publisher's own space can be written; that follows when it opens.
    const missing = this.#options.signer() === undefined ? 0.5 : 0
    const owed: Owed[] = []
    const add = (item: Owed, among = targets, version = item.version - missing): void => {
      const isLacking = (relay: string): boolean =>
        (done.get(`${item.kind} ${relay} ${item.mediaId}`) ?? 0) < version
      if (isOwed(among.filter(isLacking).length, among.length)) owed.push(item)
    }
    const current = new Set<string>()
    for (const { mediaId, version } of items.own()) {
      current.add(mediaId)
      add({ mediaId, version, kind: 'manifest' })
    }
    for (const mediaId of items.withdrawn()) add({ mediaId, version: 1, kind: 'revocation' }, targets, 1)
    // Not of what is public again; and whoever was never told of it need not hear that it is private.
    for (const { mediaId, version } of this.#retractions.all()) {
      const knowing = targets.filter((relay) => told.has(`${relay} ${mediaId}`))
      if (!current.has(mediaId)) add({ mediaId, version, kind: 'retraction' }, knowing)
    }
    // What lies together on a relay's disk is written together: it writes whole files, each of neighbours in this order.
    return owed.toSorted((a, b) => (a.mediaId < b.mediaId ? 1 : -1))
  }

  #openRelays(): string[] {
    return this.#options.client
      .status()
      .relays.filter(({ state }) => state === 'open')
      .map(({ url }) => url)
  }

  async #write(
    { mediaId, kind, version }: Owed,
    nodesOf: (writing: { state: number; signer: SeaSigner | undefined }) => readonly GunNode[],
  ): Promise<boolean> {
    const { client, clock } = this.#options
    const nowMs = clock.nowMs()
    const lastMs = this.#publications.lastState(mediaId)
    // Later than what was written before, by us or over it.
    const wanted = Math.max(nowMs, lastMs + 1, (this.#after.get(mediaId) ?? 0) + 1)
    const state = Math.min(wanted, nowMs + AHEAD_MS)
    const signer = this.#options.signer()
    // Once is enough, as long as the relays are the same.
    if (kind === 'manifest' && signer !== undefined) this.#isSpaceLinked = true
    const puts = bundle(nodesOf({ state, signer })).map((graph) => client.put(graph, this.#abort.signal))
    const done = await Promise.all(puts)
    const isStored = done.every((put) => put.isStored)
    const [first, ...others] = done
    const relays = (first?.relays ?? []).filter((relay) => others.every((put) => put.relays.includes(relay)))
    if (wanted > state) {
      // It counts only with those who had nothing before; so that it does with all, it is said again when its time has come.
      this.#early.set(keyOf({ mediaId, kind }), { version, untilMs: wanted - AHEAD_MS })
      if (lastMs > nowMs + AHEAD_MS && !this.#isClockTold) {
        this.#isClockTold = true
        this.#options.onClockBehind(lastMs)
      }
      return false
    }
    this.#after.delete(mediaId)
    await this.#publications.record(
      { mediaId, kind, version: signer === undefined ? version - 0.5 : version },
      { relays: [...(isStored ? [''] : []), ...relays], stateMs: state },
    )
    if (kind === 'manifest') this.#lists.told(relays)
    return isStored && this.#openRelays().every((relay) => relays.includes(relay))
  }

  /** Whether this was said, and does not count yet. */
  #isEarly(owed: Owed): boolean {
    const said = this.#early.get(keyOf(owed))
    return said?.version === owed.version && this.#options.clock.nowMs() < said.untilMs
  }

  #withdrawal(mediaId: string): Revocation {
    const row = this.#options.db.prepare('SELECT body FROM revocations WHERE media_id = ?').get(mediaId) as {
      body: string
    }
    return JSON.parse(row.body) as Revocation // as it was when it was verified
  }
}

function keyOf({ mediaId, kind }: Pick<Owed, 'mediaId' | 'kind'>): string {
  return `${kind} ${mediaId}`
}
