import { Worker } from 'node:worker_threads'
import { PieceSlabs, type PieceBytes } from './piece-memory.ts'

/** One piece to check and write. Nobody changes its bytes until the answer is there. */
export interface PieceJob {
  readonly id: number
  readonly bytes: PieceBytes
  /** 40 lowercase hex. */
  readonly sha1: string
  readonly fd: number
  /** Byte position in the file. */
  readonly position: number
}

export interface PieceAnswer {
  readonly id: number
  readonly isGood: boolean
  /** The write failed. */
  readonly errno?: string
}

interface Waiting {
  resolve(this: void, answer: PieceAnswer): void
  reject(this: void, error: Error): void
}

const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './piece-worker.ts' : './piece-worker.js',
  import.meta.url,
)

/** While one thread waits for the disk the other one hashes. */
const THREADS = 2

/** Threads that hash and write pieces, so that the network never waits for either. Made when the first pieces come. */
export class PiecePool {
  readonly slabs = new PieceSlabs()
  readonly #waiting = new Map<number, Waiting>()
  readonly #workers: (Worker | undefined)[] = Array.from({ length: THREADS })
  #nextId = 1
  #queuedBytes = 0

  /** Handed over and not answered yet. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  verifyAndWrite(job: Omit<PieceJob, 'id'>): Promise<PieceAnswer> {
    const id = this.#nextId
    this.#nextId += 1
    const worker = (this.#workers[id % THREADS] ??= this.#start(id % THREADS))
    return new Promise<PieceAnswer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#queuedBytes += job.bytes.length
      worker.postMessage({ ...job, id } satisfies PieceJob)
    }).finally(() => {
      this.#queuedBytes -= job.bytes.length
    })
  }

  async close(): Promise<void> {
    const workers = this.#workers.splice(0, THREADS)
    for (const worker of workers) await worker?.terminate()
  }

  #start(lane: number): Worker {
    const worker = new Worker(workerUrl, { name: 'sower-pieces' })
    worker.unref()
    worker.on('message', (answer: PieceAnswer) => {
      this.#waiting.get(answer.id)?.resolve(answer)
      this.#waiting.delete(answer.id)
    })
    worker.on('error', (error: Error) => this.#fail(lane, error))
    worker.on('exit', () => this.#fail(lane, new Error('the piece thread ended')))
    return worker
  }

  #fail(lane: number, error: Error): void {
    this.#workers[lane] = undefined
    for (const [id, { reject }] of this.#waiting) {
      if (id % THREADS !== lane) continue
      this.#waiting.delete(id)
      reject(error)
    }
  }
}
