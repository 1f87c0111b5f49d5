import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '../contract/index.ts'
import type { ChunkPlace } from '../manifest/index.ts'
import { Background } from './background.ts'
import { Chunks } from './chunks.ts'
import { ClockCheck } from './clock-check.ts'
import { Contested } from './contested.ts'
import { Followed } from './followed.ts'
import { Following } from './following.ts'
import { GunClient } from './gun-client.ts'
import { startGunHost } from './gun-host.ts'
import { GunSockets } from './gun-sockets.ts'
import { Listeners } from './listeners.ts'
import { ManifestIndex, type Lookup, type LookupHints } from './manifest-index.ts'
import { ManifestStore, type FeedPage, type KnownItem, type KnownVersion } from './manifest-store.ts'
import { heard } from './network-events.ts'
import type { NetworkOptions, NetworkStatus } from './network-options.ts'
import { OwnWatch } from './own-watch.ts'
import { Presence, type ItemPresences, type PresenceOptions } from './presence.ts'
import { PresenceStore } from './presence-store.ts'
import { Publications } from './publications.ts'
import { Publisher } from './publisher.ts'
import { verifyRevocation, type Revocation } from '../sharing/index.ts'
import { RelayGraph } from './relay-graph.ts'

const HEAP_MIB = 160
/** How long somebody who comes while GUN is starting is kept waiting. */
const AWAKE_MS = 5_000
const AWAKE_POLL_MS = 20

/**
 * This node's part in the network of manifests and presence. Everything it believes is signed by whom it concerns and kept in
 * SQLite; GUN carries hints. Without GUN nothing is lost but freshness.
 */
export class Network {
  /** What OIP's relay routes read and write. */
  readonly relay: RelayGraph
  /** Whom one follows. */
  readonly followed: Followed
  readonly #options: NetworkOptions
  readonly #client: GunClient
  readonly #sockets: GunSockets
  readonly #store: ManifestStore
  readonly #index: ManifestIndex
  readonly #publisher: Publisher
  readonly #presence: Presence
  readonly #chunks: Chunks
  readonly #following: Following
  readonly #contested: Contested
  readonly #ownWatch: OwnWatch
  readonly #background: Background
  readonly #clockCheck = new ClockCheck()
  readonly #onItem = new Listeners<[mediaId: string]>()
  readonly #onRevocation = new Listeners<[revocation: Revocation]>()
  readonly #onStatus = new Listeners<[]>()
  #mayStart = false
  #isStarted = false
  #isStopped = false

  constructor(options: NetworkOptions) {
    this.#options = options
    const { db, clock, log } = options
    this.#background = new Background(log)
    this.followed = new Followed(db, clock)
    this.#client = new GunClient({
      dir: options.dir,
      spawn: () => startGunHost({ heapMiB: HEAP_MIB, ...options.host }),
      settings: () => ({
        relays: this.#relays(),
        reserveBytes: options.settings().reserveBytes ?? 0,
      }),
      log,
      // What came out of GUN's process must never be what ends this one.
      onEvent: (event) => this.#background.run(event.type, () => heard(event, this.#hearing)),
    })
    const client = this.#client
    this.#sockets = new GunSockets({
      isRunning: () => client.isRunning,
      post: (message) => client.post(message),
      identify: options.identify,
      ownOrigins: options.ownOrigins,
      ...(options.socketLimits === undefined ? {} : { limits: options.socketLimits }),
    })
    this.#store = new ManifestStore(db)
    this.#index = new ManifestIndex({
      client,
      store: this.#store,
      clock,
      // Of several who published the same bytes, those one chose go first.
      trusted: () =>
        new Set([...options.trustedOwners(), ...this.followed.list().flatMap(({ owner }) => owner ?? [])]),
      onKept: (mediaId) => this.#onItem.tell(mediaId),
      onRevocation: (revocation) => this.#onRevocation.tell(revocation),
    })
    this.#publisher = new Publisher({
      client,
      db,
      items: options.items,
      signer: options.seaSigner,
      owner: options.ownerSigner,
      onRetracted: (revocation) => {
        if (this.#store.withdraw(revocation)) this.#onItem.tell(revocation.mediaId)
      },
      relays: () => this.#relays(),
      onTooLarge: options.onTooLarge,
      onClockBehind: options.onClockBehind,
      clock,
      log,
    })
    this.#contested = new Contested({
      items: options.items,
      index: this.#index,
      publisher: this.#publisher,
      clock,
      log,
    })
    this.#ownWatch = new OwnWatch({
      client,
      items: options.items,
      publications: new Publications(db, clock),
      signer: options.seaSigner,
      log,
    })
    this.#presence = new Presence({
      client,
      store: new PresenceStore(db),
      signer: options.node,
      items: () => (options.settings().isPaused ? [] : options.items.present()),
      about: () => this.#about(),
      clock,
      log,
      schedule: options.presenceSchedule,
    })
    this.#chunks = new Chunks({
      client,
      items: options.items,
      isWanted: () => options.settings().isBootstrapWanted === true,
      clock,
      log,
    })
    this.relay = new RelayGraph({
      client: {
        get: async (args) => {
          await this.#awake()
          return client.get(args)
        },
        put: async (graph, signal) => {
          await this.#awake()
          return client.put(graph, signal)
        },
      },
      index: this.#index,
      store: this.#store,
      presence: this.#presence,
      nodeId: options.node.nodeId,
      onKept: (mediaId) => this.#onItem.tell(mediaId),
      clock,
    })
    this.#following = new Following({
      client,
      index: this.#index,
      followed: this.followed,
      db,
      clock,
      log,
      isFeedWanted: () => options.settings().isFeedWanted,
    })
  }

  /**
   * From now on GUN runs whenever there is somebody to talk to: a relay of the user's, or whoever comes to `/gun` or to the relay
   * routes. A node that keeps to itself has no process for it.
   */
  start(): void {
    this.#mayStart = true
    if (this.#relays().length > 0) this.#begin()
  }

  #begin(): void {
    if (this.#isStarted || this.#isStopped) return
    this.#isStarted = true
    this.#client.start()
    this.#presence.start()
    this.#following.start()
    this.#publisher.start()
  }

  /** Starts GUN if need be. @returns when it runs, or has had its time to: the caller then hears that it does not */
  async #awake(): Promise<void> {
    this.#begin()
    const until = performance.now() + AWAKE_MS
    while (!this.#client.isRunning && !this.#isStopped && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, AWAKE_POLL_MS))
  }

  /** Says good-bye and ends. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#contested.stop()
    this.#ownWatch.stop()
    await this.#presence.stop()
    this.#sockets.stop()
    // What waits for GUN fails when it ends, and that ends the rest.
    await Promise.all([
      this.#client.stop(),
      this.#publisher.stop(),
      this.#following.stop(),
      this.#chunks.stop(),
    ])
  }

  /**
   * Tells the network of an item's current version. Never fails for what the network does: what a relay does not get now, it gets
   * when it is there.
   */
  async publish(mediaId: string): Promise<void> {
    this.#presence.itemsChanged()
    try {
      if (!(await this.#publisher.publish(mediaId))) this.#publisher.retrySoon()
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'UNAVAILABLE') throw error
      this.#options.log.debug('network.publish-waits', { mediaId })
      this.#publisher.retrySoon()
    }
  }

  /**
   * Tells everybody that its owner withdrew an item.
   * @throws {AppError} `BAD_REQUEST`, `SIGNATURE_INVALID`
   */
  async withdraw(revocation: Revocation): Promise<void> {
    const checked = verifyRevocation(revocation)
    this.#store.withdraw(checked)
    try {
      await this.#publisher.withdraw(checked)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'UNAVAILABLE') throw error
      this.#publisher.retrySoon()
    }
    this.#presence.itemsChanged()
  }

  /** What the network says of an item now, and what is known of it anyway. */
  lookup(mediaId: string, hints: LookupHints = {}): Promise<Lookup> {
    this.start()
    return this.#index.lookup(mediaId, hints)
  }

  /** A chunk of the beginning of an item, checked; `null` when the network does not carry it. */
  chunk(mediaId: string, place: ChunkPlace): Promise<Uint8Array | null> {
    return this.#chunks.find(mediaId, place)
  }

  /** What each of its owners says of an item, as far as it is known. */
  knownOf(mediaId: string): KnownItem[] {
    return this.#store.ofItem(mediaId)
  }

  /** Everything known, in parts. @param after the last mediaId of the part before; `''` for the first */
  knownPart(after: string, limit: number): KnownVersion[] {
    return this.#store.part(after, limit)
  }

  /** Whether a manifest of this owner's is known. */
  isKnown(mediaId: string, owner: string): boolean {
    return this.#store.has(mediaId, owner)
  }

  /** Public items heard of, newest first, from SQLite. */
  feed(args: { readonly pub?: string; readonly cursor?: string; readonly limit?: number } = {}): FeedPage {
    return this.#store.feed(args)
  }

  /** Reads the lists of all publishers one follows, and the public one, now. */
  refresh(): Promise<void> {
    this.start()
    return this.#following.refresh()
  }

  /** Who has an item: asks the network. */
  presenceOf(mediaId: string): Promise<ItemPresences> {
    this.start()
    return this.#presence.find(mediaId)
  }

  /** Who had an item when the network was last asked. */
  knownPresenceOf(mediaId: string): ItemPresences {
    return this.#presence.known(mediaId)
  }

  status(): NetworkStatus {
    const gun = this.#client.status()
    const open = gun.relays.filter(({ state }) => state === 'open').map(({ url }) => url)
    return {
      gun,
      clockAheadMs: this.#clockCheck.aheadMs(open),
      sockets: this.#sockets.count,
      refusedSockets: this.#sockets.refused,
      owed: this.#publisher.owed(),
    }
  }

  /** Answers an HTTP upgrade at `/gun`; the socket is taken over in any case. */
  attachUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    // It may be reset while it waits.
    const ignore = (): void => undefined
    socket.on('error', ignore)
    const isAwake = this.#mayStart ? this.#awake() : Promise.resolve()
    this.#background.run('upgrade', async () => {
      await isAwake
      this.#sockets.attach(req, socket, head)
      socket.off('error', ignore)
    })
  }

  /** The settings, the wallet or the items changed. */
  refreshFrom(what: 'settings' | 'wallet' | 'items'): void {
    if (what === 'settings') {
      if (this.#mayStart) this.start()
      this.#client.refresh()
    }
    this.#presence.itemsChanged()
    void this.#publisher.catchUp()
  }

  /** Own items are private from now on: what was told of them is taken back. Nothing happens for those that never were told of. */
  madePrivate(mediaIds: readonly string[]): void {
    this.#publisher.madePrivate(mediaIds)
  }

  /** Told of items the network said something new of. @returns stops listening */
  onItem(listener: (mediaId: string) => void): () => void {
    return this.#onItem.add(listener)
  }

  /**
   * Told of every withdrawal that is heard of, whoever's and of whatever; its signature is that of the owner it names, who may
   * own nothing. @returns stops listening
   */
  onRevocation(listener: (revocation: Revocation) => void): () => void {
    return this.#onRevocation.add(listener)
  }

  /** Told when GUN or a relay comes or goes. @returns stops listening */
  onStatus(listener: () => void): () => void {
    return this.#onStatus.add(listener)
  }

  /** Told when the list of a publisher one follows was read. @returns stops listening */
  onFollowing(listener: () => void): () => void {
    return this.#following.onChecked(listener)
  }

  get #hearing(): Parameters<typeof heard>[1] {
    return {
      sockets: this.#sockets,
      index: this.#index,
      publisher: this.#publisher,
      presence: this.#presence,
      chunks: this.#chunks,
      following: this.#following,
      contested: this.#contested,
      ownWatch: this.#ownWatch,
      background: this.#background,
      onStatus: this.#onStatus,
      heardTime: (relay, atMs) => {
        this.#clockCheck.heard(relay, atMs, this.#options.clock.nowMs())
        this.#onStatus.tell()
      },
    }
  }

  #relays(): readonly string[] {
    const { relays, isPaused } = this.#options.settings()
    return isPaused ? [] : relays
  }

  #about(): ReturnType<PresenceOptions['about']> {
    const { endpoints, region } = this.#options.settings()
    return { protocols: this.#options.protocols?.() ?? ['bittorrent'], endpoints, region }
  }
}
