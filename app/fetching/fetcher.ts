import { AppError, type ErrorShape, type MediaId, toErrorShape } from '../contract/index.ts'
import { GetJob } from './get-job.ts'
import { parseLink, type ParsedLink } from './link.ts'
import { newPlan, readPlan, type Plan } from './plan.ts'
import type { FetcherDeps } from './ports.ts'
import { readTypedSources } from './web-source.ts'

export interface BeginArgs {
  /** Any kind of link; see `parseLink`. */
  readonly link: string
  /** Extra sources typed by the user: `http(s)://…` of a node, or `host:port` of a BitTorrent peer. */
  readonly from?: readonly string[]
  /** @defaultValue the setting */
  readonly isSeedingWanted?: boolean | undefined
}

export interface InspectedLink {
  readonly kind: ParsedLink['kind']
  readonly mediaId?: MediaId
  readonly infoHash?: string
  readonly name?: string
  readonly trackers: string[]
  readonly webSources: string[]
  /** Already in the library. */
  readonly isHeld: boolean
  /** What the link leads to is stored encrypted. */
  readonly isEncrypted: boolean
  /** The link itself carries the key to it. */
  readonly hasKey: boolean
  readonly expiresAtMs?: number
}

interface Running {
  readonly job: GetJob
  readonly plan: Plan
  readonly controller: AbortController
  readonly ended: Promise<void>
}

/** Why a run was ended from outside; never shown. */
class Interruption extends Error {
  readonly next: 'paused' | 'cancelled' | 'queued'
  constructor(next: 'paused' | 'cancelled' | 'queued') {
    super(`interrupted: ${next}`)
    this.next = next
  }
}

/**
 * Downloads: from a link to a verified item in the library. Each is a row in the TransferStore whose payload is its
 * plan, so that it goes on after a crash from what was verified.
 */
export class Fetcher {
  readonly #deps: FetcherDeps
  readonly #running = new Map<string, Running>()
  #stopListening: (() => void) | undefined
  #isStopped = true

  constructor(deps: FetcherDeps) {
    this.#deps = deps
  }

  /** Goes on with the downloads that were not finished; paused ones stay paused. */
  start(): void {
    if (!this.#isStopped) return
    this.#isStopped = false
    const { transfers } = this.#deps
    this.#stopListening = transfers.onChange(({ removed }) => {
      for (const id of removed) void this.#forget(id)
    })
    for (const { id, kind, state } of transfers.listUnfinished()) {
      if (kind !== 'get') continue
      const plan = readPlan(transfers.payload(id))
      // Died between the row and its plan: nobody was told of it yet.
      if (plan === null) this.#fail(id, unreadable())
      else if (state !== 'paused') this.#run(id, plan)
    }
  }

  /** Ends all runs in good order; they are queued again at the next start. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stopListening?.()
    this.#stopListening = undefined
    await Promise.all([...this.#running.keys()].map((id) => this.#interrupt(id, 'queued')))
  }

  /**
   * Begins a download, or joins the one that is already under way for the same item.
   * @returns the id of its transfer
   * @throws {AppError} `LINK_INVALID`, also for a link whose time is over; `BAD_REQUEST` for a source that is none
   */
  begin({ link, from = [], isSeedingWanted }: BeginArgs): string {
    if (this.#isStopped) throw new AppError('UNAVAILABLE', 'Sower is stopping.')
    const { library, settings, transfers, log } = this.#deps
    const parsed = parseLink(link)
    refuseExpired(parsed, this.#deps.clock.nowMs())
    const plan = newPlan(parsed, readTypedSources(from), isSeedingWanted ?? settings.get().isSeedingAfterGet)
    const held = this.#held(parsed)
    if (held !== undefined) {
      if (isSeedingWanted === true) void library.setSeedingWanted([held.mediaId], true)
      const { id } = transfers.create({
        kind: 'get',
        name: held.name,
        state: 'done',
        stage: 'seed',
        bytesDone: held.sizeBytes,
        bytesTotal: held.sizeBytes,
        mediaId: held.mediaId as MediaId, // a row's id is one
        isDuplicate: true,
      })
      return id
    }
    const same = this.#sameItem(parsed)
    if (same !== undefined) {
      this.#join(same.id, same.plan, plan)
      return same.id
    }
    const { id } = transfers.create({
      kind: 'get',
      name: parsed.name ?? parsed.mediaId ?? parsed.infoHash ?? 'media',
      ...(parsed.mediaId === undefined ? {} : { mediaId: parsed.mediaId as MediaId }), // 64 hex by the parser
    })
    transfers.setPayload(id, plan)
    log.info('get.begin', { id, kind: parsed.kind, mediaId: parsed.mediaId, infoHash: parsed.infoHash })
    this.#run(id, plan)
    return id
  }

  /** What a link is, without contacting anybody. */
  inspect(link: string): InspectedLink {
    const parsed = parseLink(link)
    const { kind, mediaId, infoHash, name, trackers, webSources, isEncrypted, key, expiresAtMs } = parsed
    return {
      kind,
      ...(mediaId === undefined ? {} : { mediaId: mediaId as MediaId }), // 64 hex by the parser
      ...(infoHash === undefined ? {} : { infoHash }),
      ...(name === undefined ? {} : { name }),
      trackers: [...trackers],
      webSources: [...webSources],
      isHeld: this.#held(parsed) !== undefined,
      isEncrypted,
      hasKey: key !== undefined,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    }
  }

  /** @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is over */
  async pause(id: string): Promise<void> {
    this.#requireState(id, ['queued', 'active', 'paused'])
    await this.#interrupt(id, 'paused')
    this.#deps.transfers.update(id, { state: 'paused', rateBytesPerSec: 0, etaMs: undefined })
  }

  /** @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is over */
  resume(id: string): void {
    const { state } = this.#requireState(id, ['queued', 'active', 'paused'])
    if (state !== 'paused') return
    this.#run(id, this.#requirePlan(id))
  }

  /** Tries a failed (or cancelled) one again; sources that were dropped get another chance. */
  retry(id: string): void {
    this.#requireState(id, ['failed', 'cancelled'])
    const plan = this.#requirePlan(id)
    plan.refused = {}
    plan.suspects = []
    this.#deps.transfers.setPayload(id, plan)
    this.#deps.transfers.update(id, { sources: [] })
    this.#run(id, plan)
  }

  /** Stops it and removes what has arrived. */
  async cancel(id: string): Promise<void> {
    const { state } = this.#requireState(id, ['queued', 'active', 'paused', 'failed', 'cancelled'])
    if (state === 'cancelled') return
    const running = this.#running.get(id)
    await this.#interrupt(id, 'cancelled')
    const after = this.#deps.transfers.get(id)
    if (after?.state === 'done') return
    const plan = running?.plan ?? this.#requirePlan(id)
    await new GetJob(this.#deps, id, plan).discard()
    this.#deps.transfers.update(id, {
      state: 'cancelled',
      bytesDone: 0,
      rateBytesPerSec: 0,
      etaMs: undefined,
      error: undefined,
    })
  }

  #run(id: string, plan: Plan): void {
    if (this.#running.has(id) || this.#isStopped) return
    const controller = new AbortController()
    const job = new GetJob(this.#deps, id, plan)
    this.#deps.transfers.update(id, { state: 'queued', error: undefined })
    const ended = job
      .run(controller.signal)
      .catch((error: unknown) => this.#onEnd(id, job, controller.signal, error))
      // A full disk can keep even the failure from being written down; the row is queued again at the next start.
      .catch((error: unknown) => this.#deps.log.error('get.end-failed', { id, error: String(error) }))
      .finally(() => {
        if (this.#running.get(id)?.controller === controller) this.#running.delete(id)
      })
    this.#running.set(id, { job, plan, controller, ended })
  }

  async #onEnd(id: string, job: GetJob, signal: AbortSignal, error: unknown): Promise<void> {
    const { transfers, log } = this.#deps
    if (transfers.get(id) === undefined) return
    const reason: unknown = signal.reason
    if (signal.aborted && reason instanceof Interruption) {
      if (reason.next === 'queued')
        transfers.update(id, { state: 'queued', rateBytesPerSec: 0, etaMs: undefined })
      return
    }
    if (!(error instanceof AppError)) log.error('get.crashed', { id, error: String(error) })
    // Wrong bytes are never kept; after anything else a retry goes on where it stopped.
    if (error instanceof AppError && error.code === 'HASH_MISMATCH')
      await job.discard().catch(() => undefined)
    this.#fail(id, error)
  }

  #fail(id: string, error: unknown): void {
    const { code, message, hint }: ErrorShape = toErrorShape(error)
    this.#deps.transfers.update(id, {
      state: 'failed',
      rateBytesPerSec: 0,
      etaMs: undefined,
      error: { code, message, ...(hint === undefined ? {} : { hint }) },
    })
    this.#deps.log.info('get.failed', { id, code })
  }

  async #interrupt(id: string, next: 'paused' | 'cancelled' | 'queued'): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) return
    running.controller.abort(new Interruption(next))
    await running.ended
  }

  /** A failed download that was taken off the list leaves nothing behind. */
  async #forget(id: string): Promise<void> {
    if (this.#running.has(id)) return
    try {
      const staging = await this.#deps.folder.stage(id)
      await staging.discard()
    } catch (error) {
      this.#deps.log.debug('get.forget-failed', { id, reason: String(error) })
    }
  }

  #held({ mediaId, infoHash }: Pick<ParsedLink, 'mediaId' | 'infoHash'>) {
    const { library } = this.#deps
    const row =
      mediaId === undefined
        ? infoHash === undefined
          ? undefined
          : library.find({ infoHash })
        : library.get(mediaId)
    const isThere =
      row?.trashedAtMs === undefined && (row?.fileState === 'ok' || row?.fileState === 'checking')
    return isThere ? row : undefined
  }

  #sameItem(link: ParsedLink): { id: string; plan: Plan } | undefined {
    const { transfers } = this.#deps
    for (const { id, kind } of transfers.listUnfinished()) {
      if (kind !== 'get') continue
      const plan = this.#running.get(id)?.plan ?? readPlan(transfers.payload(id))
      const isSame =
        plan !== null &&
        ((link.mediaId !== undefined && plan.mediaId === link.mediaId) ||
          (link.mediaId === undefined && link.infoHash !== undefined && plan.infoHash === link.infoHash))
      if (isSame) return { id, plan }
    }
    return undefined
  }

  /** The other link of the same item adds what it knows. */
  #join(id: string, plan: Plan, other: Plan): void {
    const merge = (into: string[], more: readonly string[]): boolean => {
      const news = more.filter((entry) => !into.includes(entry))
      into.push(...news)
      return news.length > 0
    }
    const gained = [
      merge(plan.trackers, other.trackers),
      merge(plan.webSources, other.webSources),
      merge(plan.peers, other.peers),
      merge(plan.typedWeb, other.typedWeb),
      merge(plan.typedPeers, other.typedPeers),
    ].includes(true)
    plan.infoHash ??= other.infoHash
    this.#deps.transfers.setPayload(id, plan)
    if (!gained && this.#running.has(id)) return
    void this.#interrupt(id, 'queued').then(() => this.#run(id, plan))
  }

  #requireState(id: string, allowed: readonly string[]) {
    const transfer = this.#deps.transfers.get(id)
    if (transfer?.kind !== 'get') throw new AppError('NOT_FOUND', 'There is no such download.')
    if (!allowed.includes(transfer.state)) {
      throw new AppError('CONFLICT', `This download is ${transfer.state}, so that can't be done with it.`)
    }
    return transfer
  }

  #requirePlan(id: string): Plan {
    const plan = readPlan(this.#deps.transfers.payload(id))
    if (plan === null) throw unreadable()
    return plan
  }
}

/** Nothing enforces the date in a link; a program that is asked to follow it does. */
function refuseExpired({ expiresAtMs }: ParsedLink, nowMs: number): void {
  if (expiresAtMs === undefined || expiresAtMs > nowMs) return
  const date = new Date(expiresAtMs).toISOString().slice(0, 10)
  throw new AppError('LINK_INVALID', `Whoever made this link meant it to be used until ${date}.`, {
    hint: 'Ask them for a new one.',
    details: { reason: 'expired', expiresAtMs },
  })
}

function unreadable(): AppError {
  return new AppError('CONFLICT', 'This download can’t be gone on with.', { hint: 'Paste its link again.' })
}
