import { Worker } from 'node:worker_threads'
import { AppError } from '../contract/errors.ts'
import { allocatePages } from '../page-memory.ts'
import type { Log } from '../ports/log.ts'
import { DiskSpace } from './disk-space.ts'
import type { FromHashWorker, SealedPlace, ToHashWorker, Work } from './hash-worker.ts'

/** From source the worker is a `.ts` file beside this one; in the build a `.js` file beside the bundle. */
const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js',
  import.meta.url,
)

/** Rings of this size are kept for the next job; more would only hold memory. */
const KEPT_RINGS = 3

interface HashPoolOptions {
  /** @defaultValue 2: sha256 in one, SHA-1 pieces in the other; the cipher in one, both hashes in the other */
  readonly workers?: number
  readonly log: Log
  /** Tests start workers of their own. */
  readonly spawn?: () => Worker
}

interface TaskRequest {
  readonly memory: SharedArrayBuffer
  readonly blockBytes: number
  readonly work: Work
  /** Tasks of one call with another number go to another worker, as far as there are workers; the least busy is 0. */
  readonly worker: number
}

/** One piece of work over the blocks of one job, done in one worker. */
export interface HashTask {
  /**
   * Shows a filled slot to the worker; resolves when it has read it.
   * @param place where the ciphertext goes, when the work is to seal; it is there when this resolves
   */
  feed(slot: number, length: number, place?: SealedPlace): Promise<void>
  /** The digest: 32 bytes of sha256 (of the plaintext, when it seals), or 20 bytes for every piece. Ends the task. */
  finish(): Promise<Uint8Array>
  /** Ends the task without a result; safe at any time. */
  drop(): void
}

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

interface TaskState {
  readonly taken: Map<number, Waiting<void>>
  finished: Waiting<Uint8Array> | null
  failure: AppError | null
}

interface Lane {
  readonly worker: Worker
  readonly tasks: Map<number, TaskState>
}

/**
 * Worker threads that hash (and encrypt) blocks lying in shared memory. Any number of jobs may be open at once: a worker takes the
 * blocks in the order they are fed, so a paused or slow job holds nobody up. A worker that dies fails the jobs it was
 * hashing and is replaced at the next one.
 */
export class HashPool {
  /** Free space promised to the jobs that are running. */
  readonly space = new DiskSpace()
  /** Pairs of volumes between which blocks can't be shared: found out once, not with every file. */
  readonly volumesThatCannotClone = new Set<string>()
  readonly workers: number
  readonly #log: Log
  readonly #spawn: () => Worker
  readonly #lanes = new Set<Lane>()
  readonly #keptRings: SharedArrayBuffer[] = []
  #nextTask = 1
  #isClosed = false

  constructor({ workers = 2, log, spawn }: HashPoolOptions) {
    this.workers = workers
    this.#log = log
    this.#spawn = spawn ?? (() => new Worker(workerUrl, { name: 'sower-hash' }))
  }

  /** Starts the workers ahead of the first job; otherwise they start with it. */
  start(): void {
    while (this.#lanes.size < this.workers) this.#addLane()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#keptRings.length = 0
    await Promise.all([...this.#lanes].map((lane) => lane.worker.terminate()))
  }

  /** Shared memory for a job's blocks; give it back with `keepRing`. */
  takeRing(byteLength: number): SharedArrayBuffer {
    const index = this.#keptRings.findIndex((ring) => ring.byteLength === byteLength)
    const kept = index < 0 ? undefined : this.#keptRings.splice(index, 1)[0]
    return kept ?? allocatePages(byteLength)
  }

  keepRing(ring: SharedArrayBuffer): void {
    this.#keptRings.unshift(ring)
    this.#keptRings.length = Math.min(this.#keptRings.length, KEPT_RINGS)
  }

  /** Opens these tasks, in the workers that have the least to do. */
  openTasks(requests: readonly TaskRequest[]): HashTask[] {
    if (this.#isClosed) throw new AppError('UNAVAILABLE', 'Sower is stopping. Nothing was stored.')
    this.start()
    const byLoad = [...this.#lanes].sort((a, b) => a.tasks.size - b.tasks.size)
    return requests.map((request) => {
      const lane = byLoad[request.worker % byLoad.length]
      if (lane === undefined) throw new Error('a hash pool needs at least one worker')
      return this.#openTask(lane, request)
    })
  }

  #openTask(lane: Lane, { memory, blockBytes, work }: TaskRequest): HashTask {
    const task = this.#nextTask++
    const state: TaskState = { taken: new Map(), finished: null, failure: null }
    const send = (message: ToHashWorker): void => lane.worker.postMessage(message)
    const end = (): void => {
      lane.tasks.delete(task)
      if (lane.tasks.size === 0) lane.worker.unref()
    }
    if (lane.tasks.size === 0) lane.worker.ref()
    lane.tasks.set(task, state)
    send({ type: 'open', task, memory, blockBytes, work })
    return {
      feed: (slot, length, place) =>
        new Promise((resolve, reject) => {
          if (state.failure !== null) return reject(state.failure)
          state.taken.set(slot, { resolve, reject })
          send({ type: 'block', task, slot, length, ...(place === undefined ? {} : { place }) })
        }),
      finish: () =>
        new Promise<Uint8Array>((resolve, reject) => {
          if (state.failure !== null) return reject(state.failure)
          state.finished = { resolve, reject }
          send({ type: 'finish', task })
        }).finally(end),
      drop: () => {
        if (!lane.tasks.has(task)) return
        send({ type: 'drop', task })
        end()
        for (const waiting of state.taken.values()) waiting.resolve()
        state.taken.clear()
      },
    }
  }

  #addLane(): void {
    const worker = this.#spawn()
    const lane: Lane = { worker, tasks: new Map() }
    this.#lanes.add(lane)
    worker.unref()
    worker.on('message', (message: FromHashWorker) => this.#onMessage(lane, message))
    worker.on('error', (cause) => this.#onLost(lane, cause))
    worker.on('exit', () => this.#onLost(lane, undefined))
  }

  #onMessage(lane: Lane, message: FromHashWorker): void {
    const state = lane.tasks.get(message.task)
    if (state === undefined) return
    if (message.type === 'finished') {
      state.finished?.resolve(message.digest)
      return
    }
    const waiting = state.taken.get(message.slot)
    state.taken.delete(message.slot)
    waiting?.resolve()
  }

  #onLost(lane: Lane, cause: unknown): void {
    if (!this.#lanes.delete(lane)) return
    if (!this.#isClosed) this.#log.warn('ingest.workerLost', { jobs: lane.tasks.size, cause: String(cause) })
    for (const state of lane.tasks.values()) {
      state.failure = new AppError(
        this.#isClosed ? 'UNAVAILABLE' : 'INTERNAL',
        this.#isClosed
          ? 'Sower is stopping. Nothing was stored.'
          : 'The part of Sower that checks files stopped unexpectedly. The file itself is untouched.',
        { cause, hint: 'Try again.' },
      )
      state.finished?.reject(state.failure)
      for (const waiting of state.taken.values()) waiting.reject(state.failure)
      state.taken.clear()
    }
    lane.tasks.clear()
  }
}
