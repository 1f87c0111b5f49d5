import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { AppError } from '../contract/index.ts'
import type { ItemRow, TransferInput } from '../library/index.ts'
import { changeAccess } from './access.ts'
import {
  type AddAccess,
  type AddPathInput,
  type AddStreamInput,
  connectionLost,
  isProtected,
  noSuchTransfer,
} from './add-input.ts'
import { AddQueue, type QueuedJob } from './add-queue.ts'
import { readPayload, type PathPayload } from './add-payload.ts'
import { AddWork, type Added } from './add-work.ts'
import type { AdderOptions } from './adder-options.ts'
import type { DescriberOptions } from './describe.ts'
import { cleanFileName } from './file-name.ts'
import { cancelled } from './fs-errors.ts'
import { PauseGate } from './pause-gate.ts'

interface Job {
  readonly id: string
  readonly abort: AbortController
  readonly gate: PauseGate
  /** Its turn in the queue; `null` when it was taken out before it ran. */
  ticket: QueuedJob | null
  /** Settles when everything it had begun has ended. */
  running: Promise<unknown> | null
}

/** Aborts what runs without ending it for good: it begins again at the next start. */
const STOPPING = new AppError('UNAVAILABLE', 'Sower is stopping.')

/** Adds files: the queue, and each one's way from reading to its place in the library, as a transfer that survives a crash. */
export class Adder {
  readonly #options: AdderOptions
  readonly #describer: DescriberOptions
  readonly #work: AddWork
  readonly #queue = new AddQueue()
  readonly #jobs = new Map<string, Job>()
  readonly #accessTurns = new Map<string, Promise<unknown>>()
  readonly #stopping = new AbortController()

  constructor(options: AdderOptions) {
    this.#options = options
    this.#describer = {
      buildMetainfo: options.buildMetainfo,
      magnetURI: options.magnetURI,
      trackers: options.trackers,
      webSeeds: options.webSeeds,
      signer: options.signer,
      publicUrl: () => options.settings.get().publicUrl,
    }
    this.#work = new AddWork(options, this.#describer)
  }

  /** Takes up what a former run had not finished. The library has been started, so their staging folders are gone. */
  start(): void {
    const { transfers } = this.#options
    for (const transfer of transfers.listUnfinished()) {
      if (transfer.kind !== 'add' || this.#jobs.has(transfer.id)) continue
      if (readPayload(transfers, transfer.id)?.source === 'path') {
        const job = this.#track(transfer.id)
        if (transfer.state !== 'paused') this.#enqueue(job)
      } else {
        transfers.fail(transfer.id, connectionLost())
      }
    }
  }

  /** Ends what runs; files from paths go on at the next start, uploads are over. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort(STOPPING)
    this.#queue.clear()
    const jobs = [...this.#jobs.values()]
    for (const job of jobs) job.abort.abort(STOPPING)
    await Promise.allSettled([...jobs.map((job) => job.running), ...this.#accessTurns.values()])
  }

  /** @returns the id of the transfer, which tells how it goes and how it ends */
  addPath(input: AddPathInput): string {
    const [id] = this.addPaths([input])
    if (id === undefined) throw new Error('a transfer was not made')
    return id
  }

  /**
   * The same for several: all of them are on the list, or none.
   * @returns their ids, in order
   * @throws {AppError} `BAD_REQUEST` when one is to be public and encrypted, or for somebody who is no contact
   */
  addPaths(inputs: readonly AddPathInput[]): string[] {
    for (const input of inputs) {
      // Said at once rather than by every transfer on its own.
      if (isProtected(input)) this.#options.contacts.recipients(input.people ?? [])
    }
    const made = this.#options.transfers.createAll(inputs.map(newTransfer))
    for (const { id } of made) this.#enqueue(this.#track(id))
    return made.map(({ id }) => id)
  }

  /**
   * Adds what a stream brings; begins at once, as the sender is waiting.
   * @throws {AppError} what `readStream` throws, `WALLET_…`, and what the library says of the media folder
   */
  async addStream(input: AddStreamInput): Promise<Added> {
    const { transfers } = this.#options
    const { id } = transfers.create({
      kind: 'add',
      name: cleanFileName(input.name),
      accessLevel: input.accessLevel,
      state: 'active',
      ...(input.sizeHint === undefined ? {} : { bytesTotal: input.sizeHint }),
    })
    transfers.setPayload(id, { source: 'stream' })
    const job = this.#track(id)
    if (this.#stopping.signal.aborted) job.abort.abort(STOPPING)
    const signal = AbortSignal.any([job.abort.signal, input.signal])
    const added = this.#work.addStream({ ...job, signal }, input)
    job.running = added
    try {
      return await added
    } catch (error) {
      input.stream.destroy()
      transfers.fail(id, error === STOPPING ? connectionLost() : error)
      throw error
    } finally {
      this.#jobs.delete(id)
    }
  }

  /** Holds it where it is. */
  pause(id: string): void {
    const job = this.#require(id)
    this.#options.transfers.update(id, { state: 'paused', rateBytesPerSec: 0, etaMs: undefined })
    job.gate.pause()
    if (job.ticket !== null) {
      this.#queue.remove(job.ticket)
      this.#queue.yield(job.ticket)
    }
    if (job.running === null) job.ticket = null
  }

  resume(id: string): void {
    const job = this.#require(id)
    if (!job.gate.isPaused && this.#options.transfers.get(id)?.state !== 'paused') return
    this.#options.transfers.update(id, { state: job.running === null ? 'queued' : 'active' })
    job.gate.resume()
    if (job.running === null) this.#enqueue(job)
  }

  /** Resolves when nothing of it is left, unless it had just been finished. */
  async cancel(id: string): Promise<void> {
    const job = this.#require(id)
    if (job.ticket !== null) this.#queue.remove(job.ticket)
    job.abort.abort()
    if (job.running === null) {
      job.ticket = null
      this.#jobs.delete(id)
      this.#options.transfers.fail(id, cancelled(job.abort.signal))
    }
    await Promise.allSettled([job.running])
  }

  /** @throws {AppError} `NOT_FOUND`; `CONFLICT` when it has not failed, or its bytes came over a connection that is gone */
  retry(id: string): void {
    const { transfers } = this.#options
    const transfer = transfers.get(id)
    if (transfer?.kind !== 'add') throw noSuchTransfer()
    if (transfer.state !== 'failed' && transfer.state !== 'cancelled') {
      throw new AppError('CONFLICT', 'This transfer has not failed.')
    }
    if (readPayload(transfers, id)?.source !== 'path') {
      throw new AppError('CONFLICT', 'This was sent by another program, which must send it again.')
    }
    transfers.update(id, { state: 'queued', stage: 'read', bytesDone: 0, error: undefined })
    this.#enqueue(this.#track(id))
  }

  /**
   * Makes an item public (its pieces are hashed, a torrent is made, it is seeded) or private (no longer seeded).
   * @throws {AppError} see `changeAccess`
   */
  async setAccess(mediaId: string, accessLevel: AddAccess): Promise<ItemRow> {
    const before = this.#accessTurns.get(mediaId) ?? Promise.resolve()
    const change = before
      .catch(() => undefined)
      .then(() => changeAccess(this.#options, this.#describer, mediaId, accessLevel, this.#stopping.signal))
    this.#accessTurns.set(mediaId, change)
    try {
      return await change
    } finally {
      if (this.#accessTurns.get(mediaId) === change) this.#accessTurns.delete(mediaId)
    }
  }

  #track(id: string): Job {
    const job: Job = { id, abort: new AbortController(), gate: new PauseGate(), ticket: null, running: null }
    this.#jobs.set(id, job)
    return job
  }

  #enqueue(job: Job): void {
    if (this.#stopping.signal.aborted) return
    const ticket: QueuedJob = {
      size: () => this.#sizeOf(job).catch(() => 0),
      // A ticket that was taken back while the file was being looked at is worth nothing.
      run: async () => {
        if (job.ticket !== ticket || job.abort.signal.aborted) return
        job.running = this.#run(job)
        await job.running
      },
    }
    job.ticket = ticket
    this.#queue.add(ticket)
  }

  async #sizeOf(job: Job): Promise<number> {
    const payload = readPayload(this.#options.transfers, job.id)
    if (payload?.source !== 'path') return 0
    // What is wrong with it is found out, and said, when it is read.
    const sizeBytes = await stat(payload.path).then(
      (stats) => (stats.isFile() ? stats.size : 0),
      () => 0,
    )
    if (sizeBytes > 0 && job.ticket !== null) {
      this.#options.transfers.update(job.id, { bytesTotal: sizeBytes }, { persist: false })
    }
    return sizeBytes
  }

  /** Never rejects: the transfer says how it ended. */
  async #run(job: Job): Promise<void> {
    const { transfers, log } = this.#options
    try {
      transfers.update(job.id, { state: 'active', stage: 'read' }, { persist: false })
      await this.#work.addPath({ ...job, signal: job.abort.signal })
    } catch (error) {
      if (error === STOPPING) return
      if (!(error instanceof AppError)) log.error('ingest.failed', { id: job.id, error: String(error) })
      transfers.fail(job.id, error)
    } finally {
      this.#jobs.delete(job.id)
    }
  }

  #require(id: string): Job {
    const job = this.#jobs.get(id)
    if (job !== undefined) return job
    if (this.#options.transfers.get(id)?.kind === 'add') {
      throw new AppError('CONFLICT', 'This transfer is already over.')
    }
    throw noSuchTransfer()
  }
}

function newTransfer({ path, accessLevel, storage, isEncrypted = false, people = [] }: AddPathInput): {
  transfer: TransferInput
  payload: PathPayload
} {
  return {
    transfer: {
      kind: 'add',
      name: cleanFileName(basename(path)),
      accessLevel: people.length > 0 ? 'shared' : accessLevel,
      isEncrypted: isEncrypted || people.length > 0,
    },
    payload: { source: 'path', path, storage, isEncrypted, people: [...people] },
  }
}
