import { randomUUID } from 'node:crypto'
import type { Notice } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'

export type NoticeInput = Omit<Notice, 'id' | 'atMs'>

/** Things the user should know once; kept until somebody listens, so that nothing said during a start is lost. */
export class Notices {
  readonly #clock: Clock
  readonly #listeners = new Set<(notice: Notice) => void>()
  #unheard: Notice[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(input: NoticeInput): void {
    const notice: Notice = { ...input, id: randomUUID(), atMs: this.#clock.nowMs() }
    if (this.#listeners.size === 0) this.#unheard.push(notice)
    for (const listener of this.#listeners) listener(notice)
  }

  /** @returns takes the listener off again */
  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener)
    const unheard = this.#unheard
    this.#unheard = []
    for (const notice of unheard) listener(notice)
    return () => this.#listeners.delete(listener)
  }
}

/** A name for things moved aside, sortable and legal everywhere: `2026-11-22T15-04-05.123Z`. */
export function timestampName(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(':', '-')
}
