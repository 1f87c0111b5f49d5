import { AppError, type TransferSource } from '../contract/index.ts'
import type { Log } from '../ports/log.ts'
import { Download } from './download.ts'
import type { HttpSource, RangeSource } from './http-source.ts'
import type { Link } from './link.ts'
import { hasAnyPiece, labelOf, listSources } from './leech-sources.ts'
import { metainfoOfInfo, parseMetainfo, type Metainfo } from './metainfo.ts'
import { PeerSource } from './peer-source.ts'
import { PIECE_DONE } from './picker.ts'
import { PieceFile } from './piece-file.ts'
import type { PiecePool } from './piece-pool.ts'
import type { Downloader, Session } from './session.ts'
import type { TokenBucket } from './throttle.ts'
import type { Leech, LeechArgs, LeechEvents, Reach } from './types.ts'
import type { Content } from './uploads.ts'
import type { ByteRange } from './urgency.ts'

/** What a leech needs of its swarm. */
export interface LeechHost {
  readonly pool: PiecePool
  readonly downloadLimit: TokenBucket
  /** A session with its announces and dials, or `null` while the whole swarm is paused. */
  openSession(leech: SwarmLeech, content: Content): Session | null
  closeSession(leech: SwarmLeech): void
  /** Everything is there: trackers count it as a seed from now on. */
  onComplete(leech: SwarmLeech): void
  /** Its metainfo says that it is private. */
  onPrivate(leech: SwarmLeech): void
  onStopped(leech: SwarmLeech): void
}

const PROGRESS_MS = 250
const MAX_HTTP_BEFORE_METAINFO = 64

type ListenerSets = { [N in keyof LeechEvents]: Set<LeechEvents[N]> }

/** One torrent being fetched; made by `Swarm.leech`. */
export class SwarmLeech implements Leech, Downloader {
  readonly args: LeechArgs
  readonly #host: LeechHost
  readonly #log: Log
  readonly #listeners: ListenerSets = {
    metainfo: new Set(),
    piece: new Set(),
    progress: new Set(),
    dropped: new Set(),
    done: new Set(),
    error: new Set(),
  }
  readonly #ranges: RangeSource[] = []
  readonly #https = new Set<HttpSource>()
  readonly #links = new Map<Link, PeerSource | null>()
  readonly #dropped: TransferSource[] = []
  #session: Session | null = null
  #urgent: readonly ByteRange[] = []
  #metainfo: Metainfo | null = null
  #metainfoBytes: Uint8Array | null = null
  #file: PieceFile | null = null
  #download: Download | null = null
  #isReady = false
  #isPaused = false
  #isStopped = false
  #isDone = false
  #isHidden = false
  #pastBytes = 0
  #takingHead: Promise<void> = Promise.resolve()
  #progressTimer: NodeJS.Timeout | undefined

  constructor(host: LeechHost, args: LeechArgs, log: Log) {
    this.#host = host
    this.args = args
    this.#log = log
    // Listeners are attached after construction; nothing may happen before.
    setImmediate(() => this.#start())
  }

  get isDone(): boolean {
    return this.#isDone
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get reach(): Reach {
    const { reach = 'everywhere' } = this.args
    const isQuiet = this.#isHidden || this.#metainfo?.isPrivate === true
    return isQuiet && reach === 'everywhere' ? 'trackers' : reach
  }

  get bytesDone(): number {
    return this.#download?.bytesDone ?? 0
  }

  get bytesLeft(): number {
    return this.#metainfo === null ? 1 : Math.max(0, this.#metainfo.sizeBytes - this.bytesDone)
  }

  get rateBytesPerSec(): number {
    return this.#isPaused ? 0 : (this.#download?.rate.rateBytesPerSec() ?? 0)
  }

  on<N extends keyof LeechEvents>(event: N, listener: LeechEvents[N]): () => void {
    const listeners: Set<LeechEvents[N]> = this.#listeners[event]
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  addHttpSource(source: RangeSource): void {
    if (this.#download !== null) this.#https.add(this.#download.addHttp(source))
    else if (this.#ranges.length < MAX_HTTP_BEFORE_METAINFO) this.#ranges.push(source)
    this.#progress()
  }

  has(range: ByteRange): boolean {
    return this.#download?.has(range) ?? false
  }

  prioritize(ranges: readonly ByteRange[]): void {
    this.#urgent = ranges
    this.#download?.prioritize(ranges)
  }

  sources(): TransferSource[] {
    const { trackers, peers } = this.args
    return listSources({
      addresses: peers,
      links: this.#links.keys(),
      isOffering: (link) =>
        this.#isDone || (this.#isReady ? this.#download?.isOffering(link) === true : hasAnyPiece(link)),
      https: this.#https,
      waiting: this.#ranges,
      dropped: this.#dropped,
      hasTrackers: trackers.length > 0,
      isPaused: this.#isPaused,
      pastBytes: this.#pastBytes,
    })
  }

  bitfield(): Uint8Array {
    return this.#download?.picker.bits() ?? this.args.verified ?? new Uint8Array()
  }

  metainfo(): Uint8Array | null {
    return this.#metainfoBytes
  }

  get manifestPeerCount(): number {
    return this.#session?.manifestPeerCount ?? 0
  }

  askForManifest(): void {
    this.#session?.askForManifest()
  }

  headGrew(): void {
    const { head } = this.args
    if (head === undefined) return
    this.#takingHead = this.#takingHead
      .then(() => (this.#isStopped || this.#isDone ? undefined : this.#download?.takeHead(head)))
      .catch((error: unknown) => this.#fail(error))
  }

  goPrivate(): void {
    if (this.#isHidden) return
    this.#isHidden = true
    this.#session?.goPrivate()
    this.#host.onPrivate(this)
  }

  pause(): void {
    if (this.#isPaused || this.#isStopped) return
    this.#isPaused = true
    this.suspend()
    this.#progress()
  }

  resume(): void {
    if (!this.#isPaused || this.#isStopped) return
    this.#isPaused = false
    this.connect()
    this.#progress()
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    clearTimeout(this.#progressTimer)
    this.suspend()
    this.#host.onStopped(this)
    this.#download?.close()
    await this.#file?.close()
  }

  /** Takes connections and HTTP reads up, unless it is paused; the swarm calls it when it resumes. */
  connect(): void {
    if (this.#isPaused || this.#isStopped || this.#session !== null) return
    this.#session = this.#host.openSession(this, this.#content())
    if (this.#session === null) return
    this.#session.metainfo = this.#metainfo
    this.#session.downloader = this
    this.#session.offerManifest = () => Promise.resolve(this.args.manifests?.offer() ?? null)
    for (const address of this.args.peers) this.#session.dial(address, Infinity)
    if (this.#isReady && !this.#isDone) this.#download?.start()
  }

  /** Lets every connection go; the state stays. */
  suspend(): void {
    this.#download?.stop()
    const session = this.#session
    this.#session = null
    if (session === null) return
    this.#host.closeSession(this)
  }

  add(link: Link): void {
    this.#links.set(link, this.#isReady ? (this.#download?.addPeer(link, labelOf(link)) ?? null) : null)
    this.#progress()
  }

  remove(link: Link): void {
    if (!this.#links.delete(link)) return
    this.#pastBytes += link.download.totalBytes
    this.#download?.removePeer(link)
    this.#progress()
  }

  update(link: Link): void {
    this.#download?.updatePeer(link)
  }

  onReject(link: Link, index: number, offset: number): void {
    this.#download?.onReject(link, index, offset)
  }

  blockTarget(link: Link, index: number, offset: number, length: number): Uint8Array | null {
    return this.#download?.blockTarget(link, index, offset, length) ?? null
  }

  blockDone(link: Link, index: number, offset: number, length: number): void {
    this.#download?.blockDone(link, index, offset, length)
    this.#progress()
  }

  isManifestWanted(): boolean {
    // A manifest is judged by its torrent too, so that comes first.
    return this.#metainfo !== null && !this.#isStopped && this.args.manifests?.isWanted() === true
  }

  onManifest(link: Link, bytes: Uint8Array): void {
    const label = labelOf(link)
    let fault: string | null = null
    try {
      fault = this.args.manifests?.take(bytes, label) ?? null
    } catch (error) {
      // This comes straight from the peer's socket: whatever is wrong here, the download goes on.
      this.#log.error('leech.manifest-failed', { infoHash: this.args.infoHash, source: label, error })
    }
    if (fault === null || this.#isStopped) return
    this.#onDropped(
      { kind: 'torrent', label, state: 'dropped', bytes: link.download.totalBytes, note: fault },
      link,
    )
  }

  onInfo(info: Uint8Array): void {
    if (this.#metainfo !== null || this.#isStopped) return
    this.#take(() => {
      const { metainfo, parsed } = metainfoOfInfo(info, this.args.trackers)
      return { bytes: metainfo, parsed }
    })
  }

  #start(): void {
    if (this.#isStopped) return
    const given = this.args.metainfo
    if (given !== undefined) this.#take(() => ({ bytes: given, parsed: parseMetainfo(given) }))
    try {
      this.connect()
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(read: () => { bytes: Uint8Array; parsed: Metainfo }): void {
    try {
      const { bytes, parsed } = read()
      if (parsed.infoHash !== this.args.infoHash) {
        throw new AppError('METAINFO_INVALID', 'This torrent file belongs to another download than the link.')
      }
      this.args.acceptMetainfo?.(parsed)
      this.#metainfo = parsed
      this.#metainfoBytes = bytes
      if (this.#session !== null) this.#session.metainfo = parsed
      if (parsed.isPrivate) this.#host.onPrivate(this)
      this.#prepare(parsed).catch((error: unknown) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
  }

  async #prepare(metainfo: Metainfo): Promise<void> {
    const file = new PieceFile(metainfo, this.args.filePath, this.#host.pool)
    this.#file = file
    const download = new Download(metainfo, file, this.#host.downloadLimit, {
      onPiece: (index) => {
        this.#session?.announcePiece(index)
        this.#each('piece', (listener) => listener(index))
        this.#progress()
      },
      onDone: () => void this.#complete().catch((error: unknown) => this.#fail(error)),
      onDropped: (source, sender) =>
        this.#onDropped(source, sender instanceof PeerSource ? sender.link : null),
      onError: (error) => this.#fail(error),
    })
    this.#each('metainfo', (listener) => listener(metainfo))
    this.askForManifest()
    await file.open()
    await download.adopt(this.args.verified ?? new Uint8Array())
    if (this.#stopped()) return file.close()
    this.#download = download
    this.headGrew()
    await this.#takingHead
    if (this.#stopped()) return undefined
    this.#isReady = true
    download.prioritize(this.#urgent)
    for (const range of this.#ranges.splice(0)) this.#https.add(download.addHttp(range))
    for (const link of this.#links.keys()) this.#links.set(link, download.addPeer(link, labelOf(link)))
    this.#progress()
    if (download.picker.isDone) await this.#complete()
    else if (this.#session !== null) download.start()
    return undefined
  }

  async #complete(): Promise<void> {
    if (this.#isDone) return
    this.#isDone = true
    this.#download?.stop()
    try {
      await this.#file?.sync()
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#isStopped) return
    this.#host.onComplete(this)
    this.#each('done', (listener) => listener())
  }

  #onDropped(source: TransferSource, link: Link | null): void {
    const { infoHash } = this.args
    this.#log.warn('leech.source-dropped', { infoHash, source: source.label, note: source.note })
    this.#dropped.push(source)
    if (link !== null) this.#session?.ban(link)
    this.#each('dropped', (listener) => listener(source))
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return
    this.suspend()
    this.#isPaused = true
    this.#each('error', (listener) => listener(error))
  }

  #content(): Content {
    return {
      has: (index) => this.#download?.picker.isPiece(index, PIECE_DONE) ?? false,
      bits: () =>
        this.#isReady && this.#download !== null && this.#download.bytesDone > 0
          ? this.#download.picker.bits()
          : 'none',
      read: async (index, offset, length) => {
        const bytes = await this.#file?.read(index, offset, length)
        if (bytes === undefined || bytes === null) throw new RangeError('no such bytes')
        return { bytes, release: () => undefined }
      },
    }
  }

  /** A method, so that the compiler does not take the field for unchanged across an await. */
  #stopped(): boolean {
    return this.#isStopped
  }

  #progress(): void {
    if (this.#isStopped) return
    this.#progressTimer ??= setTimeout(() => {
      this.#progressTimer = undefined
      this.#each('progress', (listener) => listener())
    }, PROGRESS_MS)
  }

  #each<N extends keyof LeechEvents>(event: N, call: (listener: LeechEvents[N]) => void): void {
    const listeners: Set<LeechEvents[N]> = this.#listeners[event]
    for (const listener of listeners) call(listener)
  }
}
