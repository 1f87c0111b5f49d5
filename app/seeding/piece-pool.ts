import { Worker } from 'node:worker_threads'

/** One piece to check and write. Its bytes own their buffer, which travels there and back. */
export interface PieceJob {
  readonly id: number
  readonly bytes: Uint8Array<ArrayBuffer>
  /** 40 lowercase hex. */
  readonly sha1: string
  readonly fd: number
  /** Byte position in the file. */
  readonly position: number
}

export interface PieceAnswer {
  readonly id: number
  readonly bytes: Uint8Array<ArrayBuffer>
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

/** A thread that hashes and writes pieces, so that the network never waits for either. Made when the first piece comes. */
export class PiecePool {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #nextId = 1

  /** @returns the bytes again, in a new array: the given one is empty from the call on */
  verifyAndWrite(job: Omit<PieceJob, 'id'>): Promise<PieceAnswer> {
    const worker = (this.#worker ??= this.#start())
    const id = this.#nextId
    this.#nextId += 1
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      worker.postMessage({ ...job, id } satisfies PieceJob, [job.bytes.buffer])
    })
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(workerUrl, { name: 'sower-pieces' })
    worker.unref()
    worker.on('message', (answer: PieceAnswer) => {
      this.#waiting.get(answer.id)?.resolve(answer)
      this.#waiting.delete(answer.id)
    })
    worker.on('error', (error: Error) => this.#fail(error))
    worker.on('exit', () => this.#fail(new Error('the piece thread ended')))
    return worker
  }

  #fail(error: Error): void {
    this.#worker = null
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
