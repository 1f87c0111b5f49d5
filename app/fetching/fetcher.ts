import { AppError, toErrorShape, type Transfer } from '../contract/index.ts'
import type { PlainFile } from '../ports/plain-file.ts'
import { ArrivingBytes } from './arriving-bytes.ts'
import { openArriving } from './arriving-file.ts'
import { isAboutWallet } from './descriptions.ts'
import { refuseExpired, unreadable } from './failures.ts'
import { GetJob } from './get-job.ts'
import type { JobContext } from './job.ts'
import { beginHeld, heldItem } from './held.ts'
import { inspectLink, type InspectedLink } from './inspect.ts'
import { LinkKeys } from './link-keys.ts'
import { parseLink } from './link.ts'
import { NodeLogins } from './node-logins.ts'
import { joinPlans, newPlan, readPlan, type Plan } from './plan.ts'
import { Plans } from './plans.ts'
import type { BeginArgs, FetcherDeps } from './ports.ts'
import { TorrentClaims } from './same-torrent.ts'
import { Turns } from './turns.ts'
import { readTypedSources } from './web-source.ts'
import { Wishes } from './wishes.ts'

interface Running {
  readonly job: GetJob
  readonly plan: Plan
  readonly controller: AbortController
  readonly ended: Promise<void>
  /** When it was last looked at. */
  bytesDone: number
}

/** Why a run was ended from outside; never shown. What comes next is decided when it has ended. */
class Interruption extends Error {}

/**
 * Downloads: from a link to a verified item in the library. Each is a row in the TransferStore whose payload is its
 * plan, so that it goes on after a crash from what was verified.
 */
export class Fetcher {
  readonly #deps: FetcherDeps
  readonly #linkKeys: LinkKeys
  readonly #shared: Omit<JobContext, 'arriving' | 'heirOf'>
  readonly #running = new Map<string, Running>()
  readonly #turns: Turns
  readonly #plans: Plans
  readonly #wishes: Wishes
  /** What whoever plays a download reads from; as long as it is not over and forgotten. */
  readonly #arriving = new Map<string, ArrivingBytes>()
  /** Downloads that failed because the wallet was not open. */
  readonly #waitingForWallet = new Set<string>()
  readonly #stopListening: (() => void)[] = []
  #isStopped = true

  constructor(deps: FetcherDeps) {
    this.#deps = deps
    this.#linkKeys = new LinkKeys(deps.keys)
    const logins = new NodeLogins(deps)
    this.#shared = { linkKeys: this.#linkKeys, logins, torrents: new TorrentClaims() }
    this.#turns = new Turns({
      start: (id) => this.#start(id),
      yieldTurn: (id) => this.#interrupt(id),
      priorityOf: (id) => deps.transfers.get(id)?.priority ?? 'normal',
    })
    this.#plans = new Plans(deps.transfers, (id) => this.#running.get(id)?.plan)
    this.#wishes = new Wishes({
      end: async (id) => {
        this.#interrupt(id)
        await this.#running.get(id)?.ended
        this.#turns.remove(id)
      },
      carryOut: async (id, wish) => {
        if (wish === 'cancelled') await this.#cancel(id)
        // It may have ended meanwhile.
        else if (!this.#plans.isOver(id))
          deps.transfers.update(id, { state: 'paused', rateBytesPerSec: 0, etaMs: undefined })
      },
      queue: (id) => this.#queue(id),
    })
  }

  /** Goes on with the downloads that were not finished; paused ones stay paused. */
  start(): void {
    if (!this.#isStopped) return
    this.#isStopped = false
    const { transfers, keys } = this.#deps
    this.#stopListening.push(
      transfers.onChange(({ changed, removed }) => {
        for (const id of removed) void this.#forget(id)
        for (const id of changed) this.#onProgress(id)
      }),
      keys.onChange(() => {
        try {
          this.#onWallet()
        } catch (error) {
          // Whoever opened the wallet is not to blame.
          this.#deps.log.error('get.wallet-not-followed', { error })
        }
      }),
    )
    for (const { id, kind, state } of transfers.listUnfinished()) {
      if (kind !== 'get') continue
      const plan = readPlan(transfers.payload(id))
      // Died between the row and its plan: nobody was told of it yet.
      if (plan === null) this.#fail(id, unreadable())
      else if (state !== 'paused') this.#queue(id)
    }
  }

  /** Ends all runs in good order; they are queued again at the next start. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#turns.stop()
    for (const off of this.#stopListening.splice(0)) off()
    for (const id of this.#running.keys()) this.#interrupt(id)
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    await this.#wishes.settled()
    const stopping = new AppError('CANCELLED', 'Sower is stopping.')
    for (const arriving of this.#arriving.values()) arriving.end(stopping)
  }

  /**
   * Begins a download, or joins the one that is already under way for the same item. A key in the link is safe when this
   * returns: boxed for the wallet, or, while that is not open, in memory until it is.
   * @returns the id of its transfer
   * @throws {AppError} `LINK_INVALID`, also for a link whose time is over; `BAD_REQUEST` for a source that is none
   */
  async begin({ link, from = [], isSeedingWanted, giveUpAfterMs }: BeginArgs): Promise<string> {
    if (this.#isStopped) throw new AppError('UNAVAILABLE', 'Sower is stopping.')
    const { settings, log } = this.#deps
    const parsed = parseLink(link)
    refuseExpired(parsed, this.#deps.clock.nowMs())
    const plan = newPlan(parsed, readTypedSources(from), isSeedingWanted ?? settings.get().isSeedingAfterGet)
    if (giveUpAfterMs !== undefined) plan.giveUpAfterMs = giveUpAfterMs
    const fileKey = parsed.key === undefined ? undefined : Buffer.from(parsed.key, 'base64url')
    const held = heldItem(this.#deps.library, parsed)
    if (held !== undefined) {
      const { expiresAtMs } = parsed
      return beginHeld(this.#deps, held, { fileKey, isSeedingWanted, expiresAtMs })
    }
    if (fileKey !== undefined) await this.#linkKeys.boxInto(plan, fileKey)
    const same = this.#plans.sameItem(parsed)
    if (same !== undefined) {
      const keys = { hasKey: this.#linkKeys.has(same.id, same.plan), bringsKey: fileKey !== undefined }
      if (fileKey !== undefined && plan.boxedKey === undefined) this.#linkKeys.hold(same.id, fileKey)
      this.#join(same.id, same.plan, plan, keys)
      return same.id
    }
    for (const id of this.#plans.shareSwarm(plan)) this.#interrupt(id)
    const id = this.#plans.create(parsed, plan)
    if (fileKey !== undefined && plan.boxedKey === undefined) this.#linkKeys.hold(id, fileKey)
    log.info('get.begin', { id, kind: parsed.kind, mediaId: parsed.mediaId, infoHash: parsed.infoHash })
    this.#queue(id)
    return id
  }

  /** What a link is, without contacting anybody. */
  inspect(link: string): InspectedLink {
    return inspectLink(this.#deps.library, link)
  }

  /**
   * Says which of several downloads goes first; kept with the download.
   * @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is over
   */
  setPriority(id: string, priority: Transfer['priority']): void {
    this.#plans.requireState(id, ['queued', 'active', 'paused'])
    this.#deps.transfers.update(id, { priority }, { persist: true })
    this.#turns.settle()
  }

  /**
   * A download as the file it will be, while it arrives: reads wait for their bytes and have them fetched first. Works on across
   * pauses and the end of the download; whoever opened it closes it.
   * @throws {AppError} `NOT_FOUND`; `UNAVAILABLE` while too little is known of it; `CONFLICT` when it failed or was cancelled;
   * `KEY_NEEDED`, `ENVELOPE_INVALID`, the wallet's own error; what opening an item of the library throws
   */
  async openPlain(id: string): Promise<PlainFile> {
    const transfer = this.#plans.requireState(id, ['queued', 'active', 'paused', 'done'])
    const { keys, openHeld } = this.#deps
    if (transfer.state === 'done' && transfer.mediaId !== undefined) return openHeld(transfer.mediaId)
    const plan = this.#plans.require(id)
    return openArriving({
      bytes: this.#bytesOf(id),
      plan,
      name: transfer.name,
      keyOf: async (manifest) => (await this.#linkKeys.of(id, plan)) ?? keys.files.get(manifest),
    })
  }

  /** @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is over */
  async pause(id: string): Promise<void> {
    this.#plans.requireState(id, ['queued', 'active', 'paused'])
    await this.#wishes.make(id, 'paused')
  }

  /** @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is over */
  resume(id: string): void {
    const { state } = this.#plans.requireState(id, ['queued', 'active', 'paused'])
    if (state !== 'paused' && !this.#wishes.has(id)) return
    const plan = this.#plans.require(id)
    // Whoever resumes it waits, whatever was asked for before.
    delete plan.giveUpAfterMs
    this.#deps.transfers.setPayload(id, plan)
    this.#goOn(id)
  }

  /** Tries a failed (or cancelled) one again; sources that were dropped get another chance. */
  retry(id: string): void {
    this.#plans.requireState(id, ['failed', 'cancelled'])
    const plan = this.#plans.require(id)
    plan.refused = {}
    delete plan.giveUpAfterMs
    plan.suspects = []
    this.#deps.transfers.setPayload(id, plan)
    this.#deps.transfers.update(id, { sources: [] })
    this.#goOn(id)
  }

  /** Stops it and removes what has arrived. */
  async cancel(id: string): Promise<void> {
    const { state } = this.#plans.requireState(id, ['queued', 'active', 'paused', 'failed', 'cancelled'])
    if (state !== 'cancelled') await this.#wishes.make(id, 'cancelled')
  }

  async #cancel(id: string): Promise<void> {
    const { transfers } = this.#deps
    const state = transfers.get(id)?.state
    if (state === undefined || state === 'done' || state === 'cancelled') return
    await new GetJob(this.#deps, id, this.#plans.require(id), this.#contextOf(id)).discard()
    this.#linkKeys.forget(id)
    this.#arriving.get(id)?.end(new AppError('CANCELLED', 'This download was cancelled.'))
    this.#arriving.delete(id)
    transfers.update(id, {
      state: 'cancelled',
      bytesDone: 0,
      rateBytesPerSec: 0,
      etaMs: undefined,
      isPlayable: false,
      error: undefined,
    })
  }

  /** Whatever was wished of it before. */
  #goOn(id: string): void {
    if (!this.#wishes.takeBack(id)) this.#queue(id)
  }

  /** It runs when it is its turn, which may be now. */
  #queue(id: string): void {
    const state = this.#deps.transfers.get(id)?.state
    if (this.#isStopped || this.#running.has(id) || state === undefined || state === 'done') return
    this.#deps.transfers.update(id, { state: 'queued', error: undefined })
    this.#turns.add(id)
  }

  /** @returns whether it runs now */
  #start(id: string): boolean {
    const { transfers } = this.#deps
    const isToRun = transfers.get(id)?.state === 'queued' && !this.#wishes.has(id)
    if (!isToRun || this.#running.has(id) || this.#isStopped) return false
    return this.#orFail(id, () => {
      const plan = this.#plans.require(id)
      const controller = new AbortController()
      const job = new GetJob(this.#deps, id, plan, this.#contextOf(id))
      const ended = this.#run(id, job, controller.signal)
      this.#running.set(id, { job, plan, controller, ended, bytesDone: 0 })
    })
  }

  /** Never rejects: the transfer says how it ended. */
  async #run(id: string, job: GetJob, signal: AbortSignal): Promise<void> {
    try {
      await job.run(signal).then(
        () => this.#onDone(id),
        (error: unknown) => this.#onEnd(id, job, signal, error),
      )
    } catch (error) {
      // Nobody waits for it: what even the end of a download fails with is said in the log.
      this.#deps.log.error('get.end-failed', { id, error })
    }
    this.#running.delete(id)
    this.#shared.torrents.release(id)
    this.#turns.remove(id)
    // It gave its turn up, or another link brought news; a wish sees to it by itself.
    if (signal.aborted && !this.#wishes.has(id) && !this.#plans.isOver(id))
      this.#orFail(id, () => this.#queue(id))
  }

  #onProgress(id: string): void {
    const running = this.#running.get(id)
    const bytes = this.#deps.transfers.get(id)?.bytesDone ?? 0
    if (running === undefined || running.bytesDone === bytes) return
    running.bytesDone = bytes
    this.#turns.gained(id)
  }

  /** What is being played goes on from the library's file. */
  #onDone(id: string): void {
    const { transfers, library } = this.#deps
    const mediaId = transfers.get(id)?.mediaId
    const arriving = this.#arriving.get(id)
    this.#arriving.delete(id)
    this.#linkKeys.forget(id)
    if (mediaId !== undefined) arriving?.stored(async () => (await library.openFile(mediaId)).handle)
  }

  async #onEnd(id: string, job: GetJob, signal: AbortSignal, error: unknown): Promise<void> {
    const { transfers, log } = this.#deps
    if (transfers.get(id) === undefined) return
    if (signal.aborted) {
      // What is active on the disk is queued for whoever reads it there: nothing that must be written.
      transfers.update(id, { state: 'queued', rateBytesPerSec: 0, etaMs: undefined }, { persist: false })
      return
    }
    if (!(error instanceof AppError)) log.error('get.crashed', { id, error })
    // Wrong bytes are never kept; after anything else a retry goes on where it stopped.
    if (error instanceof AppError && error.code === 'HASH_MISMATCH')
      await job.discard().catch(() => undefined)
    this.#fail(id, error)
    const { code, message } = toErrorShape(error)
    this.#arriving.get(id)?.end(new AppError(code, message))
  }

  /** The wallet may be open now: downloads that could not go on without it do. */
  #onWallet(): void {
    try {
      this.#deps.keys.pair()
    } catch (error) {
      if (error instanceof AppError) return
      throw error
    }
    for (const { id, plan } of this.#plans.unfinished()) {
      this.#linkKeys
        .settle(id, plan, this.#deps.transfers)
        // It is held in memory until it can be written.
        .catch((error: unknown) => this.#deps.log.error('get.key-not-kept', { id, error }))
    }
    for (const id of this.#waitingForWallet) {
      this.#waitingForWallet.delete(id)
      if (this.#deps.transfers.get(id)?.state === 'failed') this.#orFail(id, () => this.#goOn(id))
    }
  }

  #fail(id: string, error: unknown): void {
    const code = this.#deps.transfers.fail(id, error)
    if (error instanceof AppError && isAboutWallet(error)) this.#waitingForWallet.add(id)
    this.#deps.log.info('get.failed', { id, code })
  }

  /** For when nobody waits for the answer: the transfer says what went wrong. */
  #orFail(id: string, work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      this.#fail(id, error)
      return false
    }
  }

  #interrupt(id: string): void {
    this.#running.get(id)?.controller.abort(new Interruption())
  }

  /** A failed download that was taken off the list leaves nothing behind. */
  async #forget(id: string): Promise<void> {
    if (this.#running.has(id)) return
    this.#linkKeys.forget(id)
    this.#arriving.delete(id)
    try {
      const staging = await this.#deps.folder.stage(id)
      await staging.discard()
    } catch (error) {
      this.#deps.log.debug('get.forget-failed', { id, reason: String(error) })
    }
  }

  #contextOf(id: string): JobContext {
    const heirOf = (mediaId: string): string | undefined => this.#plans.sameItem({ mediaId })?.id
    return { ...this.#shared, arriving: this.#bytesOf(id), heirOf }
  }

  #bytesOf(id: string): ArrivingBytes {
    const bytes = this.#arriving.get(id) ?? new ArrivingBytes()
    this.#arriving.set(id, bytes)
    return bytes
  }

  /** The other link of the same item adds what it knows. */
  #join(id: string, plan: Plan, other: Plan, keys: { hasKey: boolean; bringsKey: boolean }): void {
    const isWaitedFor = this.#deps.transfers.get(id)?.state !== 'paused'
    const gained = joinPlans(plan, other, { ...keys, isWaitedFor })
    this.#plans.write(id, plan)
    if (!this.#running.has(id) || this.#wishes.has(id)) this.#goOn(id)
    else if (gained) this.#interrupt(id)
  }
}
