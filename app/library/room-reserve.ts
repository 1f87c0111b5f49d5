import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

/** More than the database's log grows by before what is in it goes into the database (1,000 pages). */
const RESERVE_BYTES = 5 * 1024 * 1024
/** With less than this free, nobody else is to miss it. */
const PLENTY_BYTES = 64 * 1024 * 1024

/** Room on the data folder's drive for what makes room: a file that is given up when everything else is full. */
export class RoomReserve {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Sets it aside unless it is there, where there is plenty. What keeps it from that is no reason to stop. */
  keep(): void {
    try {
      if (fs.statSync(this.#file, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return
      const { bavail, bsize } = fs.statfsSync(path.dirname(this.#file))
      if (bavail * bsize < PLENTY_BYTES) return
      // Neither sparse nor compressible: the room must be taken.
      fs.writeFileSync(this.#file, randomBytes(RESERVE_BYTES), { mode: 0o600, flush: true })
    } catch {
      this.giveUp()
    }
  }

  /** @returns whether there was anything to give up */
  giveUp(): boolean {
    try {
      fs.rmSync(this.#file)
      return true
    } catch {
      return false
    }
  }
}
