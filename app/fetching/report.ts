import type { Transfer } from '../contract/index.ts'
import type { TransferRows } from './ports.ts'
import type { SourceBoard } from './source-board.ts'

type Patch = { readonly [K in keyof Transfer]?: Transfer[K] | undefined }

/** Tells the user how one download is getting on: its row in the list of transfers. */
export class Report {
  readonly board: SourceBoard
  readonly #transfers: TransferRows
  readonly #id: string
  #from = { bytes: 0, atMs: performance.now() }
  #rateBytesPerSec = 0

  constructor(transfers: TransferRows, id: string, board: SourceBoard) {
    this.#transfers = transfers
    this.#id = id
    this.board = board
  }

  say(patch: Patch): void {
    this.#transfers.update(this.#id, patch)
  }

  sources(): void {
    this.say({ sources: this.board.view() })
  }

  progress(bytesDone: number, rateBytesPerSec: number): void {
    const bytesTotal = this.#transfers.get(this.#id)?.bytesTotal
    const left = bytesTotal === undefined ? undefined : Math.max(0, bytesTotal - bytesDone)
    this.say({
      bytesDone,
      rateBytesPerSec: Math.round(rateBytesPerSec),
      etaMs:
        left === undefined || rateBytesPerSec < 1 ? undefined : Math.ceil((left * 1000) / rateBytesPerSec),
      sources: this.board.view(),
    })
  }

  /**
   * Progress of bytes nobody else measures the rate of, a few times a second.
   * @param beforehand what the sources are told to be is brought up to date
   */
  paced(bytesDone: number, totalBytes: number, beforehand: () => void): void {
    const nowMs = performance.now()
    const elapsedMs = nowMs - this.#from.atMs
    if (elapsedMs < 250 && bytesDone !== totalBytes) return
    const gained = bytesDone - this.#from.bytes
    if (this.#from.bytes > 0 && elapsedMs > 0)
      this.#rateBytesPerSec = Math.max(0, (gained * 1000) / elapsedMs)
    this.#from = { bytes: bytesDone, atMs: nowMs }
    this.say({ bytesTotal: totalBytes })
    beforehand()
    this.progress(bytesDone, this.#rateBytesPerSec)
  }

  /** Every byte is there. */
  whole(sizeBytes: number, patch: Patch = {}): void {
    this.say({ ...patch, bytesDone: sizeBytes, bytesTotal: sizeBytes, rateBytesPerSec: 0, etaMs: undefined })
  }
}
