import { AppError } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { digestHas, makeDigest } from './digest.ts'
import type { GetArgs, GunClient } from './gun-client.ts'
import { makeNode, valuesOf } from './graph.ts'
import type { GunGraph } from './graph.ts'
import type { Answer } from './gun-protocol.ts'
import { makeHeartbeat, makeItemPresence, readHeartbeat, readItemPresence } from './presence-record.ts'
import type { ClaimInput, ItemPresence, NodeSigner } from './presence-record.ts'
import { PresenceSchedule } from './presence-schedule.ts'
import type { ScheduleLimits } from './presence-schedule.ts'
import { PEERS_PER_ITEM } from './presence-store.ts'
import type { PresenceStore } from './presence-store.ts'
import { parseSoul, souls } from './souls.ts'

export interface PresenceOptions {
  readonly client: Pick<GunClient, 'get' | 'put' | 'isRunning'>
  readonly store: PresenceStore
  readonly signer: NodeSigner
  /** What this node has and others may know of. */
  readonly items: () => Iterable<string>
  /** Addresses and region are given only where the user said so. */
  readonly about: () => Pick<ClaimInput, 'protocols' | 'endpoints' | 'region'>
  readonly clock: Clock
  readonly log: Log
  /** @defaultValue SCHEDULE */
  readonly schedule?: ScheduleLimits | undefined
}

export interface PeerPresence {
  readonly nodeId: string
  readonly isSelf: boolean
  readonly protocols: readonly string[]
  readonly endpoints: readonly string[]
  readonly region?: string
  readonly lastSeenMs: number
  /** It said so within the last quarter of an hour; the others may be asleep. */
  readonly isFresh: boolean
}

export interface ItemPresences {
  readonly mediaId: string
  /** Other nodes that are there now. */
  readonly fresh: number
  /** Those that were there and have not said that they are gone. */
  readonly stale: number
  /** Records nobody signed: not counted. */
  readonly unsigned: number
  readonly peers: readonly PeerPresence[]
  /** When the network was asked last. */
  readonly checkedAtMs?: number
}

const TICK_MS = 1_000
const ITEM_FRESH_SEC = 15 * 60
/** A node's heartbeat is asked for again after so long. */
const NODE_CACHE_MS = 15_000
const MAX_CHECKED = 5_000
const REFRESH_ITEMS_MS = 30_000

/** Says what this node has, and finds out who else has it. */
export class Presence {
  readonly #options: PresenceOptions
  readonly #schedule: PresenceSchedule
  readonly #nodeCheckedAtMs = new Map<string, number>()
  readonly #checked = new Map<string, { atMs: number; unsigned: number }>()
  #digest: Record<string, string> = {}
  #gone: string[] = []
  #heartbeatSec = 0
  #timer: NodeJS.Timeout | undefined
  #itemsAtMs = -Infinity
  #saying: Promise<void> | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#schedule = new PresenceSchedule(options.schedule)
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS)
  }

  /** Says good-bye where there is time for it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    // What is being said is not waited for: a relay may never acknowledge it.
    if (this.#schedule.size === 0 || !this.#options.client.isRunning) return
    const bye = this.#put(this.#heartbeatGraph(0))
    await Promise.race([bye, new Promise<void>((resolve) => setTimeout(resolve, 700).unref())])
  }

  /** Items came or went: to be said soon. */
  itemsChanged(): void {
    this.#itemsAtMs = -Infinity
  }

  /** Somebody asks who has these. */
  asked(mediaIds: readonly string[]): void {
    const nowMs = this.#options.clock.nowMs()
    for (const mediaId of mediaIds) this.#schedule.ask(mediaId, nowMs)
  }

  /** A relay is new or back. */
  sayAgain(): void {
    this.#schedule.sayAgain()
  }

  /** What is known of who has an item, without asking anybody. */
  known(mediaId: string): ItemPresences {
    const { store, clock, signer } = this.#options
    const nowMs = clock.nowMs()
    const peers = store
      .ofItem(mediaId, nowMs)
      .map((record) => this.#judge(record, nowMs))
      .filter((peer) => peer !== undefined)
    const others = peers.filter(({ nodeId }) => nodeId !== signer.nodeId)
    const checked = this.#checked.get(mediaId)
    return {
      mediaId,
      fresh: others.filter(({ isFresh }) => isFresh).length,
      stale: others.filter(({ isFresh }) => !isFresh).length,
      unsigned: checked?.unsigned ?? 0,
      peers,
      ...(checked === undefined ? {} : { checkedAtMs: checked.atMs }),
    }
  }

  /** Asks every relay who has an item. */
  async find(mediaId: string): Promise<ItemPresences> {
    const [byPrefix, listed] = await Promise.all([
      this.#ask({ soul: { prefix: souls.presence(mediaId, '') } }),
      // Relays that can't search by prefix keep the list.
      this.#ask({ soul: souls.peers(mediaId) }),
    ])
    const nodes = new Map<string, Record<string, unknown>[]>()
    const add = (answers: readonly Answer[]): void => {
      for (const { graph } of answers) {
        for (const [name, node] of Object.entries(graph)) {
          const soul = parseSoul(name)
          if (soul?.kind !== 'presence' || soul.mediaId !== mediaId) continue
          nodes.set(soul.nodeId, [...(nodes.get(soul.nodeId) ?? []), valuesOf(node)])
        }
      }
    }
    add(byPrefix)
    const more = new Set<string>()
    for (const { graph } of listed) {
      for (const nodeId of Object.keys(graph[souls.peers(mediaId)] ?? {})) {
        if (nodeId !== '_' && !nodes.has(nodeId) && more.size < PEERS_PER_ITEM) more.add(nodeId)
      }
    }
    for (const answers of await Promise.all(
      [...more].map((id) => this.#ask({ soul: souls.presence(mediaId, id) })),
    )) {
      add(answers)
    }
    const isAnswered = [...byPrefix, ...listed].some(({ from }) => from !== 'disk')
    await this.#keep(mediaId, nodes, isAnswered)
    return this.known(mediaId)
  }

  async #keep(
    mediaId: string,
    nodes: ReadonlyMap<string, readonly Record<string, unknown>[]>,
    isAnswered: boolean,
  ): Promise<void> {
    const { store, clock } = this.#options
    const nowMs = clock.nowMs()
    let unsigned = 0
    const seen = new Set<string>()
    for (const [nodeId, versions] of [...nodes].slice(0, PEERS_PER_ITEM * 4)) {
      const records = versions.map((values) => readItemPresence(values, mediaId, nowMs))
      let isSigned = false
      for (const record of records) {
        if (record === undefined || record.peerId !== nodeId) continue
        isSigned = true
        store.keepItem(record, nowMs)
        seen.add(nodeId)
      }
      if (!isSigned) unsigned += 1
    }
    if (isAnswered) {
      this.#checked.delete(mediaId)
      this.#checked.set(mediaId, { atMs: nowMs, unsigned })
    }
    if (this.#checked.size > MAX_CHECKED)
      for (const oldest of [...this.#checked.keys()].slice(0, 500)) this.#checked.delete(oldest)
    await Promise.all([...seen].slice(0, PEERS_PER_ITEM).map((nodeId) => this.#checkNode(nodeId, nowMs)))
  }

  async #checkNode(nodeId: string, nowMs: number): Promise<void> {
    if (nowMs - (this.#nodeCheckedAtMs.get(nodeId) ?? -Infinity) < NODE_CACHE_MS) return
    this.#nodeCheckedAtMs.set(nodeId, nowMs)
    if (this.#nodeCheckedAtMs.size > MAX_CHECKED) this.#nodeCheckedAtMs.clear()
    for (const { graph } of await this.#ask({ soul: souls.node(nodeId) })) {
      const node = graph[souls.node(nodeId)]
      const heartbeat = node === undefined ? undefined : readHeartbeat(valuesOf(node), nodeId, nowMs)
      if (heartbeat !== undefined) this.#options.store.keepNode(heartbeat, nowMs)
    }
  }

  /** The item's own record says who; the node's heartbeat says whether that still holds. */
  #judge(record: ItemPresence, nowMs: number): PeerPresence | undefined {
    const heartbeat = this.#options.store.node(record.peerId)
    const nowSec = nowMs / 1000
    const isNewer = heartbeat !== undefined && heartbeat.lastSeen >= record.lastSeen
    if (isNewer && heartbeat.ttl === 0) return undefined
    const isAlive = isNewer && heartbeat.lastSeen + heartbeat.ttl > nowSec
    if (isAlive && !digestHas(heartbeat.digest, record.mediaId)) return undefined
    const lastSeen = isNewer ? heartbeat.lastSeen : record.lastSeen
    const { protocols, endpoints, region } = isNewer ? heartbeat : record
    return {
      nodeId: record.peerId,
      isSelf: record.peerId === this.#options.signer.nodeId,
      protocols,
      endpoints: endpoints ?? [],
      ...(region === undefined ? {} : { region }),
      lastSeenMs: lastSeen * 1000,
      isFresh: isNewer ? isAlive : record.lastSeen + Math.min(record.ttl, ITEM_FRESH_SEC) > nowSec,
    }
  }

  #tick(): void {
    if (!this.#options.client.isRunning || this.#saying !== undefined) return
    try {
      this.#say()
    } catch (error) {
      // The database can't be read just now, say: what is due is said with the next tick.
      this.#options.log.error('network.presence-failed', { error })
    }
  }

  #say(): void {
    const nowMs = this.#options.clock.nowMs()
    if (nowMs - this.#itemsAtMs >= REFRESH_ITEMS_MS || nowMs < this.#itemsAtMs) {
      this.#itemsAtMs = nowMs
      this.#gone.push(...this.#schedule.setItems(this.#options.items()))
    }
    const { isHeartbeatDue, isDigestChanged, items } = this.#schedule.take(nowMs)
    if (isDigestChanged) this.#digest = makeDigest(this.#schedule.mediaIds())
    const graphs = items.map((mediaId) => this.#itemGraph(mediaId, this.#schedule.itemTtlSec))
    for (const mediaId of this.#gone.splice(0, 2)) {
      if (!this.#schedule.has(mediaId)) graphs.push(this.#itemGraph(mediaId, 0))
    }
    if (isHeartbeatDue) graphs.push(this.#heartbeatGraph(this.#heartbeatTtlSec()))
    if (graphs.length === 0) return
    this.#saying = Promise.all(graphs.map((graph) => this.#put(graph)))
      .then(() => undefined)
      .catch((error: unknown) => this.#options.log.error('network.presence-failed', { error }))
      .finally(() => (this.#saying = undefined))
  }

  #heartbeatTtlSec(): number {
    return Math.ceil(this.#schedule.heartbeatTtlMs / 1000)
  }

  #itemGraph(mediaId: string, ttl: number): GunGraph {
    const { signer } = this.#options
    const nowMs = this.#options.clock.nowMs()
    const soul = souls.presence(mediaId, signer.nodeId)
    const values = makeItemPresence(mediaId, this.#claim(nowMs, ttl), signer)
    const list = souls.peers(mediaId)
    return {
      [soul]: makeNode(soul, values, nowMs),
      [list]: makeNode(list, { [signer.nodeId]: { '#': soul } }, nowMs),
    }
  }

  #heartbeatGraph(ttl: number): GunGraph {
    const { signer } = this.#options
    const nowMs = this.#options.clock.nowMs()
    const soul = souls.node(signer.nodeId)
    const claim = this.#claim(nowMs, ttl)
    // In whole seconds, a good-bye could be as old as the heartbeat before it.
    const lastSeen = Math.max(claim.lastSeen, ttl === 0 ? this.#heartbeatSec + 1 : 0)
    this.#heartbeatSec = lastSeen
    const input = { ...claim, lastSeen, items: this.#schedule.size, digest: this.#digest }
    return { [soul]: makeNode(soul, makeHeartbeat(input, signer), nowMs) }
  }

  #claim(nowMs: number, ttl: number): ClaimInput {
    return { ...this.#options.about(), lastSeen: Math.floor(nowMs / 1000), ttl }
  }

  async #put(graph: GunGraph): Promise<void> {
    try {
      await this.#options.client.put(graph)
    } catch (error) {
      // GUN ended meanwhile: the next round says it.
      if (!(error instanceof AppError)) throw error
    }
  }

  async #ask(args: GetArgs): Promise<readonly Answer[]> {
    if (!this.#options.client.isRunning) return []
    try {
      return await this.#options.client.get(args)
    } catch (error) {
      if (error instanceof AppError) return []
      throw error
    }
  }
}
