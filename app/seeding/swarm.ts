import type { Duplex } from 'node:stream'
import type WebTorrent from 'webtorrent'
import { AppError } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { ChangeNotifier } from './change-notifier.ts'
import { CopyCounts } from './copy-counts.ts'
import { Discovery } from './discovery.ts'
import { SwarmLeech, type LeechHost } from './leech.ts'
import { listen } from './listen.ts'
import { checkInfoHash } from './metainfo.ts'
import { PiecePool } from './piece-pool.ts'
import { Seeds } from './seeds.ts'
import { ServedFiles } from './served-files.ts'
import { isLoopback, Session, type SessionHost } from './session.ts'
import { RateMeter, TokenBucket } from './throttle.ts'
import type {
  ConnectedPeer,
  SeedArgs,
  SwarmOptions,
  SwarmParts,
  SwarmStats,
  SwarmTotals,
  TrackerStatus,
  Leech,
  LeechArgs,
} from './types.ts'
import type { Content } from './uploads.ts'
import { totalsOf } from './swarm-totals.ts'

const DEFAULT_MAX_CONNECTIONS = 200
const LEECH_PEERS = 40
const MAX_SEED_DIALS = 5
const SEED_REDIALS = 3 // some programs drop everybody once they have a magnet link's metadata

/** What exists while the swarm runs and is not paused. */
interface Running {
  readonly client: WebTorrent
  readonly host: SessionHost
  readonly discovery: Discovery
}

/**
 * The node's one BitTorrent client: seeds everything it is told to, fetches what it is asked to, over TCP and WebRTC.
 * webtorrent's client listens, greets and encrypts; who is asked for what, and when anything is awake, is decided here.
 */
export class Swarm {
  /** Complete copies others have. */
  readonly counts: CopyCounts
  readonly #clock: Clock
  readonly #log: Log
  readonly #files: ServedFiles
  readonly #seeds: Seeds
  readonly #pool = new PiecePool()
  readonly #leeches = new Map<string, SwarmLeech>()
  readonly #leechSessions = new Map<SwarmLeech, Session>()
  readonly #upload = new RateMeter()
  readonly #up: TokenBucket
  readonly #down: TokenBucket
  readonly #uploadedListeners = new Set<(mediaId: string, bytes: number) => void>()
  readonly #changes = new ChangeNotifier()
  readonly #leechHost: LeechHost
  #options: SwarmOptions
  #running: Running | null = null
  #isPaused = false
  #isStarted = false
  #peerPort: number
  /** start, pause, resume and stop take their turn. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: SwarmParts) {
    this.#options = parts.options
    this.#peerPort = parts.options.peerPort === 0 ? (parts.lastPeerPort ?? 0) : parts.options.peerPort
    this.#clock = parts.clock
    this.#log = parts.log.child('seeding')
    this.#files = new ServedFiles(parts.open)
    this.#seeds = new Seeds(this.#files, parts.manifest ?? (() => Promise.resolve(null)), this.#log)
    this.#up = new TokenBucket(parts.options.uploadLimitBytesPerSec)
    this.#down = new TokenBucket(parts.options.downloadLimitBytesPerSec)
    this.counts = new CopyCounts({
      trackers: () => this.#options.trackers,
      isRunning: () => this.#running !== null,
      isSeeding: (infoHash) => this.#seeds.row(infoHash) !== undefined,
      clock: parts.clock,
      log: this.#log,
    })
    this.#leechHost = {
      pool: this.#pool,
      downloadLimit: this.#down,
      openSession: (leech, content) => this.#openLeechSession(leech, content),
      closeSession: (leech) => this.#closeLeechSession(leech),
      onComplete: (leech) => this.#running?.discovery.complete(leech.args.infoHash),
      onPrivate: (leech) => this.#running?.discovery.hide(leech.args.infoHash),
      onStopped: (leech) => this.#onLeechStopped(leech),
    }
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Where it listens, or will; 0 = not known yet. */
  get peerPort(): number {
    return this.#peerPort
  }

  /**
   * Listens for peers and announces what was given to `seed` so far.
   * @throws {AppError} `PORT_IN_USE`
   */
  start(): Promise<{ peerPort: number }> {
    return this.#inTurn(async () => {
      this.#isStarted = true
      await this.#begin()
      return { peerPort: this.#peerPort }
    })
  }

  /** Says goodbye to trackers, closes every connection and file. Downloads keep what they have verified. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isStarted = false
      this.#changes.close()
      for (const leech of this.#leeches.values()) await leech.stop()
      await this.#halt()
      await this.#files.closeAll()
      await this.#pool.close()
    })
  }

  /** Announces an item and answers whoever asks for it. Costs a row and an announce until somebody does. */
  seed(args: SeedArgs): void {
    checkInfoHash(args.infoHash)
    if (!this.#seeds.add(args)) return
    this.#announceSeed(args)
    this.#changes.changed()
  }

  /** Stops announcing and serving an item and lets go of its file. */
  async unseed(infoHash: string): Promise<void> {
    if (!this.#leeches.has(infoHash)) this.#running?.discovery.remove(infoHash)
    await this.#seeds.remove(infoHash)
    this.#changes.changed()
  }

  /** No traffic at all until `resume`: trackers are told, connections and the listening socket closed. */
  pause(): Promise<void> {
    this.#isPaused = true
    this.#changes.changed()
    return this.#inTurn(() => this.#halt())
  }

  /** @throws {AppError} `PORT_IN_USE` when another program took the port meanwhile */
  resume(): Promise<void> {
    this.#isPaused = false
    this.#changes.changed()
    return this.listen()
  }

  /** Listens if it should and could not before. @throws {AppError} `PORT_IN_USE` */
  listen(): Promise<void> {
    return this.#inTurn(() => this.#begin())
  }

  /**
   * Resolves when all of it is in effect, which for the port and the discovery switches takes a moment.
   * @throws {AppError} `PORT_IN_USE`
   */
  async setOptions(patch: Partial<SwarmOptions>): Promise<void> {
    const before = this.#options
    this.#options = { ...before, ...patch }
    if (patch.uploadLimitBytesPerSec !== undefined) this.#up.setRate(patch.uploadLimitBytesPerSec)
    if (patch.downloadLimitBytesPerSec !== undefined) this.#down.setRate(patch.downloadLimitBytesPerSec)
    if (patch.trackers !== undefined) this.#running?.discovery.setTrackers(patch.trackers)
    const isRestarting = (['peerPort', 'isDhtEnabled', 'isLsdEnabled', 'isUpnpEnabled'] as const).some(
      (name) => patch[name] !== undefined && patch[name] !== before[name],
    )
    this.#changes.changed()
    if (!isRestarting) return
    await this.#inTurn(async () => {
      await this.#halt()
      await this.#begin()
    })
  }

  stats(infoHash: string): SwarmStats {
    const sessions = this.#sessionsOf(infoHash)
    return {
      peers: sessions.reduce((sum, session) => sum + session.links.size, 0),
      uploadedBytes: this.#seeds.row(infoHash)?.uploadedBytes ?? 0,
      uploadRateBytesPerSec: sessions.reduce((sum, session) => sum + session.upload.rateBytesPerSec(), 0),
    }
  }

  totals(): SwarmTotals {
    return totalsOf({
      seeds: this.#seeds,
      leeches: [...this.#leeches.values()],
      sessions: this.#allSessions(),
      upload: this.#upload,
    })
  }

  /** Items somebody is talking to right now. */
  awakeMediaIds(): string[] {
    return [...this.#seeds.sessions()].flatMap(({ infoHash }) => this.#seeds.row(infoHash)?.mediaId ?? [])
  }

  trackers(): TrackerStatus[] {
    return this.#running?.discovery.statuses() ?? this.#options.trackers.map((url) => ({ url, state: 'off' }))
  }

  peers(infoHash: string): ConnectedPeer[] {
    return this.#sessionsOf(infoHash).flatMap((session) => [...session.links].map((link) => link.describe()))
  }

  onUploaded(listener: (mediaId: string, bytes: number) => void): () => void {
    this.#uploadedListeners.add(listener)
    return () => this.#uploadedListeners.delete(listener)
  }

  /** Peers, trackers or rates changed; at most four times a second. */
  onChange(listener: () => void): () => void {
    return this.#changes.on(listener)
  }

  /**
   * Begins to fetch one file; attach listeners before the next turn of the event loop.
   * @throws {AppError} `CONFLICT` when the same torrent is being fetched already
   */
  leech(args: LeechArgs): Leech {
    checkInfoHash(args.infoHash)
    if (this.#leeches.has(args.infoHash))
      throw new AppError('CONFLICT', 'This file is already being fetched.')
    const leech = new SwarmLeech(this.#leechHost, args, this.#log)
    this.#leeches.set(args.infoHash, leech)
    return leech
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  async #begin(): Promise<void> {
    if (!this.#isStarted || this.#isPaused || this.#running !== null) return
    const client = await listen(this.#options, this.#peerPort, { up: this.#up, down: this.#down }, this.#log)
    this.#peerPort = client.address()?.port ?? this.#peerPort
    const host = this.#sessionHost(client)
    const discoveryHost = {
      peerId: client.peerId,
      iceServers: this.#options.iceServers,
      peerPort: () => this.#peerPort,
      nowMs: () => this.#clock.nowMs(),
      onPeers: this.#onPeers.bind(this),
      onSeeds: this.counts.heard.bind(this.counts),
      onSearch: (infoHash: string, address: string) => this.#dialFor(infoHash, [address], 0, true),
      onChange: () => this.#changes.changed(),
      takeWebrtc: (infoHash: string, conn: Duplex & { id?: string }) => this.#takeWebrtc(infoHash, conn),
    }
    this.#running = {
      client,
      host,
      discovery: new Discovery(client, this.#options, discoveryHost, this.#log),
    }
    client.get = (infoHash) => this.#find(infoHash)
    client._getByHash = (infoHashHash) => this.#findByHash(infoHashHash)
    for (const row of this.#seeds.rows()) this.#announceSeed(row)
    for (const leech of this.#leeches.values()) leech.connect()
    this.#log.info('swarm.listening', { peerPort: this.#peerPort, seeds: this.#seeds.size })
    this.#changes.changed()
  }

  async #halt(): Promise<void> {
    const running = this.#running
    if (running === null) return
    this.#running = null
    for (const leech of this.#leeches.values()) leech.suspend()
    await this.#seeds.sleepAll()
    await running.discovery.close()
    await new Promise<void>((resolve) => running.client.destroy(() => resolve()))
    this.#changes.changed()
  }

  #sessionHost(client: WebTorrent): SessionHost {
    return {
      client,
      peerPort: () => this.#peerPort,
      isPexEnabled: () => this.#options.isPexEnabled,
      mayConnect: () => {
        const count = this.#allSessions().reduce((sum, session) => sum + session.peerCount, 0)
        return count < (this.#options.maxConnections ?? DEFAULT_MAX_CONNECTIONS)
      },
      onUploaded: (session, bytes) => this.#onUploaded(session, bytes),
      onChange: () => this.#changes.changed(),
    }
  }

  /** Whom an incoming connection or offer is for; a sleeping seed is woken. */
  #find(infoHash: string): Promise<Session | null> {
    const running = this.#running
    if (running === null) return Promise.resolve(null)
    const leech = this.#leeches.get(infoHash)
    const fetching = leech === undefined ? undefined : this.#leechSessions.get(leech)
    return fetching === undefined ? this.#seeds.wake(infoHash, running.host) : Promise.resolve(fetching)
  }

  #findByHash(infoHashHash: string): Promise<Session | null> {
    for (const session of this.#leechSessions.values()) {
      if (session.infoHashHash === infoHashHash) return Promise.resolve(session)
    }
    const infoHash = this.#seeds.infoHashOf(infoHashHash)
    return infoHash === undefined ? Promise.resolve(null) : this.#find(infoHash)
  }

  async #takeWebrtc(infoHash: string, conn: Duplex & { id?: string }): Promise<boolean> {
    const session = await this.#find(infoHash)
    if (session === null) return false
    session.addWebrtc(conn)
    return !conn.destroyed
  }

  #onPeers(infoHash: string, addresses: readonly string[], leechers: number): void {
    const others = addresses.filter((address) => !isLoopback(address, this.#peerPort))
    const leech = this.#leeches.get(infoHash)
    const session = leech === undefined ? undefined : this.#leechSessions.get(leech)
    if (session !== undefined && leech?.isDone === false)
      for (const address of others) session.dial(address, 1)
    // A seed behind a router that lets nobody in goes to some of those who want it.
    else if (leech === undefined && leechers > 0 && others.length > 0)
      this.#dialFor(infoHash, others.slice(0, MAX_SEED_DIALS), SEED_REDIALS, false)
  }

  #dialFor(infoHash: string, addresses: readonly string[], redials: number, isPublicOnly: boolean): void {
    this.#find(infoHash)
      .then((session) => {
        if (session === null || (isPublicOnly && session.private)) return
        for (const address of addresses) session.dial(address, redials)
      })
      .catch((error: unknown) => this.#log.warn('swarm.not-dialled', { infoHash, error }))
  }

  #announceSeed(args: SeedArgs): void {
    const { infoHash, reach } = args
    if (this.#running === null || this.#leeches.has(infoHash)) return
    const announced = { infoHash, left: () => 0, wanted: () => 0 }
    this.#running.discovery.add(announced, { isLeech: false, reach })
  }

  #openLeechSession(leech: SwarmLeech, content: Content): Session | null {
    const running = this.#running
    if (running === null) return null
    const { infoHash, trackers } = leech.args
    const session = new Session(running.host, infoHash, null, content, leech.reach)
    this.#leechSessions.set(leech, session)
    running.discovery.remove(infoHash)
    const announced = {
      infoHash,
      left: () => (leech.isDone ? 0 : Math.max(1, leech.bytesLeft)),
      wanted: () => (leech.isDone ? 0 : Math.max(0, LEECH_PEERS - session.peerCount)),
    }
    running.discovery.add(announced, { isLeech: true, reach: leech.reach, trackers })
    return session
  }

  #closeLeechSession(leech: SwarmLeech): void {
    const session = this.#leechSessions.get(leech)
    this.#leechSessions.delete(leech)
    this.#running?.discovery.remove(leech.args.infoHash)
    session?.close()
  }

  #onLeechStopped(leech: SwarmLeech): void {
    const { infoHash } = leech.args
    if (this.#leeches.get(infoHash) === leech) this.#leeches.delete(infoHash)
    const row = this.#seeds.row(infoHash)
    if (row !== undefined) this.#announceSeed(row)
    this.#changes.changed()
  }

  #onUploaded(session: Session, bytes: number): void {
    this.#upload.add(bytes)
    const row = this.#seeds.row(session.infoHash)
    if (row !== undefined) {
      row.uploadedBytes += bytes
      for (const listener of this.#uploadedListeners) listener(row.mediaId, bytes)
    }
    this.#changes.changed()
  }

  #allSessions(): Session[] {
    return [...this.#seeds.sessions(), ...this.#leechSessions.values()]
  }

  #sessionsOf(infoHash: string): Session[] {
    return this.#allSessions().filter((session) => session.infoHash === infoHash)
  }
}
