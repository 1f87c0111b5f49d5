import { AppError } from '../contract/index.ts'
import type { FromGun } from './gun-protocol.ts'

interface Open {
  readonly resolve: (answer: FromGun) => void
  readonly reject: (error: AppError) => void
  readonly timer: NodeJS.Timeout
}

/** GUN's process answers every question in the time it is given: one that is so much later has stopped. */
const LATE_MS = 2_000

/** Questions to GUN's process that are still open. Each ends: with an answer, with its time, or with the process. */
export class Questions {
  readonly #open = new Map<number, Open>()
  #nextId = 1

  /**
   * @param send sends it, with the id its answer names
   * @throws {AppError} `UNAVAILABLE` when it ends without an answer
   */
  ask(timeoutMs: number, send: (id: number) => void): Promise<FromGun> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.failed(id), timeoutMs + LATE_MS)
      this.#open.set(id, { resolve, reject, timer })
      send(id)
    })
  }

  answered(id: number, answer: FromGun): void {
    this.#take(id)?.resolve(answer)
  }

  failed(id: number): void {
    this.#take(id)?.reject(away())
  }

  failAll(): void {
    for (const id of this.#open.keys()) this.failed(id)
  }

  #take(id: number): Open | undefined {
    const open = this.#open.get(id)
    clearTimeout(open?.timer)
    this.#open.delete(id)
    return open
  }
}

/** `UNAVAILABLE`: the process that GUN runs in has ended and is started again. */
export function away(): AppError {
  return new AppError(
    'UNAVAILABLE',
    'The part of Sower that talks to relays is starting again. Your media are safe.',
    {
      hint: 'Nothing needs to be done: it goes on by itself.',
    },
  )
}
