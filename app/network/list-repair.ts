import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { makeNode } from './graph.ts'
import type { GunClient } from './gun-client.ts'
import { afterPass, isHopeless, ListChecks, REST_MS, type ListCheck } from './list-checks.ts'
import { above, idsIn } from './list-page.ts'
import { AHEAD_MS, type Publications } from './publications.ts'
import { reachOf } from './reach.ts'
import { signNode, type SeaSigner } from './sea.ts'
import { souls } from './souls.ts'

/** What of our own is to be found in lists. */
export interface ListedItems {
  /** The current manifest, or undefined when the item is gone, in the trash, or not to be told of (yet). */
  manifest(mediaId: string): Promise<Manifest | undefined>
  /** Items of our own that everybody may find listed: those with mediaIds under this one, the highest first. */
  listed(below: string, limit: number): readonly string[]
}

export interface ListRepairOptions {
  readonly client: Pick<GunClient, 'page' | 'put' | 'isRunning' | 'status'>
  readonly db: Db
  readonly publications: Publications
  readonly items: ListedItems
  /** undefined while the wallet is locked: the publisher's own list then has to wait. */
  readonly signer: () => SeaSigner | undefined
  readonly clock: Clock
  readonly log: Log
  /** Waits between two questions or writings. @defaultValue true */
  readonly isPaced?: boolean
}

interface Found {
  readonly within: readonly string[]
  readonly missing: readonly string[]
}

const TICK_MS = 5_000
const PAUSE_MS = 200
const LOOK_AGAIN_MS = 2_000
/** Where nothing comes to rest, it is looked at all the same. */
const LONGEST_BURST_MS = 10 * 60_000
/** Own entries looked for at once: as many as a page of signed ones holds. */
const AT_ONCE = 250
/** A node of ours takes no more keys of a node at once than 64. */
const KEYS_PER_PUT = 50
/** Everybody's list holds many of others between two of ours: little of it is asked for at once. */
const SHARE_OF_INDEX = 1 / 8
const FIRST_SILENCE_MS = 30_000
const LONGEST_SILENCE_MS = 60 * 60_000
/** After every mediaId. */
const END = 'g'

/**
 * Reads back from each relay what it lists of our own, and writes again what it has lost: a stock relay's files lose entries when
 * many are written at once, though it acknowledged each. What is there is not written again, and no item is told of but those that
 * are public, were told to that relay, and were neither withdrawn nor made private since.
 */
export class ListRepair {
  readonly #options: ListRepairOptions
  readonly #checks: ListChecks
  /** By relay: when it was last told of an item. */
  readonly #toldAtMs = new Map<string, number>()
  /** Relays that were told of something since a pass began there. */
  readonly #told = new Set<string>()
  /** Relays that did not answer: when, and how long they are left alone. */
  readonly #silent = new Map<string, { readonly atMs: number; readonly waitMs: number }>()
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(options: ListRepairOptions) {
    this.#options = options
    this.#checks = new ListChecks(options.db)
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.run(), TICK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#abort.abort()
    await this.#running
  }

  /** These relays have acknowledged an item. */
  told(relays: readonly string[]): void {
    const nowMs = this.#options.clock.nowMs()
    for (const relay of relays) {
      this.#toldAtMs.set(relay, nowMs)
      if (this.#told.has(relay)) continue
      this.#told.add(relay)
      this.#checks.bringForward(relay, nowMs)
    }
  }

  /** Does all that is due. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run()
      .catch((error: unknown) => this.#options.log.error('network.list-repair-failed', { error }))
      .finally(() => (this.#running = undefined))
    return this.#running
  }

  async #run(): Promise<void> {
    for (const relay of this.#openRelays()) {
      const signer = this.#options.signer()
      if (signer !== undefined) await this.#check(souls.spaceIndex(signer.pub), relay, signer)
      await this.#check(souls.index, relay)
    }
  }

  /** Goes on with a pass through one relay's list if it is due, from its end to its beginning. */
  async #check(soul: string, relay: string, signer?: SeaSigner): Promise<void> {
    const nowMs = this.#options.clock.nowMs()
    const begun = this.#checks.get(soul, relay, nowMs)
    if (begun.dueMs > nowMs || this.#isSilent(relay, nowMs) || !this.#isAtRest(begun, nowMs)) return
    if (begun.before === undefined) this.#told.delete(relay)
    let check: ListCheck = { ...begun, before: begun.before ?? END }
    while (this.#isReachable(relay)) {
      const wanted = this.#wanted(check, signer)
      if (wanted.length === 0 || isHopeless(check)) return this.#ended(check)
      const next = await this.#step(check, wanted, signer)
      if (next === undefined) return this.#wasSilent(relay)
      this.#silent.delete(relay)
      this.#checks.keep(next)
      check = next
      await this.#pause()
    }
  }

  /** Looks for some of our entries, and writes again those that are missing. @returns undefined when the relay did not answer */
  async #step(
    check: ListCheck,
    wanted: readonly string[],
    signer: SeaSigner | undefined,
  ): Promise<ListCheck | undefined> {
    const found = await this.#read(check, wanted, signer)
    if (found === undefined) return undefined
    const { within } = found
    const missing = await this.#tellable(found.missing)
    const next = {
      ...check,
      before: within.at(-1),
      looked: check.looked + within.length,
      missing: check.missing + missing.length,
    }
    if (isHopeless(next)) return next
    for (let at = 0; at < missing.length; at += KEYS_PER_PUT) {
      if (!(await this.#write(check, missing.slice(at, at + KEYS_PER_PUT), signer))) return undefined
      await this.#pause()
    }
    return next
  }

  /** Own entries that are to be there, from where the pass is downwards: that relay has had the time to put them away. */
  #wanted({ relay, before = END }: ListCheck, signer: SeaSigner | undefined): string[] {
    const untilMs = this.#options.clock.nowMs() - REST_MS
    const isThere = (id: string): boolean =>
      this.#options.publications.isListedBy(relay, id, { untilMs, isInSpace: signer !== undefined })
    for (let below = before; ;) {
      const ids = this.#options.items.listed(below, AT_ONCE)
      const wanted = ids.filter(isThere)
      below = ids.at(-1) ?? ''
      if (wanted.length > 0 || below === '') return wanted
    }
  }

  /** @returns those that a page tells of, and those of them that it does not have; undefined when the relay did not answer */
  async #read(
    check: ListCheck,
    wanted: readonly string[],
    signer: SeaSigner | undefined,
  ): Promise<Found | undefined> {
    const found = await this.#readOnce(check, wanted, signer)
    if (found === undefined || found.missing.length === 0) return found
    // While a relay rewrites its files it may lack for a moment what it has.
    await this.#pause(LOOK_AGAIN_MS)
    const again = await this.#readOnce(check, found.within, signer)
    return (
      again && { within: again.within, missing: again.missing.filter((id) => found.missing.includes(id)) }
    )
  }

  async #readOnce(
    { soul, relay }: ListCheck,
    wanted: readonly string[],
    signer: SeaSigner | undefined,
  ): Promise<Found | undefined> {
    const [first = ''] = wanted
    const share = signer === undefined ? SHARE_OF_INDEX : 1
    const page = { soul, from: relay, before: above(first), share }
    const answer = await this.#options.client.page(page).catch(ignoreAway)
    if (answer === undefined) return undefined
    // From its first key on, whatever that holds; the one that was asked for in any case.
    const [lowest = ''] = Object.keys(answer.node?._['>'] ?? {}).toSorted()
    const within = wanted.filter((id) => id >= lowest || id === first)
    const ids = new Set(answer.node && idsIn(answer.node, signer?.pub))
    return { within, missing: within.filter((id) => !ids.has(id)) }
  }

  /** Those that may be listed at this very time. */
  async #tellable(ids: readonly string[]): Promise<string[]> {
    const tellable: string[] = []
    for (const id of ids) {
      const manifest = await this.#options.items.manifest(id)
      if (manifest !== undefined && reachOf(manifest) === 'listed') tellable.push(id)
    }
    return tellable
  }

  /** @returns whether the relay says that it has them now */
  async #write(
    { soul, relay }: ListCheck,
    ids: readonly string[],
    signer: SeaSigner | undefined,
  ): Promise<boolean> {
    const nowMs = this.#options.clock.nowMs()
    const dated = ids.map((id) => ({ id, lastMs: this.#options.publications.lastState(id) }))
    // What was dated by a clock that was ahead is said again when its time has come.
    const due = dated.filter(({ lastMs }) => lastMs < nowMs + AHEAD_MS)
    if (due.length === 0) return true
    const state = Math.max(nowMs, ...due.map(({ lastMs }) => lastMs + 1))
    const links = Object.fromEntries(
      due.map(({ id }) => [
        id,
        { '#': signer === undefined ? souls.hint(id) : souls.spaceItem(signer.pub, id) },
      ]),
    )
    const node = signer === undefined ? makeNode(soul, links, state) : signNode(soul, links, state, signer)
    const put = await this.#options.client.put({ [soul]: node }, this.#abort.signal, relay).catch(ignoreAway)
    return put?.relays.includes(relay) === true
  }

  #ended(check: ListCheck): void {
    const { soul, relay, looked, missing, failures } = check
    const next = afterPass(check, this.#options.clock.nowMs(), this.#told.has(relay))
    this.#checks.keep(next)
    if (missing === 0) return
    const fields = { list: soul, relay, looked, missing }
    if (next.failures > failures) this.#options.log.warn('network.list-not-kept', fields)
    else this.#options.log.info('network.list-repaired', fields)
  }

  #isAtRest({ relay, dueMs }: ListCheck, nowMs: number): boolean {
    const sinceMs = nowMs - (this.#toldAtMs.get(relay) ?? -Infinity)
    return sinceMs >= REST_MS || sinceMs < 0 || nowMs - dueMs >= LONGEST_BURST_MS
  }

  #isSilent(relay: string, nowMs: number): boolean {
    const silence = this.#silent.get(relay)
    const sinceMs = nowMs - (silence?.atMs ?? -Infinity)
    return sinceMs >= 0 && sinceMs < (silence?.waitMs ?? 0)
  }

  /** It is asked again later and later: it may be busy, or answer no questions. */
  #wasSilent(relay: string): void {
    if (!this.#isReachable(relay)) return
    const before = this.#silent.get(relay)
    const waitMs = before === undefined ? FIRST_SILENCE_MS : Math.min(LONGEST_SILENCE_MS, before.waitMs * 2)
    this.#silent.set(relay, { atMs: this.#options.clock.nowMs(), waitMs })
  }

  #isReachable(relay: string): boolean {
    return !this.#abort.signal.aborted && this.#options.client.isRunning && this.#openRelays().includes(relay)
  }

  #openRelays(): string[] {
    const { relays } = this.#options.client.status()
    return relays.filter(({ state }) => state === 'open').map(({ url }) => url)
  }

  #pause(ms: number = PAUSE_MS): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#options.isPaced === false ? 0 : ms))
  }
}

/** GUN ended meanwhile, or is being stopped: nobody answered. */
function ignoreAway(error: unknown): undefined {
  if (!(error instanceof AppError)) throw error
}
