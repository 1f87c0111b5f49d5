import { randomUUID } from 'node:crypto'
import { AppError } from '../contract/index.ts'
import type { AccessRule, Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Revocation } from '../sharing/index.ts'
import { readManifestNode } from './codec.ts'
import { filterFrame } from './filter.ts'
import { unwrapJson } from './flat.ts'
import { bundle, isLink, makeNode, mergeNodes, valuesOf } from './graph.ts'
import type { GunGraph, GunNode, GunValue } from './graph.ts'
import type { GunClient } from './gun-client.ts'
import type { ManifestIndex } from './manifest-index.ts'
import type { ManifestStore } from './manifest-store.ts'
import { readPosted } from './posted-manifest.ts'
import type { Presence } from './presence.ts'
import { reachOf } from './reach.ts'
import {
  describeForeign,
  flatten,
  foreignRule,
  nodesOf,
  notPublic,
  refusedBy,
  requireSoul,
  requireTellable,
  ruleOf,
  statedLevel,
  verified,
  versionsFor,
} from './relay-values.ts'
import { openNode } from './sea.ts'
import { parseSoul, souls, type Soul } from './souls.ts'

/** On whose behalf the graph is asked. */
export interface RelayReader {
  /** The privacy filter, for this one. */
  readonly mayRead: (rule: AccessRule) => boolean
  /** What this node's library holds, in the trash too. */
  readonly held: (mediaId: string) => AccessRule | undefined
}

/** Who sends something. */
export interface RelaySender {
  /** Owner key they proved to hold: 66 hex. */
  readonly publicKey: string
  readonly isNodeOwner: boolean
}

/** What is held here and in the clear for its owner alone is told to nobody. */
export type IsTellable = (mediaId: string) => boolean

export interface ReceivedManifest {
  readonly mediaId: string
  readonly soul: string
  /** Its signature holds: it is believed. Otherwise it is a hint to where bytes may be. */
  readonly isSigned: boolean
  /** It was written where others find it; what is not public stays here. */
  readonly isPublished: boolean
}

/** What is known of an item beyond the library. */
export interface KnownElsewhere {
  readonly rule: AccessRule
  /** The signed manifest; or, with `signed: false`, what somebody wrote, in the same form. */
  readonly manifest: Readonly<Record<string, unknown>>
  /** Its owner withdrew it. */
  readonly revocation?: Revocation | undefined
}

export interface PresenceClaim {
  readonly mediaId: string
  readonly peerId?: string | undefined
  readonly protocols?: readonly string[] | Readonly<Record<string, boolean>> | undefined
  readonly endpoints?: readonly string[] | Readonly<Record<string, string>> | undefined
}

export interface RelayGraphOptions {
  readonly client: Pick<GunClient, 'get' | 'put'>
  readonly index: ManifestIndex
  readonly store: ManifestStore
  readonly presence: Pick<Presence, 'asked'>
  /** This node's own id: what is said in its name is signed. */
  readonly nodeId: string
  /** Told of what was received and believed. */
  readonly onKept: (mediaId: string) => void
  readonly clock: Clock
}

/** Relays are asked for so long: an HTTP client waits for the answer. */
const GET_TIMEOUT_MS = 1_500
const PATIENCE_MS = 300
/** An answer is given when it is stored here; relays may take longer. */
const PUT_WAIT_MS = 1_500
/** Questions to the relays at once, for whoever asks over HTTP: beyond that it is their turn to wait. */
const MAX_ASKING = 128
/** Links of one node that are followed, one level deep. */
const MAX_LINKS = 32
/** Ids of nodes of our kind: their records are signed, or worth nothing. */
const NODE_ID = /^[0-9a-f]{40}$/

/** GUN as OIP's relay routes see it: one soul read or written, through the same filters as everything else. */
export class RelayGraph {
  readonly #options: RelayGraphOptions
  #asking = 0

  constructor(options: RelayGraphOptions) {
    this.#options = options
  }

  /**
   * One node, without GUN's metadata: `data` and `oip` parsed where they are JSON, links replaced by what they lead to, one level
   * deep and at most {@link MAX_LINKS}; further ones stay links, where this reader may know of what they lead to.
   * @returns undefined when there is none, or none that this reader may know of
   * @throws {AppError} `BAD_REQUEST` for a soul that is none of ours
   */
  async get(soul: string, reader: RelayReader): Promise<Record<string, unknown> | undefined> {
    const parsed = requireSoul(soul)
    const node = await this.#read(soul)
    // Read in any case, so that nobody can tell by the time it takes what the library holds.
    if (node === undefined || !this.#mayAsk(parsed, reader)) return undefined
    const values = await this.#withLinks(node, parsed, reader)
    if (Object.keys(values).length === 0 || !this.#mayKnow(parsed, values, reader)) return undefined
    return Object.fromEntries(
      Object.entries(values).map(([key, value]) => {
        const isWrapped = (key === 'data' || key === 'oip') && typeof value === 'string'
        return [key, isWrapped ? (unwrapJson(value) ?? value) : value]
      }),
    )
  }

  /**
   * Writes one node as it is; lists and objects as JSON strings. It is believed no more than if anybody had written it.
   * @throws {AppError} `BAD_REQUEST` for a soul that is none of ours, or a value that has no place in it; `PAYLOAD_TOO_LARGE`;
   *   `FORBIDDEN` for what is not public, or only another can say; `CONFLICT` for an item this node speaks of itself; `UNAVAILABLE`
   */
  async put(
    soul: string,
    data: Readonly<Record<string, unknown>>,
    {
      isTellable,
      isHeld,
    }: { readonly isTellable: IsTellable; readonly isHeld: (mediaId: string) => boolean },
  ): Promise<void> {
    const parsed = requireSoul(soul)
    if ('mediaId' in parsed) requireTellable(parsed.mediaId, isTellable)
    if (parsed.kind === 'hint' && isHeld(parsed.mediaId)) {
      throw new AppError('CONFLICT', 'This node holds that item and tells the network of it by itself.', {
        hint: 'Nothing was changed. Other souls can be written.',
      })
    }
    if (parsed.kind === 'node' || (parsed.kind === 'presence' && NODE_ID.test(parsed.nodeId))) {
      throw new AppError('FORBIDDEN', 'What a node says of itself is signed by that node alone.', {
        hint: 'Nothing was changed. POST /media/presence has this node say what it has.',
      })
    }
    const level = 'mediaId' in parsed ? statedLevel(data) : undefined
    if (level !== undefined && level !== 'public') throw notPublic()
    await this.#put([makeNode(soul, flatten(data), this.#options.clock.nowMs())])
  }

  /**
   * Takes a manifest somebody sent. A signed one is verified, believed and, as far as its access level allows, published for its
   * signer; an unsigned one is OIP's, and lies as a hint where anybody could have written it.
   * @throws {AppError} `BAD_REQUEST`, `MANIFEST_INVALID`, `SIGNATURE_INVALID`; `FORBIDDEN` when it is another's than the sender's;
   *   `CONFLICT` when a newer version is known; `WITHDRAWN`; `PAYLOAD_TOO_LARGE`
   */
  async receive(body: unknown, sender: RelaySender, isTellable: IsTellable): Promise<ReceivedManifest> {
    const posted = readPosted(body)
    if (posted.kind === 'signed') return this.#receiveSigned(posted.manifest, sender)
    const { mediaId, described, fields } = posted
    if (!sender.isNodeOwner) {
      throw new AppError(
        'FORBIDDEN',
        'Without a signature, only the owner of this node may give it a manifest.',
        {
          hint: 'Sign it with your owner key (oip.creatorPubKey, oip.creatorSig).',
        },
      )
    }
    requireTellable(mediaId, isTellable)
    if (described.accessLevel !== 'public') throw notPublic()
    const soul = souls.hint(mediaId)
    await this.#put([makeNode(soul, flatten(fields), this.#options.clock.nowMs())])
    return { mediaId, soul, isSigned: false, isPublished: true }
  }

  /** What the network says of an item, after asking it. */
  async find(mediaId: string): Promise<KnownElsewhere | undefined> {
    const { known, foreign } = await this.#ask(() => this.#options.index.lookup(mediaId))
    if (known !== undefined) {
      const { manifest, revocation } = known
      return { rule: ruleOf(manifest), manifest, revocation }
    }
    return foreign && { rule: foreignRule(foreign), manifest: describeForeign(foreign) }
  }

  /**
   * Says who has an item. In this node's own name it is said, signed, of what it really has, soon and in any case; of any other
   * peer it is a record nobody signed, which nodes like this one show but do not count.
   * @returns whether it is (or will be) signed
   * @throws {AppError} `FORBIDDEN` in the name of another node, or for what is told to nobody; `BAD_REQUEST`, `UNAVAILABLE`
   */
  async present(claim: PresenceClaim, isTellable: IsTellable): Promise<boolean> {
    const { mediaId, peerId = this.#options.nodeId, protocols = [], endpoints = [] } = claim
    if (peerId === this.#options.nodeId) {
      this.#options.presence.asked([mediaId])
      return true
    }
    requireTellable(mediaId, isTellable)
    const soul = souls.presence(mediaId, peerId)
    requireSoul(soul)
    if (NODE_ID.test(peerId)) {
      throw new AppError('FORBIDDEN', 'What a node says of itself is signed by that node alone.', {
        hint: 'Leave “peerId” out to have this node say what it has.',
      })
    }
    const nowMs = this.#options.clock.nowMs()
    const values = flatten({
      peerId,
      protocols,
      endpoints,
      lastSeen: nowMs,
      timestamp: new Date(nowMs).toISOString(),
    })
    const list = souls.peers(mediaId)
    await this.#put([makeNode(soul, values, nowMs), makeNode(list, { [peerId]: { '#': soul } }, nowMs)])
    return false
  }

  async #receiveSigned(manifest: Manifest, sender: RelaySender): Promise<ReceivedManifest> {
    const { store, clock, onKept } = this.#options
    const { id: mediaId, oip } = manifest
    if (oip.creatorPubKey !== sender.publicKey) {
      throw new AppError('FORBIDDEN', 'This manifest is signed by somebody else than who sends it.', {
        hint: 'Nothing was changed. Log in with the key it is signed with.',
      })
    }
    const { revocation } = store.find(mediaId, { owner: oip.creatorPubKey }) ?? {}
    // A version that was taken back makes way for a later one.
    if (revocation !== undefined && manifest.version <= (revocation.version ?? Infinity))
      throw new AppError('WITHDRAWN', 'You have withdrawn this item, so it is not told of any more.')
    const kept = store.keep(manifest, { nowMs: clock.nowMs() })
    if (kept === 'older' || kept === 'full') {
      const why = kept === 'older' ? 'A newer version of this manifest' : 'Too much else about this item'
      throw new AppError('CONFLICT', `${why} is known here already. Nothing was changed.`)
    }
    if (kept !== 'same') onKept(mediaId)
    const soul = souls.hint(mediaId)
    if (reachOf(manifest) === 'none') return { mediaId, soul, isSigned: true, isPublished: false }
    const isPublished = await this.#put(nodesOf(manifest, clock.nowMs())).then(
      () => true,
      // What is known is known: GUN can do without for now.
      (error: unknown) => {
        if (error instanceof AppError && error.code === 'UNAVAILABLE') return false
        throw error
      },
    )
    return { mediaId, soul, isSigned: true, isPublished }
  }

  /** Whether this reader may know of the item a soul is about at all, as far as it is known here. */
  #mayAsk(soul: Soul, { held, mayRead }: RelayReader): boolean {
    if (!('mediaId' in soul)) return true
    const rule = held(soul.mediaId)
    return rule === undefined || mayRead(rule)
  }

  /** Whether what was found is this reader's to read. What says nothing of it is private. */
  #mayKnow(soul: Soul, values: Readonly<Record<string, unknown>>, { held, mayRead }: RelayReader): boolean {
    if (!('mediaId' in soul)) return true
    const { mediaId } = soul
    if (held(mediaId) !== undefined) return true
    const known = this.#options.store.find(mediaId)
    if (known !== undefined) return mayRead(ruleOf(known.manifest))
    switch (soul.kind) {
      case 'hint':
      case 'record':
      case 'spaceItem': {
        const { candidates, foreign } = readManifestNode(values, mediaId)
        const signed = candidates.flatMap((candidate) => verified(candidate, mediaId) ?? [])[0]
        return mayRead(signed === undefined ? foreignRule(foreign) : ruleOf(signed))
      }
      default:
        return true
    }
  }

  /** @returns keys and values; those of a user's space only where their signatures hold */
  async #withLinks(node: GunNode, soul: Soul, reader: RelayReader): Promise<Record<string, unknown>> {
    const values: Record<string, GunValue> = 'pub' in soul ? openNode(soul.pub, node) : valuesOf(node)
    if (soul.kind === 'versions')
      return versionsFor(values, (manifest) => this.#mayReadVersion(manifest, reader))
    const links = Object.entries(values).filter(([, value]) => isLink(value))
    for (const [key, value] of links.slice(MAX_LINKS)) {
      const target = isLink(value) ? parseSoul(value['#']) : undefined
      if (target !== undefined && !this.#mayAsk(target, reader)) delete values[key]
    }
    const found = new Map<string, unknown>()
    await Promise.all(
      links.slice(0, MAX_LINKS).map(async ([key, value]) => {
        if (!isLink(value)) return
        found.set(key, await this.#linked(node._['#'], value['#'], reader))
      }),
    )
    const entries = Object.entries(values).map(([key, value]): [string, unknown] => [
      key,
      found.has(key) ? found.get(key) : value,
    ])
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  }

  /** By what a frozen version says itself, and by what is known of its item since. */
  #mayReadVersion(manifest: Manifest, { held, mayRead }: RelayReader): boolean {
    const rule = held(manifest.id)
    const known = this.#options.store.find(manifest.id)
    return (
      mayRead(ruleOf(manifest)) &&
      (rule === undefined || mayRead(rule)) &&
      (known === undefined || (known.revocation === undefined && mayRead(ruleOf(known.manifest))))
    )
  }

  /** @returns undefined for what this reader may not know of, the link itself for what is not there */
  async #linked(from: string, soul: string, reader: RelayReader): Promise<unknown> {
    const parsed = parseSoul(soul)
    if (parsed === undefined || !this.#mayAsk(parsed, reader)) return undefined
    const node = await this.#read(soul)
    if (node === undefined) return { '#': soul }
    const values: Record<string, GunValue> = 'pub' in parsed ? openNode(parsed.pub, node) : valuesOf(node)
    // An object nested in this very node is as readable as the node itself.
    const isPart = soul.startsWith(`${from}/`) && parsed.kind === 'hint'
    return isPart || this.#mayKnow(parsed, values, reader) ? { ...values } : undefined
  }

  async #read(soul: string): Promise<GunNode | undefined> {
    const answers = await this.#ask(() =>
      this.#options.client.get({ soul, timeoutMs: GET_TIMEOUT_MS, patienceMs: PATIENCE_MS }),
    )
    let merged: GunNode | undefined
    for (const { graph } of answers) {
      const node = graph[soul]
      if (node !== undefined) merged = mergeNodes(merged, node)
    }
    return merged
  }

  /** One stranger's question must not become many of ours. @throws {AppError} `RATE_LIMITED` */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#asking >= MAX_ASKING) {
      throw new AppError('RATE_LIMITED', 'Too many ask this node about the network at the moment.', {
        hint: 'Try again in a few seconds.',
      })
    }
    this.#asking += 1
    try {
      return await question()
    } finally {
      this.#asking -= 1
    }
  }

  /** Writes what a stranger could have written too: it goes through the very same filter. */
  async #put(nodes: readonly GunNode[]): Promise<void> {
    const graphs = bundle(nodes)
    for (const graph of graphs) {
      const frame = JSON.stringify({ '#': randomUUID(), put: graph })
      const { dropped } = filterFrame(frame, { nowMs: this.#options.clock.nowMs(), asked: () => undefined })
      for (const reason of dropped.keys()) throw refusedBy(reason)
    }
    await this.#write(graphs)
  }

  async #write(graphs: readonly GunGraph[]): Promise<void> {
    const writing = Promise.all(graphs.map((graph) => this.#options.client.put(graph)))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PUT_WAIT_MS)
    })
    try {
      await Promise.race([writing, late])
    } finally {
      clearTimeout(timer)
      // It goes on; if GUN ends first, that is no news by then.
      writing.catch(() => undefined)
    }
  }
}
