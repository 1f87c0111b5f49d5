import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { GunNode, GunValue } from './graph.ts'
import { DamagedStore, GunStore, type DiskQuery, type DiskValue } from './gun-store.ts'

export interface GunDiskOptions {
  /** Made when it is not there. */
  readonly dir: string
  /** What others wrote goes beyond this, the oldest first. */
  readonly maxBytes: number
  /** With less than this free on the drive, nothing of others is kept. */
  readonly reserveBytes: () => number
  /** Told of every change. */
  readonly onState: (state: DiskState) => void
}

export interface DiskState {
  /** What is written is kept. Otherwise the drive is full, or can't be written: GUN goes on in memory. */
  readonly isKeeping: boolean
  /** Nothing is left of what was kept before: what is our own has to be written again. */
  readonly isNew: boolean
}

interface Waiting extends DiskValue {
  readonly done: () => void
}

/** Writes of so long are one transaction: GUN writes every value of a node on its own. */
const FLUSH_MS = 30
const FLUSH_CHARS = 512 * 1024
/** How long what is known of the drive's free space holds. */
const SPACE_MS = 3_000
const IN_MEMORY_BYTES = 16 * 1024 * 1024
/** A file that was damaged more often in one run lies on a drive that is not to be trusted with another one. */
const MAX_DAMAGED = 3
const FILE = 'graph.db'

/**
 * GUN's graph on the disk: one row a value. GUN's own radisk keeps 1 MiB files of neighbouring keys, and ids that are hashes have no
 * neighbours: every batch of writes would read, hold in memory and rewrite all of them. Nothing here is worth a sync to the disk:
 * what matters in it is published, or read, again. So it goes on whatever is wrong with the drive: without what was there, or in
 * memory.
 */
export class GunDisk {
  readonly #options: GunDiskOptions
  readonly #waiting: Waiting[] = []
  #waitingChars = 0
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #isInMemory = false
  #damaged = 0
  #store: GunStore
  #isKeeping: boolean
  #isLow = false
  #spaceAtMs = -Infinity
  #refused = 0

  constructor(options: GunDiskOptions) {
    this.#options = options
    this.#store = this.#open()
    this.#isKeeping = !this.#isInMemory
    options.onState({ isKeeping: this.#isKeeping, isNew: this.#store.isNew })
  }

  /** Whether what was written last is kept. */
  get isKeeping(): boolean {
    return this.#isKeeping
  }

  /** Values of others that there was no room for. */
  get refused(): number {
    return this.#refused
  }

  /**
   * Keeps a value, soon.
   * @param done told when it is kept; of an own value also when it could not be, as GUN has it in memory; never before this returns
   */
  put(value: DiskValue, done: () => void): void {
    this.#waiting.push({ ...value, done })
    this.#waitingChars += typeof value.value === 'string' ? value.value.length : 0
    if (this.#waitingChars > FLUSH_CHARS) this.#immediate ??= setImmediate(() => this.flush())
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS)
  }

  /** Nodes with what was asked for of them, no more than the limit; none when there is nothing, or nothing that can be read. */
  get(query: DiskQuery): Record<string, GunNode> | undefined {
    return this.#with((store) => store.get(query))
  }

  /** Takes those values of a node away. Reads them all: for what happens rarely. What it can't, it is asked for again when it keeps. */
  remove(soul: string, isUnwanted: (value: GunValue) => boolean): void {
    const isDone = this.#with((store) => {
      store.remove(soul, isUnwanted)
      return true
    })
    if (isDone !== true) this.#tell({ isKeeping: false, isNew: false })
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
    this.#waitingChars = 0
    const batch = this.#waiting.splice(0)
    if (batch.length === 0) return
    const wanted = this.#isSpaceLow() ? batch.filter(({ isOwn }) => isOwn) : batch
    this.#refused += batch.length - wanted.length
    const isWritten = wanted.length === 0 || this.#write(wanted)
    for (const { isOwn, done } of wanted) if (isWritten || isOwn) done()
  }

  /** Once in a while: what could only be kept in memory goes to the disk again when it can. */
  tidy(): void {
    if (!this.#isInMemory || this.#damaged > MAX_DAMAGED) return
    let store
    try {
      store = openFile(this.#options)
    } catch {
      return // as before
    }
    this.#store.close()
    this.#store = store
    this.#isInMemory = false
    this.#tell({ isKeeping: true, isNew: true })
  }

  close(): void {
    this.flush()
    this.#store.close()
  }

  #with<T>(work: (store: GunStore) => T): T | undefined {
    this.flush()
    try {
      return work(this.#store)
    } catch (error) {
      if (isDamage(error)) this.#beginAnew()
      return undefined
    }
  }

  #write(values: readonly Waiting[]): boolean {
    for (let isAgain = false; ; isAgain = true) {
      try {
        this.#store.put(values)
        this.#tell({ isKeeping: !this.#isInMemory, isNew: false })
        return true
      } catch (error) {
        if (isAgain || !isDamage(error)) {
          this.#tell({ isKeeping: false, isNew: false })
          return false
        }
        this.#beginAnew()
      }
    }
  }

  #open(): GunStore {
    try {
      this.#isInMemory = false
      if (this.#damaged <= MAX_DAMAGED) return openFile(this.#options)
    } catch {
      // Full, not to be written, or not there.
    }
    this.#isInMemory = true
    return new GunStore(':memory:', IN_MEMORY_BYTES)
  }

  #beginAnew(): void {
    this.#damaged += 1
    this.#store.close()
    remove(this.#options.dir)
    this.#store = this.#open()
    this.#tell({ isKeeping: !this.#isInMemory, isNew: true })
  }

  #tell(state: DiskState): void {
    if (state.isKeeping === this.#isKeeping && !state.isNew) return
    this.#isKeeping = state.isKeeping
    this.#options.onState(state)
  }

  #isSpaceLow(): boolean {
    const { dir, reserveBytes } = this.#options
    const nowMs = performance.now()
    if (nowMs - this.#spaceAtMs > SPACE_MS) {
      this.#spaceAtMs = nowMs
      const space = statfsOf(dir)
      this.#isLow = space !== undefined && space < reserveBytes()
    }
    return this.#isLow && !this.#isInMemory
  }
}

function openFile({ dir, maxBytes }: GunDiskOptions): GunStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  try {
    return new GunStore(join(dir, FILE), maxBytes)
  } catch (error) {
    if (!isDamage(error)) throw error
    remove(dir)
    return new GunStore(join(dir, FILE), maxBytes)
  }
}

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedStore) return true
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
}

/** The log first: read into another file it would do damage. */
function remove(dir: string): void {
  for (const suffix of ['-wal', '-shm', '']) {
    try {
      rmSync(join(dir, FILE + suffix), { force: true })
    } catch {
      return // it can't be: whoever opens it finds out
    }
  }
}

/** Bytes free for this user on the drive of a folder. */
function statfsOf(dir: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(dir)
    return bavail * bsize
  } catch {
    return undefined
  }
}
