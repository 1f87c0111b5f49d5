import { AppError } from '../contract/index.ts'
import type { Transfer } from '../contract/index.ts'
import { PauseGate } from '../ingest/index.ts'
import type { Progress } from '../ingest/index.ts'
import type { TransferStore } from '../library/index.ts'
import type { Log } from '../ports/log.ts'

/** What a job that runs is given. */
export interface RunningJob {
  readonly id: string
  /** Fires when it is cancelled, or the node stops. */
  readonly signal: AbortSignal
  /** Closed while it is paused. */
  readonly gate: PauseGate
  /**
   * From here on it can only be carried through: it is neither paused nor cancelled.
   * @returns takes that back, when it came to nothing
   */
  commit(): () => void
}

interface JobsOptions {
  readonly kind: Extract<Transfer['kind'], 'save' | 'rekey'>
  /** How many run side by side; a paused one makes room. */
  readonly atOnce: number
  readonly transfers: TransferStore
  readonly log: Log
  /** Ends when the transfer is done; throws what it failed with. Begins again from its payload when it is called again. */
  readonly run: (job: RunningJob) => Promise<void>
  /** Takes away what a run that did not come to its end left behind. */
  readonly tidy: (id: string) => Promise<void>
  /** Whether a former run had come so far that it can only be carried through. @defaultValue none had */
  readonly isCommitted?: (id: string) => boolean
}

interface Job {
  readonly id: string
  readonly abort: AbortController
  readonly gate: PauseGate
  isCommitted: boolean
  /** Settles when everything it had begun has ended; `null` while it waits for its turn. */
  running: Promise<void> | null
}

/** Aborts what runs without ending it for good: it begins again at the next start. */
const STOPPING = new AppError('UNAVAILABLE', 'Sower is stopping.')

/** The queue of one kind of job whose state is a transfer: begun, paused, cancelled, tried again, taken up after a crash. */
export class Jobs {
  readonly #options: JobsOptions
  readonly #jobs = new Map<string, Job>()
  #isStopped = true

  constructor(options: JobsOptions) {
    this.#options = options
  }

  /** Takes up what a former run had not finished; paused ones stay paused. */
  start(): void {
    const { transfers, kind } = this.#options
    this.#isStopped = false
    for (const transfer of transfers.listUnfinished()) {
      if (transfer.kind !== kind || this.#jobs.has(transfer.id)) continue
      const job = this.#track(transfer.id)
      if (transfer.state === 'paused') job.gate.pause()
    }
    this.#fill()
  }

  /** Ends what runs; it goes on at the next start. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const jobs = [...this.#jobs.values()]
    for (const job of jobs) job.abort.abort(STOPPING)
    await Promise.allSettled(jobs.map((job) => Promise.resolve(job.running)))
    this.#jobs.clear()
  }

  /** Puts transfers that were just made into the queue. */
  begin(ids: readonly string[]): void {
    for (const id of ids) this.#track(id)
    this.#fill()
  }

  /** Holds it where it is. @throws {AppError} `NOT_FOUND`; `CONFLICT` when it is over, or can only be carried through */
  pause(id: string): void {
    const job = this.#requireUncommitted(id)
    this.#options.transfers.update(id, { state: 'paused', rateBytesPerSec: 0, etaMs: undefined })
    job.gate.pause()
    this.#fill()
  }

  /** @throws {AppError} `NOT_FOUND`, `CONFLICT` when it is over */
  resume(id: string): void {
    const job = this.#require(id)
    if (!job.gate.isPaused) return
    this.#options.transfers.update(id, { state: job.running === null ? 'queued' : 'active' })
    job.gate.resume()
    this.#fill()
  }

  /** Resolves when nothing of it is left. @throws {AppError} as `pause` */
  async cancel(id: string): Promise<void> {
    const job = this.#requireUncommitted(id)
    job.abort.abort()
    job.gate.resume()
    if (job.running === null) {
      this.#jobs.delete(id)
      await this.#tidy(id)
      this.#fail(id, new AppError('CANCELLED', 'Cancelled.'))
    }
    await job.running
  }

  /** @throws {AppError} `NOT_FOUND`; `CONFLICT` when it has not failed */
  retry(id: string): void {
    const { transfers, kind } = this.#options
    const transfer = transfers.get(id)
    if (transfer?.kind !== kind) throw noSuchTransfer()
    if (transfer.state !== 'failed' && transfer.state !== 'cancelled') {
      throw new AppError('CONFLICT', 'This transfer has not failed.')
    }
    transfers.update(id, { state: 'queued', stage: 'read', bytesDone: 0, error: undefined })
    this.begin([id])
  }

  /** What a run says of its progress; a paused one makes none. */
  progress(id: string, { bytesDone, bytesTotal, rateBytesPerSec, etaMs }: Progress): void {
    const isPaused = this.#jobs.get(id)?.gate.isPaused === true
    this.#options.transfers.update(id, {
      bytesDone,
      ...(bytesTotal === undefined ? {} : { bytesTotal }),
      rateBytesPerSec: isPaused ? 0 : rateBytesPerSec,
      etaMs: isPaused ? undefined : etaMs,
    })
  }

  #track(id: string): Job {
    const job: Job = {
      id,
      abort: new AbortController(),
      gate: new PauseGate(),
      isCommitted: false,
      running: null,
    }
    this.#jobs.set(id, job)
    return job
  }

  #fill(): void {
    if (this.#isStopped) return
    const going = [...this.#jobs.values()].filter((job) => !job.gate.isPaused)
    let free = this.#options.atOnce - going.filter((job) => job.running !== null).length
    for (const job of going) {
      if (free <= 0) return
      if (job.running !== null) continue
      job.running = this.#run(job)
      free -= 1
    }
  }

  /** Never rejects: the transfer says how it ended. */
  async #run(job: Job): Promise<void> {
    const { transfers, log, run, kind } = this.#options
    const { id, gate } = job
    const { signal } = job.abort
    try {
      transfers.update(id, { state: 'active', stage: 'read', error: undefined })
      await run({ id, signal, gate, commit: () => commit(job) })
    } catch (error) {
      await this.#tidy(id)
      if (signal.reason === STOPPING) return
      if (!(error instanceof AppError)) log.error(`${kind}.failed`, { id, error })
      this.#fail(id, signal.aborted ? new AppError('CANCELLED', 'Cancelled.') : error)
    } finally {
      this.#jobs.delete(id)
      this.#fill()
    }
  }

  async #tidy(id: string): Promise<void> {
    const { log, kind, tidy } = this.#options
    try {
      await tidy(id)
    } catch (error) {
      log.warn(`${kind}.tidy-failed`, { id, error })
    }
  }

  #fail(id: string, error: unknown): void {
    const { transfers, log, kind } = this.#options
    log.info(`${kind}.ended`, { id, code: transfers.fail(id, error) })
  }

  #requireUncommitted(id: string): Job {
    const job = this.#require(id)
    if (!job.isCommitted && this.#options.isCommitted?.(id) !== true) return job
    throw new AppError('CONFLICT', 'This is almost done: it can only be finished now.', {
      hint: 'It goes on by itself; if the drive of the media folder is away or full, as soon as it is not.',
    })
  }

  #require(id: string): Job {
    const job = this.#jobs.get(id)
    if (job !== undefined) return job
    if (this.#options.transfers.get(id)?.kind !== this.#options.kind) throw noSuchTransfer()
    throw new AppError('CONFLICT', 'This transfer is over already.')
  }
}

function commit(job: Job): () => void {
  job.isCommitted = true
  return () => {
    job.isCommitted = false
  }
}

function noSuchTransfer(): AppError {
  return new AppError('NOT_FOUND', 'There is no such transfer.')
}
