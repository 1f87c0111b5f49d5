import { randomUUID } from 'node:crypto'
import { filterFrame } from './filter.ts'
import type { Asked, CleanMessage, DropReason } from './filter.ts'
import { FutureBudget } from './future-budget.ts'
import { mergeNodes } from './graph.ts'
import type { GunGraph, GunNode } from './graph.ts'
import type { GunDisk } from './gun-disk.ts'
import { makeGun } from './gun-module.ts'
import type { GunAnswer, GunPeer, GunRoot, GunTag } from './gun-module.ts'
import type { Answer } from './gun-protocol.ts'
import { pageQuestion, pageSize } from './list-page.ts'
import { NodesInMemory } from './nodes-in-memory.ts'
import { OwnWritings } from './own-writings.ts'
import { Rate } from './rate.ts'
import { frozenId } from './codec.ts'
import { isListSoul, parseSoul, souls } from './souls.ts'

export interface GunNodeOptions {
  readonly disk: GunDisk
  readonly nowMs: () => number
  readonly onHeard: (graph: GunGraph, from: string) => void
  /** Somebody asked who has that item. */
  readonly onAsked: (mediaId: string) => void
  /** Somebody wrote something else where we had written of our own item, dated so. */
  readonly onContested: (mediaId: string, stateMs: number) => void
}

interface GetOptions {
  readonly soul: string | { readonly prefix: string }
  readonly key?: string | undefined
  readonly timeoutMs: number
  readonly patienceMs: number
}

interface PageOptions {
  readonly soul: string
  readonly from: string
  readonly before?: string | undefined
  readonly share?: number | undefined
  readonly timeoutMs: number
}

interface Attached {
  readonly peer: GunPeer
  readonly isRelay: boolean
  readonly rate: Rate
  /** Of a relay: who comes to our own sockets is slowed down before. */
  readonly bytes: Rate | undefined
}

const DISK = 'disk'
/** Messages a peer may send each second: more than an honest one does while it publishes as fast as GUN can. */
const MESSAGES_PER_SEC = 2_000
const MESSAGES_BURST = 4_000
const RELAY_BYTES_PER_SEC = 2 * 1024 * 1024
const RELAY_BYTES_BURST = 16 * 1024 * 1024
/** After a whole answer, the others get this long. */
const GRACE_MS = 25

/** GUN itself, with its inputs filtered and its memory bounded. */
export class GunGraphNode {
  readonly #root: GunRoot
  readonly #options: GunNodeOptions
  readonly #peers = new Map<string, Attached>()
  /** Our questions that are still open, and who takes the answers. */
  readonly #asked = new Map<string, Asked & { readonly take: (message: GunAnswer, from: string) => void }>()
  readonly #dropped = new Map<string, number>()
  readonly #memory: NodesInMemory
  /** What is older is a replay. */
  readonly #own = new OwnWritings()
  readonly #future = new FutureBudget()
  #isFeedWanted = false
  #publishers: ReadonlySet<string> = new Set()

  constructor(options: GunNodeOptions) {
    this.#options = options
    this.#root = makeGun(options.disk)
    const { mesh } = this.#root.opt
    mesh.way = (message) => {
      // A stranger's question is answered from what we hold: it is not passed on to our relays.
      if (message.get !== undefined && message._?.via !== undefined) return
      mesh.say(message, this.#root.opt.peers)
    }
    const memory = new NodesInMemory(this.#root)
    this.#memory = memory
    this.#root.on('put', function (this: GunTag, message: { put?: { '#'?: unknown } }) {
      this.to.next(message)
      const soul = message.put?.['#']
      if (typeof soul === 'string') memory.touch(soul)
    } as never)
  }

  get counters(): Record<string, number> {
    return Object.fromEntries(this.#dropped)
  }

  get memory(): Pick<NodesInMemory, 'count' | 'prune' | 'tidy'> {
    return this.#memory
  }

  get peerCount(): number {
    return this.#peers.size
  }

  watch(isFeedWanted: boolean, publishers: readonly string[]): void {
    this.#isFeedWanted = isFeedWanted
    this.#publishers = new Set(publishers)
  }

  /** @param isRelay one the user listed: what it answers may be waited for */
  attach(id: string, isRelay: boolean, say: (text: string) => void): void {
    const peer: GunPeer = { id, url: id, wire: {}, say }
    const nowMs = performance.now()
    this.#peers.set(id, {
      peer,
      isRelay,
      rate: new Rate(MESSAGES_PER_SEC, MESSAGES_BURST, nowMs),
      bytes: isRelay ? new Rate(RELAY_BYTES_PER_SEC, RELAY_BYTES_BURST, nowMs) : undefined,
    })
    this.#root.opt.mesh.hi(peer)
    this.#root.opt.mesh.say({ dam: '?', pid: (this.#root.opt as { pid?: string }).pid }, peer)
  }

  detach(id: string): void {
    const attached = this.#peers.get(id)
    if (attached === undefined) return
    this.#peers.delete(id)
    attached.peer.say = () => undefined
    this.#root.opt.mesh.bye(attached.peer)
    delete this.#root.opt.peers[id]
  }

  /** @returns milliseconds for which nothing more should be taken from this peer */
  hear(id: string, text: string): number {
    const attached = this.#peers.get(id)
    if (attached === undefined) return 0
    const { messages, dropped } = filterFrame(text, {
      nowMs: this.#options.nowMs(),
      asked: (ack) => this.#asked.get(ack),
    })
    let refused = 0
    for (const [reason, count] of dropped) {
      refused += count
      this.#count(reason, count)
    }
    for (const message of messages) this.#pass(message, attached)
    const nowMs = performance.now()
    return Math.max(
      attached.rate.spend(Math.max(1, messages.length + refused), nowMs),
      attached.bytes?.spend(text.length, nowMs) ?? 0,
    )
  }

  /** Writes our own nodes, here and to every peer. A disk that keeps nothing now is not waited for. */
  put(graph: GunGraph, timeoutMs: number): Promise<{ isStored: boolean; relays: string[] }> {
    const open = this.#relayIds()
    this.#own.note(graph)
    return new Promise((resolve) => {
      let isHere = false
      let isStored = false
      const acked = new Set<string>()
      const timer = setTimeout(() => finish(), timeoutMs)
      const finish = (): void => {
        clearTimeout(timer)
        resolve({ isStored, relays: [...acked] })
      }
      const id = this.#root.ask((message) => {
        const via = message._?.via
        if (via === undefined) {
          isHere = true
          isStored = this.#options.disk.isKeeping
        } else if (this.#peers.get(via.id)?.isRelay === true && message.err === undefined) acked.add(via.id)
        if (isHere && open.every((relay) => acked.has(relay) || !this.#peers.has(relay))) finish()
      })
      // GUN keeps what it is given and marks it: it gets its own copy.
      this.#root.on('out', { '#': id, put: structuredClone(graph) })
    })
  }

  /** What was written before this was started, of which nothing is known here. */
  wroteBefore(graph: GunGraph): void {
    this.#own.note(Object.fromEntries(Object.entries(graph).filter(([soul]) => !this.#own.has(soul))))
  }

  /** Writes our own nodes to one relay that lacks them. */
  async putTo(
    relay: string,
    graph: GunGraph,
    timeoutMs: number,
  ): Promise<{ isStored: boolean; relays: string[] }> {
    const answer = await this.#askOne(relay, { soul: '', put: structuredClone(graph) }, timeoutMs)
    return { isStored: false, relays: answer === undefined || answer.err !== undefined ? [] : [relay] }
  }

  /** Asks the disk and every relay; each answers for itself, so that one that lies hides nothing the others have. */
  get(options: GetOptions): Promise<{ answers: Answer[]; isComplete: boolean }> {
    const { soul, key, timeoutMs, patienceMs } = options
    const waiting = new Set(this.#relayIds())
    const found = new Map<string, Record<string, GunNode>>()
    return new Promise((resolve) => {
      let isDone = false
      let next: NodeJS.Timeout | undefined
      const finish = (isComplete: boolean): void => {
        isDone = true
        clearTimeout(limit)
        clearTimeout(next)
        this.#asked.delete(id)
        resolve({ answers: [...found].map(([from, graph]) => ({ from, graph })), isComplete })
      }
      const limit = setTimeout(() => finish(false), timeoutMs)
      const take = (message: GunAnswer, from: string): void => {
        if (isDone) return
        collect(message, from, found)
        // There is more to come from this one.
        if (message['%'] !== undefined && message['%'] !== null) return
        waiting.delete(from)
        const hasData = [...found].some(
          ([source, graph]) => (source !== DISK || !this.#hasRelays()) && Object.keys(graph).length > 0,
        )
        if (waiting.size === 0) {
          // A relay that knows nothing may still hear it from another; without one there is nobody to wait for.
          clearTimeout(next)
          next = setTimeout(() => finish(true), hasData || !this.#hasRelays() ? GRACE_MS : patienceMs)
        } else if (hasData) {
          next ??= setTimeout(() => finish(false), patienceMs)
        }
      }
      const id = this.#root.ask((message) => take(message, DISK))
      this.#asked.set(id, { soul: typeof soul === 'string' ? soul : '', take })
      this.#root.on('out', { '#': id, get: toGet(soul, key) })
    })
  }

  /** A page of a list, from its end towards its beginning, as one source has it; nothing when that does not answer. */
  page({ soul, from, before, share, timeoutMs }: PageOptions): Promise<Answer[]> {
    if (from === DISK) {
      const key = { prefix: '', ...(before === undefined ? {} : { to: before }) }
      const graph = this.#options.disk.get({ soul, key, limit: pageSize(soul), isReverse: true }) ?? {}
      return Promise.resolve([{ from, graph }])
    }
    return this.#askOne(from, { soul, ...pageQuestion(soul, before, share) }, timeoutMs).then((answer) =>
      answer === undefined ? [] : [{ from, graph: answer.put ?? {} }],
    )
  }

  /** Has no frozen version of these items any more, in memory or on the disk. */
  forgetVersions(mediaIds: readonly string[]): void {
    const unwanted = new Set(mediaIds)
    this.#options.disk.remove(souls.versions, (text) => unwanted.has(frozenId(text) ?? ''))
    this.#memory.forget(souls.versions)
  }

  /** Says something to one peer alone. @returns its answer; of several the first, which is the one that lies next */
  #askOne(
    to: string,
    { soul, ...message }: { readonly soul: string; readonly get?: object; readonly put?: GunGraph },
    timeoutMs: number,
  ): Promise<GunAnswer | undefined> {
    const peer = this.#peers.get(to)?.peer
    if (peer === undefined) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const id = randomUUID()
      const finish = (answer?: GunAnswer): void => {
        clearTimeout(limit)
        this.#asked.delete(id)
        resolve(answer)
      }
      const limit = setTimeout(() => finish(), timeoutMs)
      const take = (answer: GunAnswer, source: string): void => void (source === to && finish(answer))
      this.#asked.set(id, { soul, take })
      this.#root.opt.mesh.say({ '#': id, ...message }, peer)
    })
  }

  #hasRelays(): boolean {
    return [...this.#peers.values()].some(({ isRelay }) => isRelay)
  }

  #relayIds(): string[] {
    return [...this.#peers].filter(([, { isRelay }]) => isRelay).map(([id]) => id)
  }

  #pass(message: CleanMessage, { peer }: Attached): void {
    if (message.put !== undefined && !this.#withoutReplays(message, message.put)) return
    this.#notice(message, peer.id)
    // An answer to ourselves is none of GUN's business: it would drop one that says what another said before.
    const asked = message['@'] === undefined ? undefined : this.#asked.get(message['@'])
    if (asked !== undefined) return asked.take(message, peer.id)
    if (message.put !== undefined && !this.#withoutFuture(message, message.put, peer.id)) return
    this.#root.opt.mesh.hear(message, peer)
  }

  /** Takes out what is older than what we wrote there ourselves. @returns whether anything is left */
  #withoutReplays(message: CleanMessage, put: GunGraph): boolean {
    const kept = Object.entries(put).filter(([soul, node]) => {
      if (this.#own.isStale(soul, node)) {
        this.#count('stale', 1)
        return false
      }
      const parsed = parseSoul(soul)
      const stateMs = this.#own.latestOther(soul, node)
      if (parsed?.kind === 'hint' && stateMs !== undefined) this.#options.onContested(parsed.mediaId, stateMs)
      return true
    })
    if (kept.length === 0) return false
    message.put = Object.fromEntries(kept)
    return true
  }

  /** Takes out what is dated into the future, when GUN may hold no more of it. @returns whether anything is left */
  #withoutFuture(message: CleanMessage, put: GunGraph, from: string): boolean {
    const { graph, refused } = this.#future.admit(from, put, this.#options.nowMs())
    if (refused === 0) return true
    this.#count('future', refused)
    message.put = graph
    return Object.keys(graph).length > 0
  }

  /** Tells the engine what it wanted to hear of. */
  #notice(message: CleanMessage, from: string): void {
    const asked = message.get?.['#']
    if (asked !== undefined) {
      const mediaId = /^media:([0-9a-f]{64}):peers/.exec(typeof asked === 'string' ? asked : asked['*'])?.[1]
      if (mediaId !== undefined) this.#options.onAsked(mediaId)
    }
    if (message.put === undefined || message['@'] !== undefined) return
    const wanted = Object.entries(message.put).filter(([soul]) => this.#isWanted(soul))
    if (wanted.length > 0) this.#options.onHeard(Object.fromEntries(wanted), from)
  }

  #isWanted(name: string): boolean {
    const soul = parseSoul(name)
    switch (soul?.kind) {
      case 'hint':
      case 'index':
        return this.#isFeedWanted
      case 'spaceItem':
      case 'spaceIndex':
        return this.#publishers.has(soul.pub)
      case 'deletion':
        return true
      default:
        return false
    }
  }

  #count(reason: DropReason | 'stale', count: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count)
  }
}

function collect(message: GunAnswer, from: string, found: Map<string, Record<string, GunNode>>): void {
  const held = found.get(from) ?? {}
  for (const [soul, node] of Object.entries(message.put ?? {})) {
    // GUN's own nodes: they change under our hands.
    if (node !== null && typeof node === 'object') held[soul] = mergeNodes(held[soul], structuredClone(node))
  }
  found.set(from, held)
}

function toGet(soul: GetOptions['soul'], key: GetOptions['key']): Record<string, unknown> {
  if (typeof soul !== 'string') return { '#': { '*': soul.prefix }, '%': 64 * 1024 }
  if (key !== undefined) return { '#': soul, '.': key }
  return isListSoul(soul) ? { '#': soul, '.': { '*': '' }, '%': pageSize(soul) } : { '#': soul }
}
