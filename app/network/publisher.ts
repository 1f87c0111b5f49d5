import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import { accessLevelOf, canonicalJson, isEncrypted, isTold, type Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { encodeManifest } from './codec.ts'
import { FILTER_LIMITS } from './filter.ts'
import { bundle, makeNode } from './graph.ts'
import type { GunNode, GunValue } from './graph.ts'
import type { GunClient } from './gun-client.ts'
import type { Revocation } from '../sharing/index.ts'
import { signNode, type SeaSigner } from './sea.ts'
import { souls } from './souls.ts'

/** What of ours may be told to the network. */
export interface PublishableItems {
  /** The current manifest, or undefined when the item is gone, in the trash, or not to be told of (yet). */
  manifest(mediaId: string): Promise<Manifest | undefined>
  /** Every item of our own that may be told of, with its version. */
  own(): Iterable<{ readonly mediaId: string; readonly version: number }>
}

export interface PublisherOptions {
  readonly client: Pick<GunClient, 'put' | 'isRunning' | 'status'>
  readonly db: Db
  readonly items: PublishableItems
  /** undefined while the wallet is locked: the publisher's own space then has to wait. */
  readonly signer: () => SeaSigner | undefined
  /** Told once of every version that relays can't carry whole. */
  readonly onTooLarge: (mediaId: string) => void
  readonly clock: Clock
  readonly log: Log
}

/** How far an item may be told of. */
export type Reach = 'listed' | 'unlisted' | 'none'

const KIND = { manifest: 'manifest', revocation: 'revocation' } as const
/** Relays forget: what they have is written again after so long. */
const REPUBLISH_MS = 24 * 60 * 60 * 1000
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 5 * 60_000
/** Own manifests at work at once while catching up; each is one put of several nodes. */
const AT_ONCE = 48
/** Never dated further into the future than others accept. */
const FUTURE_MARGIN_MS = FILTER_LIMITS.futureMs / 2

/**
 * Public items are listed for everybody; items shared with some are there for those who know their id, as ciphertext with sealed
 * names; the rest is never told of.
 */
export function reachOf(manifest: Manifest): Reach {
  const level = accessLevelOf(manifest)
  if (!isTold(level, isEncrypted(manifest))) return 'none'
  if (level === 'public') return 'listed'
  const isSealed = manifest.encryption?.sealed !== undefined && manifest.name === undefined
  return isSealed ? 'unlisted' : 'none'
}

/** Writes what is ours into GUN and remembers which relay has which version, so that everyone gets everything once. */
export class Publisher {
  readonly #options: PublisherOptions
  #catchingUp: Promise<void> | undefined
  #isAgain = false
  #isSpaceLinked = false
  #retry: NodeJS.Timeout | undefined
  #retries = 0
  #abort = new AbortController()

  constructor(options: PublisherOptions) {
    this.#options = options
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
    const wasTold = this.#isTold(mediaId, version)
    const isDone = await this.#write(mediaId, KIND.manifest, version, (state) =>
      this.#nodesOf(manifest, state),
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
    await this.#write(revocation.mediaId, KIND.revocation, 1, (state) =>
      this.#revocationNodes(revocation, state),
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

  /** Something was not acknowledged. */
  retrySoon(): void {
    this.#retry ??= setTimeout(() => void this.catchUp(), FIRST_RETRY_MS).unref()
  }

  /** A relay came: it may know nothing of ours. */
  relayOpened(): void {
    this.#isSpaceLinked = false
    this.#retries = 0
    void this.catchUp()
  }

  /** Forgets that anybody had it: somebody wrote over it. */
  republish(mediaId: string): void {
    const { db } = this.#options
    db.write(() => db.prepare('UPDATE network_publications SET at_ms = 0 WHERE media_id = ?').run(mediaId))
    void this.catchUp()
  }

  /** Items that some open relay does not have yet. */
  owed(): number {
    return this.#owed().length
  }

  async stop(): Promise<void> {
    clearTimeout(this.#retry)
    this.#abort.abort()
    await this.#catchingUp
  }

  async #catchUp(): Promise<void> {
    const owed = this.#owed()
    const work = async (): Promise<void> => {
      for (let next = owed.pop(); next !== undefined; next = owed.pop()) {
        if (this.#abort.signal.aborted || !this.#options.client.isRunning) return
        await this.#deliver(next)
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

  async #deliver({ mediaId, kind }: { mediaId: string; kind: keyof typeof KIND }): Promise<void> {
    try {
      if (kind === 'manifest') await this.publish(mediaId)
      else
        await this.#write(mediaId, kind, 1, (state) =>
          this.#revocationNodes(this.#withdrawal(mediaId), state),
        )
    } catch (error) {
      const { log } = this.#options
      if (error instanceof AppError) log.debug('network.publish-waits', { mediaId, code: error.code })
      // The others are not to wait for one that can't be told.
      else log.error('network.publish-failed', { mediaId, error })
    }
  }

  #owed(): { mediaId: string; kind: keyof typeof KIND }[] {
    const { db, items, clock } = this.#options
    const targets = ['', ...this.#openRelays()]
    const rows = db
      .prepare('SELECT media_id, kind, relay, version, at_ms FROM network_publications')
      .all() as {
      media_id: string
      kind: keyof typeof KIND
      relay: string
      version: number
      at_ms: number
    }[]
    const freshFromMs = clock.nowMs() - REPUBLISH_MS
    const done = new Map<string, number>()
    for (const { media_id: id, kind, relay, version, at_ms: atMs } of rows) {
      if (atMs > freshFromMs) done.set(`${kind} ${relay} ${id}`, version)
    }
    const lacks = (kind: string, mediaId: string, version: number): boolean =>
      targets.some((relay) => (done.get(`${kind} ${relay} ${mediaId}`) ?? 0) < version)
    const owed: { mediaId: string; kind: keyof typeof KIND }[] = []
    // Without the wallet, all but the publisher's own space can be written; that follows when it opens.
    const missing = this.#options.signer() === undefined ? 0.5 : 0
    for (const { mediaId, version } of items.own()) {
      if (lacks('manifest', mediaId, version - missing)) owed.push({ mediaId, kind: 'manifest' })
    }
    const withdrawn = db.prepare('SELECT media_id FROM revocations').all() as { media_id: string }[]
    for (const { media_id: mediaId } of withdrawn) {
      if (lacks('revocation', mediaId, 1)) owed.push({ mediaId, kind: 'revocation' })
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
    mediaId: string,
    kind: keyof typeof KIND,
    version: number,
    nodesAt: (state: number) => readonly GunNode[],
  ): Promise<boolean> {
    const { client, db, clock } = this.#options
    const state = this.#nextState(mediaId)
    const puts = bundle(nodesAt(state)).map((graph) => client.put(graph, this.#abort.signal))
    const done = await Promise.all(puts)
    const isStored = done.every((put) => put.isStored)
    const [first, ...others] = done
    const relays = (first?.relays ?? []).filter((relay) => others.every((put) => put.relays.includes(relay)))
    const isWhole = this.#options.signer() !== undefined
    await db.writeTogether(() => {
      for (const relay of [...(isStored ? [''] : []), ...relays]) {
        db.prepare(
          `INSERT OR REPLACE INTO network_publications (media_id, kind, relay, version, state_ms, at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
        ).run(mediaId, kind, relay, isWhole ? version : version - 0.5, state, clock.nowMs())
      }
    })
    return isStored && this.#openRelays().every((relay) => relays.includes(relay))
  }

  /** Later than what was written before, also when the clock was set back; never so late that others refuse it. */
  #nextState(mediaId: string): number {
    const { db, clock } = this.#options
    const { last } = db
      .prepare('SELECT max(state_ms) AS last FROM network_publications WHERE media_id = ?')
      .get(mediaId) as { last: number | null }
    const nowMs = clock.nowMs()
    return Math.min(Math.max(nowMs, (last ?? 0) + 1), nowMs + FUTURE_MARGIN_MS)
  }

  /** Whether anybody was told of this version, or a later one. */
  #isTold(mediaId: string, version: number): boolean {
    const sql = `SELECT 1 FROM network_publications WHERE media_id = ? AND kind = 'manifest' AND version >= ? LIMIT 1`
    return this.#options.db.prepare(sql).get(mediaId, version - 0.5) !== undefined
  }

  #nodesOf(manifest: Manifest, state: number): readonly GunNode[] {
    const { id } = manifest
    const { hash, text, fields } = encodeManifest(manifest)
    const isListed = reachOf(manifest) === 'listed'
    const signer = this.#options.signer()
    const hint = signer === undefined ? fields : { ...fields, pub: signer.pub }
    const nodes: GunNode[] = [makeNode(souls.hint(id), hint, state)]
    if (isListed) {
      // A longer one lies in parts in the other two places; of what is not listed, stock relays would list the frozen ones.
      if (Buffer.byteLength(text) <= FILTER_LIMITS.valueBytes)
        nodes.push(makeNode(souls.versions, { [hash]: text }, state))
      nodes.push(makeNode(souls.index, { [id]: { '#': souls.hint(id) } }, state))
    }
    if (signer !== undefined) {
      const { pub } = signer
      nodes.push(signNode(souls.spaceItem(pub, id), signedFields(fields), state, signer))
      if (isListed)
        nodes.push(
          signNode(souls.spaceIndex(pub), { [id]: { '#': souls.spaceItem(pub, id) } }, state, signer),
        )
      // Once is enough, as long as the relays are the same.
      if (!this.#isSpaceLinked)
        nodes.push(signNode(souls.space(pub), { media: { '#': souls.spaceIndex(pub) } }, state, signer))
      this.#isSpaceLinked = true
    }
    return nodes
  }

  #revocationNodes(revocation: Revocation, state: number): readonly GunNode[] {
    const { mediaId, at, owner } = revocation
    const text = canonicalJson(revocation)
    const signer = this.#options.signer()
    const deletion = {
      did: `did:gun:media:${mediaId}`,
      deletedAt: at,
      deletedBy: owner,
      timestamp: Date.parse(at),
      revocation: text,
    }
    const nodes = [makeNode(souls.deletion(mediaId), deletion, state)]
    if (signer !== undefined)
      nodes.push(signNode(souls.spaceItem(signer.pub, mediaId), { revocation: text }, state, signer))
    return nodes
  }

  #withdrawal(mediaId: string): Revocation {
    const row = this.#options.db.prepare('SELECT body FROM revocations WHERE media_id = ?').get(mediaId) as {
      body: string
    }
    return JSON.parse(row.body) as Revocation // as it was when it was verified
  }
}

/**
 * What of the fields goes into the user's space: the manifest itself and what tells its versions apart. Each value costs every peer
 * that takes it a millisecond of checking its signature, and the others are in the manifest.
 */
function signedFields(fields: Readonly<Record<string, GunValue>>): Record<string, GunValue> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => /^(?:id|version|hash|parts|manifest(?::\d+)?)$/.test(name)),
  )
}
