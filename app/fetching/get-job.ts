import fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, MediaId, type Transfer } from '../contract/index.ts'
import { cleanFileName, hashFile } from '../ingest/index.ts'
import { accessLevelOf } from '../manifest/index.ts'
import { find, withManifest, type Description } from './find.ts'
import { isAboutSources, mismatch, nobody } from './failures.ts'
import { describeItem, wantedPieceLength } from './finish.ts'
import { Incoming } from './incoming.ts'
import { downloadPlain, wrongParts } from './plain-download.ts'
import type { Plan } from './plan.ts'
import { DEFAULT_PATIENCE, type FetcherDeps, type Patience } from './ports.ts'
import { Roads } from './roads.ts'
import { SourceBoard } from './source-board.ts'
import { downloadFromSwarm, type SwarmOutcome } from './swarm-download.ts'

const LOOKING = 'Looking for people who have it.'
const PAUSED = 'All swarm traffic is paused on this node.'
const WRONG_BYTES = 'It gave other bytes than the ones asked for.'
const WRONG_DESCRIPTION = 'It described another file than the one asked for.'

type Patch = { readonly [K in keyof Transfer]?: Transfer[K] | undefined }

/** One way by which the whole file arrived. */
interface Arrival {
  readonly path: string
  readonly road: 'swarm' | 'plain'
  readonly metainfo: Uint8Array | undefined
}

/**
 * One download from finding to storing. Runs until it is done, fails, or its signal is aborted; all that is needed to
 * go on later is in the plan and in the staging folder.
 */
export class GetJob {
  readonly id: string
  readonly #deps: FetcherDeps
  readonly #plan: Plan
  readonly #patience: Patience
  readonly #board: SourceBoard
  readonly #incoming: Incoming
  readonly #roads: Roads

  constructor(deps: FetcherDeps, id: string, plan: Plan) {
    this.id = id
    this.#deps = deps
    this.#plan = plan
    this.#patience = { ...DEFAULT_PATIENCE, ...deps.patience }
    this.#board = new SourceBoard(plan.refused)
    this.#incoming = new Incoming(deps.folder, id)
    this.#roads = new Roads(plan, deps.outbound, () => deps.settings.get())
  }

  /** @throws what `signal` was aborted with; {AppError} when it can't go on */
  async run(signal: AbortSignal): Promise<void> {
    this.#say({ state: 'active', stage: 'find', error: undefined })
    await this.#incoming.open()
    for (let round = 0; ; round += 1) {
      const held = this.#held()
      if (held !== undefined) {
        await this.#incoming.discard()
        this.#say({
          state: 'done',
          stage: 'seed',
          name: held.name,
          ...whole(held.sizeBytes),
          mediaId: MediaId.parse(held.mediaId),
        })
        return
      }
      const description = await this.#find(signal)
      await this.#incoming.open(description.sizeBytes)
      const arrival = await this.#download(description, round, signal)
      if (arrival === null) {
        this.#say({ stage: 'find', rateBytesPerSec: 0, etaMs: undefined })
        await sleep(Math.min(500 * (round + 1), 5000), undefined, { signal })
        continue
      }
      if (await this.#verifyAndStore(description, arrival, signal)) return
    }
  }

  /** Removes what has arrived. */
  discard(): Promise<void> {
    return this.#incoming.discard()
  }

  #held() {
    const { mediaId, infoHash } = this.#plan
    const { library } = this.#deps
    const row =
      mediaId === undefined
        ? infoHash === undefined
          ? undefined
          : library.find({ infoHash })
        : library.get(mediaId)
    const isHeld =
      row?.trashedAtMs === undefined && (row?.fileState === 'ok' || row?.fileState === 'checking')
    return isHeld ? row : undefined
  }

  async #find(signal: AbortSignal): Promise<Description> {
    const { description: found, notes } = await find(this.#plan, this.#roads.http(), signal)
    for (const [label, { state, note, isRemark }] of notes) {
      this.#board.set(label, state, isRemark === true ? undefined : note)
      if (isRemark === true && note !== undefined) this.#board.remark(label, note)
    }
    const description = await this.#remember(found)
    const { manifest, sizeBytes } = description
    const name = description.name ?? this.#plan.name
    this.#say({
      sources: this.#board.view(),
      ...(name === undefined ? {} : { name: cleanFileName(name) }),
      ...(sizeBytes === undefined ? {} : { bytesTotal: sizeBytes }),
      ...(manifest === undefined ? {} : { accessLevel: accessLevelOf(manifest) }),
    })
    return description
  }

  /** What an earlier run found out is not lost when its source is away now. */
  async #remember(found: Description): Promise<Description> {
    const plan = this.#plan
    let description = found
    if (found.manifest !== undefined) {
      plan.described = {
        manifest: found.manifest,
        ...(found.origin === undefined ? {} : { origin: found.origin }),
      }
      this.#save()
    } else if (plan.described !== undefined) {
      description = withManifest(found, plan.described, plan.mediaId)
    }
    const { infoHash, metainfo } = description
    if (infoHash === undefined || metainfo !== undefined) return description
    const saved = await this.#incoming.readMetainfo(infoHash)
    return saved === undefined ? description : { ...description, metainfo: saved }
  }

  async #download(description: Description, round: number, signal: AbortSignal): Promise<Arrival | null> {
    const { mediaId } = this.#plan
    const sources = this.#roads.http(description)
    const { infoHash } = description
    const canPlain = mediaId !== undefined && sources.length > 0
    const hasPeople = infoHash !== undefined && this.#roads.hasPeople(description)
    const canSwarm =
      infoHash !== undefined && (hasPeople || (description.metainfo !== undefined && sources.length > 0))
    if (!canPlain && !canSwarm) throw nobody(Object.keys(this.#plan.refused), this.#board.notes())
    this.#say({ stage: 'download' })
    if (canSwarm) {
      const outcome = await this.#swarm({ ...description, infoHash }, canPlain, round, signal)
      if (outcome === 'done')
        return {
          path: this.#incoming.pieces,
          road: 'swarm',
          metainfo: await this.#incoming.readMetainfo(infoHash),
        }
      if (outcome === 'misled' && description.origin !== undefined) {
        await this.#startOver()
        this.#refuse(description.origin, WRONG_DESCRIPTION)
        return null
      }
    }
    if (!canPlain) return null
    try {
      await this.#plain(
        description,
        hasPeople ? Math.min(5000, this.#patience.sourcesMs) : this.#patience.sourcesMs,
        signal,
      )
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
  ): Promise<SwarmOutcome> {
    const plan = this.#plan
    const saved =
      plan.verified?.infoHash === description.infoHash ? Buffer.from(plan.verified.bits, 'base64') : undefined
    // After a crash nobody knows which pieces made it to the disk: every one is looked at again.
    const verified = plan.isClean
      ? saved
      : this.#incoming.hasPieces
        ? new Uint8Array(1 << 17).fill(0xff)
        : undefined
    plan.isClean = false
    this.#save()
    return downloadFromSwarm({
      swarm: this.#deps.swarm,
      description,
      path: this.#incoming.pieces,
      verified,
      trackers: this.#roads.trackers(description),
      peers: this.#roads.peers(),
      sourcesFor: (fileName) => this.#roads.http(description, fileName),
      hasOtherRoad,
      // The longer nobody shows up, the longer the swarm is listened to before everybody is asked anew.
      patience: stretched(this.#patience, 2 ** Math.min(round, 6)),
      signal,
      onMetainfo: async (metainfo, sizeBytes, name) => {
        await this.#incoming.open(sizeBytes)
        await this.#incoming.writeMetainfo(metainfo)
        const isNamed = description.name !== undefined || plan.name !== undefined
        this.#say({ bytesTotal: sizeBytes, ...(isNamed ? {} : { name: cleanFileName(name) }) })
      },
      onProgress: ({ bytesDone, rateBytesPerSec, sources, hasMetainfo }) => {
        this.#board.take(sources)
        if (!hasMetainfo) this.#board.set('swarm', 'connecting', this.#deps.swarm.isPaused ? PAUSED : LOOKING)
        this.#progress(bytesDone, rateBytesPerSec)
      },
      onStopped: (bitfield) => {
        plan.verified = { infoHash: description.infoHash, bits: Buffer.from(bitfield).toString('base64') }
        plan.isClean = true
        this.#save()
      },
    })
  }

  async #plain(description: Description, patienceMs: number, signal: AbortSignal): Promise<void> {
    const plan = this.#plan
    if (!(await this.#incoming.takeUpPlain(plan.segments.length > 0))) plan.segments.length = 0
    let from = { bytes: 0, atMs: performance.now() }
    let rateBytesPerSec = 0
    await downloadPlain({
      path: this.#incoming.plain,
      sources: this.#roads.http(description),
      sizeBytes: description.sizeBytes,
      segments: plan.segments,
      isSolo: plan.suspects.length > 0,
      patienceMs,
      signal,
      reserve: (totalBytes) => this.#incoming.open(totalBytes),
      onSegments: () => this.#save(),
      onSource: (label, state, note) => {
        this.#board.set(label, state, note)
        this.#say({ sources: this.#board.view() })
      },
      onProgress: (bytesDone, totalBytes) => {
        const nowMs = performance.now()
        const elapsedMs = nowMs - from.atMs
        if (elapsedMs < 250 && bytesDone !== totalBytes) return
        if (from.bytes > 0 && elapsedMs > 0)
          rateBytesPerSec = Math.max(0, ((bytesDone - from.bytes) * 1000) / elapsedMs)
        from = { bytes: bytesDone, atMs: nowMs }
        this.#say({ bytesTotal: totalBytes })
        this.#board.count(plan.segments)
        this.#progress(bytesDone, rateBytesPerSec)
      },
    })
  }

  /** True when the item is in the library; false when what arrived was wrong and somebody else can be asked. */
  async #verifyAndStore(description: Description, arrival: Arrival, signal: AbortSignal): Promise<boolean> {
    const deps = this.#deps
    const { size } = await fs.stat(arrival.path)
    const pieceLength =
      arrival.road === 'swarm' ? undefined : wantedPieceLength(description.manifest, arrival.metainfo, size)
    this.#say({
      stage: 'verify',
      ...whole(size),
      rateBytesPerSec: 0,
      etaMs: undefined,
      sources: this.#board.view(),
    })
    const { sha256, pieces } = await hashFile(deps.pool, {
      path: arrival.path,
      ...(pieceLength === undefined ? {} : { pieceLength }),
      signal,
    })
    if (this.#plan.mediaId !== undefined && sha256 !== this.#plan.mediaId) {
      await this.#onMismatch(description, arrival)
      return false
    }
    await this.#nameLiars(arrival.path)
    this.#say({ stage: 'store', sources: this.#board.view() })
    const item = await describeItem(deps, {
      path: arrival.path,
      mediaId: sha256,
      sizeBytes: size,
      manifest: description.manifest,
      metainfo: arrival.metainfo,
      pieces: pieces === undefined || pieceLength === undefined ? undefined : { pieceLength, hashes: pieces },
      name: description.name ?? this.#plan.name ?? this.#roads.nameFromAddress(),
    })
    signal.throwIfAborted()
    const { row } = await deps.library.commit({
      staging: await this.#incoming.seal(arrival.path, item.metainfo !== undefined),
      mediaId: sha256,
      manifest: item.manifest,
      ...(item.metainfo === undefined ? {} : { metainfo: item.metainfo }),
      isOwn: item.isOwn,
      isSeedingWanted: this.#plan.isSeedingWanted,
    })
    this.#say({
      state: 'done',
      stage: 'seed',
      name: row.name,
      mediaId: MediaId.parse(sha256),
      ...whole(size),
    })
    deps.log.info('get.done', { id: this.id, mediaId: sha256, sizeBytes: size, road: arrival.road })
    return true
  }

  /** The bytes are not the ones asked for: nothing of them is kept, and whoever is to blame is not asked again. */
  async #onMismatch(description: Description, arrival: Arrival): Promise<void> {
    const plan = this.#plan
    const givers = [
      ...new Set(plan.segments.filter(({ end, start }) => end > start).map(({ label }) => label)),
    ]
    const segments = [...plan.segments]
    await this.#startOver()
    if (arrival.road === 'swarm') {
      if (description.origin === undefined) throw mismatch(this.#board.givers())
      this.#refuse(description.origin, WRONG_DESCRIPTION)
      return
    }
    const [only] = givers
    if (only !== undefined && givers.length === 1) this.#refuse(only, WRONG_BYTES)
    else plan.suspects = segments
    this.#save()
  }

  /** Parts of an earlier mixture that differ from what has now proven right show who spoilt it. */
  async #nameLiars(path: string): Promise<void> {
    for (const label of await wrongParts(path, this.#plan.suspects)) this.#refuse(label, WRONG_BYTES)
  }

  /** Whether nobody fits because the one who described the item gave a size that is not the item's. */
  async #isMisinformed({ origin }: Description, error: AppError): Promise<boolean> {
    const others = error.details?.['otherSize']
    if (origin === undefined || !Array.isArray(others) || !others.some((label) => label !== origin))
      return false
    await this.#startOver()
    this.#refuse(origin, WRONG_DESCRIPTION)
    return true
  }

  #refuse(label: string, note: string): void {
    this.#plan.refused[label] = note
    this.#board.set(label, 'dropped', note)
    this.#deps.log.warn('get.source-dropped', { id: this.id, source: label, note })
    this.#say({ sources: this.#board.view() })
    this.#save()
  }

  async #startOver(): Promise<void> {
    await this.#incoming.discard()
    this.#plan.segments = []
    this.#plan.isClean = false
    delete this.#plan.verified
    delete this.#plan.described
    this.#save()
    await this.#incoming.open()
  }

  #progress(bytesDone: number, rateBytesPerSec: number): void {
    const bytesTotal = this.#deps.transfers.get(this.id)?.bytesTotal
    const left = bytesTotal === undefined ? undefined : Math.max(0, bytesTotal - bytesDone)
    this.#say({
      bytesDone,
      rateBytesPerSec: Math.round(rateBytesPerSec),
      etaMs:
        left === undefined || rateBytesPerSec < 1 ? undefined : Math.ceil((left * 1000) / rateBytesPerSec),
      sources: this.#board.view(),
    })
  }

  #say(patch: Patch): void {
    this.#deps.transfers.update(this.id, patch)
  }

  #save(): void {
    this.#deps.transfers.setPayload(this.id, this.#plan)
  }
}

function stretched(patience: Patience, factor: number): Patience {
  return { ...patience, metainfoMs: patience.metainfoMs * factor, stallMs: patience.stallMs * factor }
}

function whole(sizeBytes: number): { bytesDone: number; bytesTotal: number } {
  return { bytesDone: sizeBytes, bytesTotal: sizeBytes }
}
