import { AppError } from '../contract/index.ts'
import { canonicalJson, verifyManifest, type Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import { readFrozen, readManifestNode } from './codec.ts'
import type { ForeignManifest } from './foreign.ts'
import { unwrapJson } from './flat.ts'
import type { GetArgs, GunClient } from './gun-client.ts'
import { isLink, mergeNodes, valuesOf } from './graph.ts'
import type { GunNode, GunValue } from './graph.ts'
import type { Answer } from './gun-protocol.ts'
import type { Kept, KnownItem, ManifestStore, Unkept } from './manifest-store.ts'
import { verifyRevocation, type Revocation } from '../sharing/index.ts'
import { frozenKey, openNode } from './sea.ts'
import { parseSoul, souls } from './souls.ts'

export interface ManifestIndexOptions {
  readonly client: Pick<GunClient, 'get' | 'isRunning'>
  readonly store: ManifestStore
  readonly clock: Clock
  /** Owners one has reason to prefer: oneself and one's contacts. */
  readonly trusted: () => ReadonlySet<string>
  /** Told of every manifest that was new, or newer than what was known. */
  readonly onKept?: (mediaId: string) => void
  /** Told of every withdrawal whose signature holds; whose item it is, the listener must know. */
  readonly onRevocation?: (revocation: Revocation) => void
}

export interface LookupHints {
  /** The publisher's SEA public key, from a link or a card. */
  readonly pub?: string | undefined
  /** Owner key that must have signed it. */
  readonly owner?: string | undefined
  /** Key of the frozen version: base64 of sha256 of the canonical manifest. */
  readonly hash?: string | undefined
  /** The 12 hex under which it lies as an OIP record. */
  readonly recordOf?: string | undefined
}

export interface Lookup {
  readonly mediaId: string
  /** Verified; the last good one when nobody answered. */
  readonly known?: KnownItem
  /** Whether relays told something true of it now, answered that they know nothing, or did not answer at all. */
  readonly heard: 'said' | 'nothing' | 'nobody'
  /** What somebody wrote without a signature we know: good for finding bytes, for nothing else. */
  readonly foreign?: ForeignManifest
  /** Addresses of the relays that answered, be it with nothing. */
  readonly answeredBy: readonly string[]
  /** Something of it could not be written down: it is to be asked for again. */
  readonly isUnkept: boolean
}

/** How long a relay that has nothing is given to hear of it from others. */
const PATIENCE_MS = 400
const SHORT_PATIENCE_MS = 50
/** An object of another writer may be nested so deep, and have so many parts. */
const MAX_NESTED = 16

/** Spaces, and frozen versions, that are looked into because a hint names them: each relay may name others. */
const MAX_LED = 4

/** One lookup under way. */
interface Asking {
  readonly mediaId: string
  readonly answeredBy: Set<string>
  readonly unkept: Unkept
}

/** What anybody says of an item. */
interface Hinted {
  /** A manifest in it holds. */
  readonly isFound: boolean
  /** Whose space it is in as well, and where it is frozen. */
  readonly pubs: readonly string[]
  readonly hashes: readonly string[]
  readonly foreign: ForeignManifest | undefined
}

/** Finds manifests in GUN, and believes only what its owner signed. */
export class ManifestIndex {
  readonly #options: ManifestIndexOptions

  constructor(options: ManifestIndexOptions) {
    this.#options = options
  }

  /**
   * Asks in this order of trust: the publisher's own space, the frozen version, what anybody says. All at once, so that it takes
   * as long as the slowest. Without an answer it gives what was last known; what can't be written down, as the disk is full, it
   * gives nevertheless.
   */
  async lookup(mediaId: string, hints: LookupHints = {}): Promise<Lookup> {
    const asking: Asking = {
      mediaId,
      answeredBy: new Set(),
      unkept: { manifests: [], revocations: [] },
    }
    const { answeredBy, unkept } = asking
    const find = (): KnownItem | undefined =>
      this.#options.store.find(mediaId, this.#preference(hints), unkept)
    const before = find()
    const [isInSpace, isFrozen, hinted] = await Promise.all([
      hints.pub === undefined ? false : this.#readSpace(asking, hints.pub),
      hints.hash === undefined ? false : this.#readFrozen(asking, hints.hash),
      this.#readHints(asking, hints.recordOf),
      this.#readDeletion(asking),
    ])
    let known = find() ?? before
    // What anybody says leads to the space it is in, by which its publisher can be followed. Where its manifest does not hold, somebody
    // wrote over that, and what it leads to is still there.
    let isLedTo = false
    if (!hinted.isFound || known?.pub === undefined) {
      const pubs = hinted.pubs.filter((pub) => pub !== hints.pub)
      const hashes = hinted.isFound ? [] : hinted.hashes.filter((hash) => hash !== hints.hash)
      const found = await Promise.all([
        ...pubs.map((pub) => this.#readSpace(asking, pub)),
        ...hashes.map((hash) => this.#readFrozen(asking, hash)),
      ])
      isLedTo = found.includes(true)
      known = find() ?? known
    }
    const relays = [...answeredBy].filter((from) => from !== 'disk')
    return {
      mediaId,
      ...(known === undefined ? {} : { known }),
      heard:
        isInSpace || isFrozen || hinted.isFound || isLedTo
          ? 'said'
          : relays.length > 0
            ? 'nothing'
            : 'nobody',
      ...(hinted.foreign === undefined ? {} : { foreign: hinted.foreign }),
      answeredBy: relays,
      isUnkept: unkept.manifests.length + unkept.revocations.length > 0,
    }
  }

  /** The version that lies in its publisher's space, asked for alone. @returns the latest; 0 for none; undefined when no relay answered */
  async versionIn(mediaId: string, pub: string): Promise<number | undefined> {
    const soul = souls.spaceItem(pub, mediaId)
    let latest: number | undefined
    for (const { from, graph } of await this.#ask({ soul, key: 'version' }, new Set())) {
      if (from === 'disk') continue
      const node = graph[soul]
      const version = node && openNode(pub, node)['version']
      latest = Math.max(latest ?? 0, typeof version === 'number' ? version : 0)
    }
    return latest
  }

  /** Takes what came by without having been asked for. @returns the items it told something true of */
  take(graph: Readonly<Record<string, GunNode>>): string[] {
    const found: string[] = []
    const keep = (candidates: readonly unknown[], mediaId: string, pub?: string): void => {
      for (const candidate of candidates) {
        const manifest = this.#verified(candidate, mediaId)
        if (manifest === undefined) continue
        found.push(mediaId)
        this.#told(mediaId, this.#options.store.keep(manifest, this.#found(pub)))
      }
    }
    for (const [name, node] of Object.entries(graph)) {
      const soul = parseSoul(name)
      if (soul?.kind === 'hint' && soul.path.length === 0) {
        const values = valuesOf(node)
        keep(readManifestNode(values, soul.mediaId).candidates, soul.mediaId)
        this.#takeRevocation(values)
      } else if (soul?.kind === 'spaceItem') {
        const values = openNode(soul.pub, node)
        keep(readManifestNode(values, soul.mediaId).candidates, soul.mediaId, soul.pub)
        this.#takeRevocation(values)
      } else if (soul?.kind === 'deletion') {
        this.#takeRevocation(valuesOf(node))
      }
    }
    return found
  }

  async #readSpace(asking: Asking, pub: string): Promise<boolean> {
    const { mediaId, answeredBy } = asking
    const soul = souls.spaceItem(pub, mediaId)
    let isFound = false
    for (const { from, graph } of await this.#ask({ soul }, answeredBy)) {
      const node = graph[soul]
      if (node === undefined) continue
      const values = openNode(pub, node)
      const isTrue = await this.#keepTrue(readManifestNode(values, mediaId).candidates, asking, pub)
      this.#takeRevocation(values, asking)
      // What lies on our own disk may be as old as the disk is.
      if (isTrue && from !== 'disk') isFound = true
    }
    return isFound
  }

  async #readFrozen(asking: Asking, hash: string): Promise<boolean> {
    const { answeredBy } = asking
    let isFound = false
    for (const { from, graph } of await this.#ask({ soul: souls.versions, key: hash }, answeredBy)) {
      const candidate = readFrozen(graph[souls.versions]?.[hash], hash)
      if (candidate === undefined || !(await this.#keepTrue([candidate], asking))) continue
      if (from !== 'disk') isFound = true
    }
    return isFound
  }

  async #readHints(asking: Asking, recordOf?: string): Promise<Hinted> {
    const { mediaId, answeredBy } = asking
    let isFound = false
    const pubs = new Set<string>()
    const hashes = new Set<string>()
    let foreign: ForeignManifest | undefined
    const places = [souls.hint(mediaId), souls.nestedHint(mediaId)]
    if (recordOf !== undefined) places.push(souls.record(recordOf, mediaId))
    for (const soul of places) {
      // The others are for other writers' sake: only where the first says nothing, and with less patience.
      if (isFound || foreign !== undefined) break
      const patienceMs = soul === souls.hint(mediaId) ? PATIENCE_MS : SHORT_PATIENCE_MS
      for (const { from, graph } of await this.#ask({ soul, patienceMs }, answeredBy)) {
        const node = graph[soul]
        if (node === undefined) continue
        const read = readManifestNode(await this.#unfold(node), mediaId)
        if ((await this.#keepTrue(read.candidates, asking)) && from !== 'disk') isFound = true
        this.#takeRevocation(valuesOf(node), asking)
        if (read.pub !== undefined && pubs.size < MAX_LED) pubs.add(read.pub)
        if (read.hash !== undefined && hashes.size < MAX_LED) hashes.add(read.hash)
        foreign ??= read.foreign
      }
    }
    return { isFound, pubs: [...pubs], hashes: [...hashes], foreign }
  }

  async #readDeletion(asking: Asking): Promise<void> {
    const { answeredBy } = asking
    const soul = souls.deletion(asking.mediaId)
    // Most items have none: a relay that knows of none is believed, and asked again the next time.
    for (const { graph } of await this.#ask({ soul, patienceMs: SHORT_PATIENCE_MS }, answeredBy)) {
      const node = graph[soul]
      if (node !== undefined) this.#takeRevocation(valuesOf(node), asking)
    }
  }

  /** @returns whether one of them is true, kept or not */
  async #keepTrue(
    candidates: readonly unknown[],
    { mediaId, unkept }: Asking,
    pub?: string,
  ): Promise<boolean> {
    let isTrue = false
    for (const candidate of candidates) {
      const manifest = this.#verified(candidate, mediaId)
      if (manifest === undefined) continue
      isTrue = true
      try {
        // Many are looked up at once: together they cost one flush to the disk.
        this.#told(mediaId, await this.#options.store.keepSoon(manifest, this.#found(pub)))
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        unkept.manifests.push({ manifest, ...this.#found(pub) })
      }
    }
    return isTrue
  }

  #verified(candidate: unknown, mediaId: string): Manifest | undefined {
    try {
      // What was verified once is true for ever; several relays say the same, and say it again.
      if (this.#options.store.holds(mediaId, frozenKey(canonicalJson(candidate))))
        return candidate as Manifest
      return verifyManifest(candidate, { mediaId })
    } catch (error) {
      if (error instanceof AppError) return undefined
      throw error
    }
  }

  #found(pub: string | undefined): { readonly pub: string | undefined; readonly nowMs: number } {
    return { pub, nowMs: this.#options.clock.nowMs() }
  }

  #told(mediaId: string, kept: Kept): void {
    if (kept !== 'older' && kept !== 'same' && kept !== 'full') this.#options.onKept?.(mediaId)
  }

  /** @param asking where it is for, when it was asked for */
  #takeRevocation(values: Readonly<Record<string, unknown>>, asking?: Asking): void {
    const text = values['revocation']
    if (typeof text !== 'string') return
    let revocation: Revocation
    try {
      revocation = verifyRevocation(unwrapJson(text))
    } catch (error) {
      // OIP's deletions are unsigned, and anybody's: they change nothing.
      if (error instanceof AppError) return
      throw error
    }
    try {
      if (this.#options.store.withdraw(revocation)) this.#options.onKept?.(revocation.mediaId)
      this.#options.onRevocation?.(revocation)
    } catch (error) {
      if (asking === undefined || !(error instanceof AppError)) throw error
      if (revocation.mediaId === asking.mediaId) asking.unkept.revocations.push(revocation)
    }
  }

  /** A node with its nested objects in place of the links to them. */
  async #unfold(root: GunNode): Promise<Record<string, unknown>> {
    let left = MAX_NESTED
    const open = async (node: GunNode, depth: number): Promise<Record<string, unknown>> => {
      const entries = await Promise.all(
        Object.entries(valuesOf(node)).map(async ([key, value]): Promise<[string, unknown]> => {
          const child = depth < 5 && left > 0 ? nestedSoul(node, value) : undefined
          if (child === undefined) return [key, isLink(value) ? undefined : value]
          left -= 1
          const found = await this.#read(child)
          return [key, found === undefined ? undefined : await open(found, depth + 1)]
        }),
      )
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
    }
    return open(root, 0)
  }

  async #read(soul: string): Promise<GunNode | undefined> {
    let merged: GunNode | undefined
    for (const { graph } of await this.#ask({ soul }, new Set())) {
      const node = graph[soul]
      if (node !== undefined) merged = mergeNodes(merged, node)
    }
    return merged
  }

  async #ask(args: GetArgs, answeredBy: Set<string>): Promise<readonly Answer[]> {
    if (!this.#options.client.isRunning) return []
    try {
      const answers = await this.#options.client.get(args)
      for (const { from } of answers) answeredBy.add(from)
      return answers
    } catch (error) {
      // GUN ended meanwhile: what is known is still known.
      if (error instanceof AppError) return []
      throw error
    }
  }

  #preference(hints: LookupHints): Parameters<ManifestStore['find']>[1] {
    return { owner: hints.owner, pub: hints.pub, trusted: this.#options.trusted() }
  }
}

/** The soul of an object nested in this very node; a link to anything else is not followed. */
function nestedSoul(node: GunNode, value: GunValue): string | undefined {
  if (!isLink(value)) return undefined
  return value['#'].startsWith(`${node._['#']}/`) && parseSoul(value['#'])?.kind === 'hint'
    ? value['#']
    : undefined
}
