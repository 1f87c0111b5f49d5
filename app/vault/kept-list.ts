import { createHash } from 'node:crypto'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import type { Db, KeptFolder } from '../library/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { SeaPair } from './envelope/sea.ts'
import { openOwn, sealForSelf, selfName } from './self-seal.ts'

/** Whoever is in them was put there by this wallet's user; what they are known by was checked then. */
const LISTS = {
  contacts: z.object({ name: z.string(), card: z.string(), addedAtMs: z.int().nonnegative() }),
  followed: z.object({
    pub: z.string(),
    owner: z.string().optional(),
    name: z.string().optional(),
    followedAtMs: z.int().nonnegative(),
  }),
}
type Lists = { [Name in keyof typeof LISTS]: z.output<(typeof LISTS)[Name]> }
export type KeptContact = Lists['contacts']

/** The list in the database. */
interface Kept<T> {
  /** All that is worth keeping, always in the same order. */
  kept(): T[]
  /** Takes back who is missing. @returns how many those were */
  bringBack(kept: readonly T[]): number
}

interface KeptListOptions<Name extends keyof Lists> {
  readonly name: Name
  readonly list: Kept<Lists[Name]>
  readonly db: Db
  readonly folder: KeptFolder
  /** The wallet's pair; throws the wallet's own error while it is locked. */
  readonly pair: () => SeaPair
  readonly clock: Clock
  readonly log: Log
}

/**
 * A list of people once more, sealed for the wallet in the media folder: with it and the wallet they come back, whatever becomes of
 * the database. It is the database that is asked.
 */
export class KeptList<Name extends keyof Lists> {
  readonly #options: KeptListOptions<Name>
  #isSettling = false

  constructor(options: KeptListOptions<Name>) {
    this.#options = options
  }

  /**
   * Takes in who is in a file that this database did not write, and writes down who is in the list now. Does nothing while the
   * wallet is locked or the media folder is away; to be called again when that changes, and when the list does.
   * @returns how many came back
   */
  settle(): number {
    if (this.#isSettling) return 0
    this.#isSettling = true
    try {
      return this.#settle()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.#options.log.info('list.not-kept', { name: this.#options.name, code: error.code })
      return 0
    } finally {
      this.#isSettling = false
    }
  }

  #settle(): number {
    const { name, list, db, folder, pair } = this.#options
    const wallet = selfName(pair())
    const text = folder.read(wallet, name)
    const held = text === undefined ? [] : this.#open(wallet, text)
    const isSeen = text !== undefined && digestOf(text) === db.getMeta(this.#seen)
    const cameBack = isSeen ? 0 : list.bringBack(held)
    const now = list.kept()
    if (JSON.stringify(now) === JSON.stringify(held)) {
      if (text !== undefined) this.#saw(text)
      return cameBack
    }
    const sealed = sealForSelf(pair(), `sower-kept-${name}`, { [name]: now })
    folder.write(wallet, name, sealed)
    this.#saw(sealed)
    return cameBack
  }

  #open(wallet: string, text: string): Lists[Name][] {
    const { name, folder, clock, log, pair } = this.#options
    const content = z
      .object({ [name]: z.array(LISTS[name]) })
      .safeParse(openOwn(pair(), `sower-kept-${name}`, text))
    // By its schema; the compiler does not follow a name that may be any of them.
    if (content.success) return content.data[name] as Lists[Name][]
    log.error('list.damaged', { name, movedTo: folder.moveAside(wallet, name, clock.nowMs()) })
    return []
  }

  /** In `meta`: the sha256 of the file as this database last saw it. Another one has something to say to it. */
  get #seen(): string {
    return `${this.#options.name}_file`
  }

  #saw(text: string): void {
    const { db } = this.#options
    const digest = digestOf(text)
    if (db.getMeta(this.#seen) !== digest) db.setMeta(this.#seen, digest)
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
