import fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, MediaId } from '../contract/index.ts'
import { cleanFileName, hashFile } from '../ingest/index.ts'
import { withHeadStart } from './bootstrap.ts'
import { Describing } from './describing.ts'
import { isAboutSources, isOfOtherSize, mismatch, nobody } from './failures.ts'
import type { Description } from './find.ts'
import { describeItem, wantedPieceLength } from './finish.ts'
import { heldItem } from './held.ts'
import { Incoming } from './incoming.ts'
import { LOOKING, PAUSED, TAKEN, WRONG_BYTES, WRONG_DESCRIPTION } from './job.ts'
import type { Arrival, JobContext } from './job.ts'
import { OfferWatch } from './offer-watch.ts'
import { downloadPlain, wrongParts } from './plain-download.ts'
import { PlainRoad } from './plain-road.ts'
import type { Plan } from './plan.ts'
import { notePlan } from './plans.ts'
import { DEFAULT_PATIENCE, stretched, type FetcherDeps, type Patience } from './ports.ts'
import { Report } from './report.ts'
import { Roads } from './roads.ts'
import { handOver, meantForOther, otherItemOf, wrongTorrent } from './same-torrent.ts'
import { SourceBoard } from './source-board.ts'
import { downloadFromSwarm, type GrowingHead, type SwarmOutcome } from './swarm-download.ts'

/**
 * One download from finding to storing. Runs until it is done, fails, or its signal is aborted; all that is needed to
 * go on later is in the plan and in the staging folder.
 */
export class GetJob {
  readonly id: string
  readonly #deps: FetcherDeps
  readonly #plan: Plan
  readonly #context: JobContext
  readonly #patience: Patience
  readonly #report: Report
  readonly #incoming: Incoming
  readonly #roads: Roads
  readonly #describing: Describing
  readonly #offers: OfferWatch

  constructor(deps: FetcherDeps, id: string, plan: Plan, context: JobContext) {
    this.id = id
    this.#deps = deps
    this.#plan = plan
    this.#context = context
    this.#patience = { ...DEFAULT_PATIENCE, ...deps.patience }
    this.#report = new Report(deps.transfers, id, new SourceBoard(plan.refused))
    this.#offers = new OfferWatch(plan, this.#report)
    this.#incoming = new Incoming(deps.folder, id)
    this.#roads = new Roads(plan, { ...deps, logins: context.logins }, () => deps.settings.get())
    this.#describing = new Describing({
      id,
      plan,
      save: () => this.#save(),
      report: this.#report,
      roads: this.#roads,
      incoming: this.#incoming,
      arriving: context.arriving,
      linkKeys: context.linkKeys,
      files: deps.keys.files,
      describeMs: this.#patience.describeMs,
      network: deps.network,
      networkMs: this.#patience.networkMs,
    })
  }

  /** @throws what `signal` was aborted with; {AppError} when it can't go on */
  async run(signal: AbortSignal): Promise<void> {
    this.#report.say({
      state: 'active',
      stage: 'find',
      error: undefined,
      isUnoffered: false,
      isEncrypted: this.#plan.isEncrypted,
    })
    await this.#context.linkKeys.settle(this.id, this.#plan, this.#deps.transfers)
    await this.#incoming.open()
    for (let round = 0; ; round += 1) {
      const held = heldItem(this.#deps.library, this.#plan)
      if (held !== undefined) {
        await this.#incoming.discard()
        this.#report.whole(held.sizeBytes, {
          state: 'done',
          stage: 'seed',
          name: held.name,
          mediaId: MediaId.parse(held.mediaId),
        })
        return
      }
      const description = await this.#describing.find(signal)
      await this.#incoming.open(description.sizeBytes)
      const arrival = await this.#withHead(description, signal, (until, head) =>
        this.#download(description, round, until, head),
      )
      if (arrival === null) {
        this.#report.say({ stage: 'find', rateBytesPerSec: 0, etaMs: undefined })
        await sleep(Math.min(500 * (round + 1), 5000), undefined, { signal })
        continue
      }
      if (await this.#verifyAndStore(description, arrival, signal)) return
    }
  }

  /** Removes what has arrived. */
  discard(): Promise<void> {
    this.#context.arriving.startOver()
    return this.#incoming.discard()
  }

  /** Meanwhile the network is asked for the beginning, unless an earlier run or round has brought something. */
  #withHead(
    description: Description,
    signal: AbortSignal,
    download: (signal: AbortSignal, head?: GrowingHead) => Promise<Arrival | null>,
  ): Promise<Arrival | null> {
    const { manifest, metainfo } = description
    const isBegun = this.#plan.segments.length > 0 || this.#incoming.hasPieces
    if (manifest === undefined || isBegun) return download(signal)
    const path = this.#incoming.head
    return withHeadStart<Arrival | null>({
      network: this.#deps.network,
      manifest,
      path,
      arriving: this.#context.arriving,
      signal,
      download,
      whole: { path, road: 'plain', metainfo },
      onBytes: (bytes) => {
        this.#describing.provenBy('pieces')
        this.#report.board.gave('network', bytes)
      },
      log: this.#deps.log,
    })
  }

  async #download(
    description: Description,
    round: number,
    signal: AbortSignal,
    head: GrowingHead | undefined,
  ): Promise<Arrival | null> {
    const { mediaId } = this.#plan
    const sources = this.#roads.http(description)
    const { infoHash } = description
    const canPlain = mediaId !== undefined && sources.length > 0
    const hasPeople = infoHash !== undefined && this.#roads.hasPeople(description)
    const other = otherItemOf(this.#deps.library, infoHash, mediaId)
    if (other !== undefined && !canPlain) {
      if (description.origin === undefined || infoHash === this.#plan.infoHash) throw wrongTorrent(other)
      this.#refuse(description.origin, WRONG_DESCRIPTION)
      return null
    }
    const canSwarm =
      infoHash !== undefined &&
      other === undefined &&
      (hasPeople || (description.metainfo !== undefined && sources.length > 0))
    if (!canPlain && !canSwarm) {
      const isWaiting = mediaId !== undefined && this.#deps.network?.isReachable() === true
      if (!isWaiting || Object.keys(this.#plan.refused).length > 0)
        throw nobody(Object.keys(this.#plan.refused), this.#report.board.notes())
      this.#offers.nobodyKnown()
      return null
    }
    this.#report.say({ stage: 'download' })
    const { torrents } = this.#context
    if (canSwarm && !torrents.take(infoHash, this.id)) this.#report.board.set('swarm', 'connecting', TAKEN)
    else if (canSwarm) {
      const outcome = await this.#swarm({ ...description, infoHash }, canPlain, round, signal, head)
      if (outcome === 'done')
        return {
          path: this.#incoming.pieces,
          road: 'swarm',
          metainfo: await this.#incoming.readMetainfo(infoHash),
        }
      torrents.release(this.id)
      if (outcome === 'misled' && description.origin !== undefined) {
        await this.#startOver()
        this.#refuse(description.origin, WRONG_DESCRIPTION)
        return null
      }
    }
    if (!canPlain) return null
    try {
      const { sourcesMs } = this.#patience
      await this.#plain(description, hasPeople ? Math.min(5000, sourcesMs) : sourcesMs, signal)
      return { path: this.#incoming.plain, road: 'plain', metainfo: description.metainfo }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (await this.#isMisinformed(description, error)) return null
      // With people to wait for it is not over when the web servers have given up.
      if (hasPeople && !signal.aborted && isAboutSources(error)) return null
      throw error
    }
  }

  async #swarm(
    description: Description & { readonly infoHash: string },
    hasOtherRoad: boolean,
    round: number,
    signal: AbortSignal,
    head: GrowingHead | undefined,
  ): Promise<SwarmOutcome> {
    const plan = this.#plan
    const { infoHash } = description
    const { arriving } = this.#context
    const saved = plan.verified?.infoHash === infoHash ? Buffer.from(plan.verified.bits, 'base64') : undefined
    // After a crash nobody knows which pieces made it to the disk: every one is looked at again.
    const verified = plan.isClean
      ? saved
      : this.#incoming.hasPieces
        ? new Uint8Array(1 << 17).fill(0xff)
        : undefined
    plan.isClean = false
    plan.verified = { infoHash, bits: Buffer.from(saved ?? []).toString('base64') }
    this.#save()
    return downloadFromSwarm({
      swarm: this.#deps.swarm,
      description,
      path: this.#incoming.pieces,
      verified,
      head,
      trackers: this.#roads.trackers(description),
      peers: this.#roads.peers(),
      isPrivate: this.#describing.isPrivate,
      manifests: this.#describing.taker(infoHash),
      isUndescribed: () => this.#describing.isUndescribed,
      // Of an encrypted item nothing can be kept without one.
      manifestMs: plan.isEncrypted ? this.#patience.describeMs : 0,
      onLeech: (leech) => {
        this.#describing.use(leech)
        leech.on('piece', () => arriving.wake())
        arriving.take({
          path: this.#incoming.pieces,
          has: (range) => leech.has(range),
          prioritize: (ranges) => leech.prioritize(ranges),
        })
      },
      sourcesFor: (fileName) => this.#roads.http(description, fileName),
      hasOtherRoad,
      // The longer nobody shows up, the longer the swarm is listened to before everybody is asked anew.
      patience: stretched(this.#patience, 2 ** Math.min(round, 6)),
      signal,
      onMetainfo: async (metainfo, sizeBytes, name) => {
        await this.#incoming.open(sizeBytes)
        await this.#incoming.writeMetainfo(metainfo)
        arriving.sizeBytes = sizeBytes
        const isNamed = description.name !== undefined || plan.name !== undefined
        this.#report.say({ bytesTotal: sizeBytes, ...(isNamed ? {} : { name: cleanFileName(name) }) })
        this.#describing.provenBy('pieces')
      },
      fault: () => this.#describing.fault() ?? this.#offers.fault(),
      onProgress: ({ bytesDone, rateBytesPerSec, sources, hasMetainfo }) => {
        const { board } = this.#report
        board.take(sources)
        this.#offers.see(sources)
        if (!hasMetainfo) board.set('swarm', 'connecting', this.#deps.swarm.isPaused ? PAUSED : LOOKING)
        this.#report.progress(bytesDone, rateBytesPerSec)
      },
      onStopped: (bitfield) => {
        this.#describing.use(undefined)
        plan.verified = { infoHash, bits: Buffer.from(bitfield).toString('base64') }
        plan.isClean = true
        this.#save()
      },
    })
  }

  async #plain(description: Description, patienceMs: number, signal: AbortSignal): Promise<void> {
    const plan = this.#plan
    const { board } = this.#report
    const { arriving } = this.#context
    if (!(await this.#incoming.takeUpPlain(plan.segments.length > 0))) plan.segments.length = 0
    const proof = this.#describing.proofOf(description)
    const road = new PlainRoad(this.#incoming.plain, proof)
    arriving.take(road)
    this.#describing.provenBy(proof)
    const sources = this.#roads.http(description)
    board.know(sources)
    await downloadPlain({
      path: this.#incoming.plain,
      sources,
      written: road.written,
      wanted: () => road.wanted,
      sizeBytes: description.sizeBytes,
      segments: plan.segments,
      isSolo: plan.suspects.length > 0,
      patienceMs,
      signal,
      reserve: (totalBytes) => this.#incoming.open(totalBytes),
      onSegments: () => this.#save(),
      onStartOver: () => road.startOver(),
      onSource: (label, state, note) => {
        board.set(label, state, note)
        this.#report.sources()
      },
      onProgress: (bytesDone, totalBytes) => {
        this.#offers.offered()
        arriving.wake()
        this.#report.paced(bytesDone, totalBytes, () => board.count(plan.segments))
      },
    })
  }

  /** True when the item is in the library; false when what arrived was wrong and somebody else can be asked. */
  async #verifyAndStore(description: Description, arrival: Arrival, signal: AbortSignal): Promise<boolean> {
    const { size } = await fs.stat(arrival.path)
    const pieceLength =
      arrival.road === 'swarm' ? undefined : wantedPieceLength(description.manifest, arrival.metainfo, size)
    this.#report.whole(size, { stage: 'verify', sources: this.#report.board.view() })
    const { sha256, pieces } = await hashFile(this.#deps.pool, {
      path: arrival.path,
      ...(pieceLength === undefined ? {} : { pieceLength }),
      signal,
    })
    if (this.#plan.mediaId !== undefined && sha256 !== this.#plan.mediaId) {
      await this.#onMismatch(description, arrival, sha256)
      return false
    }
    // Parts of an earlier mixture that differ from what has now proven right show who spoilt it.
    for (const label of await wrongParts(arrival.path, this.#plan.suspects)) this.#refuse(label, WRONG_BYTES)
    this.#context.arriving.whole()
    this.#report.say({ stage: 'store', sources: this.#report.board.view() })
    await this.#describing.settle(sha256)
    const item = await describeItem(this.#deps, {
      path: arrival.path,
      mediaId: sha256,
      sizeBytes: size,
      manifest: this.#describing.manifest ?? description.manifest,
      metainfo: arrival.metainfo,
      pieces: pieces === undefined || pieceLength === undefined ? undefined : { pieceLength, hashes: pieces },
      name: description.name ?? this.#plan.name ?? this.#roads.nameFromAddress(),
      isKeptPrivate: this.#plan.isKeptPrivate,
    })
    signal.throwIfAborted()
    const { row } = await this.#deps.library.commit({
      staging: await this.#incoming.seal(arrival.path, item.metainfo !== undefined),
      mediaId: sha256,
      manifest: item.manifest,
      ...(item.metainfo === undefined ? {} : { metainfo: item.metainfo }),
      isOwn: item.isOwn,
      isSeedingWanted: this.#plan.isSeedingWanted,
    })
    this.#report.whole(size, { state: 'done', stage: 'seed', name: row.name, mediaId: MediaId.parse(sha256) })
    this.#deps.log.info('get.done', { id: this.id, mediaId: sha256, sizeBytes: size, road: arrival.road })
    return true
  }

  /** The bytes are not the ones asked for: nothing of them is kept, and whoever is to blame is not asked again. */
  async #onMismatch({ origin }: Description, arrival: Arrival, sha256: string): Promise<void> {
    const plan = this.#plan
    const segments = [...plan.segments]
    const givers = [...new Set(segments.filter(({ end, start }) => end > start).map(({ label }) => label))]
    const heir = arrival.road === 'swarm' ? this.#context.heirOf(sha256) : undefined
    if (heir !== undefined) await handOver(this.#deps, arrival.path, heir)
    await this.#startOver()
    const [only] = givers
    // Else all of it came from the swarm, or from the network, chunk by chunk as the manifest has them.
    if (arrival.road === 'swarm' || only === undefined) {
      if (origin === undefined && heir !== undefined) throw meantForOther()
      if (origin === undefined) throw mismatch(arrival.road === 'swarm' ? this.#report.board.givers() : [])
      this.#refuse(origin, WRONG_DESCRIPTION)
      return
    }
    if (givers.length === 1) this.#refuse(only, WRONG_BYTES)
    else plan.suspects = segments
    this.#save()
  }

  /** Whether nobody fits because the one who described the item gave a size that is not the item's. */
  async #isMisinformed({ origin }: Description, error: AppError): Promise<boolean> {
    if (origin === undefined || !isOfOtherSize(error, origin)) return false
    await this.#startOver()
    this.#refuse(origin, WRONG_DESCRIPTION)
    return true
  }

  #refuse(label: string, note: string): void {
    this.#plan.refused[label] = note
    this.#report.board.set(label, 'dropped', note)
    this.#deps.log.warn('get.source-dropped', { id: this.id, source: label, note })
    this.#report.sources()
    this.#save()
  }

  async #startOver(): Promise<void> {
    this.#context.arriving.startOver()
    await this.#incoming.discard()
    this.#plan.segments = []
    this.#plan.isClean = false
    delete this.#plan.verified
    this.#describing.forget()
    this.#save()
    await this.#incoming.open()
  }

  #save(): void {
    notePlan(this.#deps, this.id, this.#plan)
  }
}
