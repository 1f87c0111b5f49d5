import { createHash } from 'node:crypto'
import { z } from 'zod'
import { AppError } from '../../contract/index.ts'
import type { Db, KeptFolder } from '../../library/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { SeaPair } from '../envelope/sea.ts'
import { openOwn, sealForSelf, selfName } from '../self-seal.ts'
import type { Contacts } from './contacts.ts'

/** Who is in it was added by this wallet's user, and their cards were checked then. */
const Kept = z.object({
  contacts: z.array(z.object({ name: z.string(), card: z.string(), addedAtMs: z.int().nonnegative() })),
})
export type KeptContact = z.output<typeof Kept>['contacts'][number]

interface ContactsFileOptions {
  readonly contacts: Pick<Contacts, 'kept' | 'bringBack'>
  readonly db: Db
  readonly folder: KeptFolder
  /** The wallet's pair; throws the wallet's own error while it is locked. */
  readonly pair: () => SeaPair
  readonly clock: Clock
  readonly log: Log
}

const NAME = 'contacts'
/** In `meta`: the sha256 of the file as this database last saw it. Another one has something to say to it. */
const SEEN = 'contacts_file'

/**
 * The contacts once more, sealed for the wallet in the media folder: with it and the wallet they come back, whatever becomes of
 * the database. It is the database that is asked.
 */
export class ContactsFile {
  readonly #options: ContactsFileOptions
  #isSettling = false

  constructor(options: ContactsFileOptions) {
    this.#options = options
  }

  /**
   * Takes in who is in a file that this database did not write, and writes down who is a contact now. Does nothing while the
   * wallet is locked or the media folder is away; to be called again when that changes, and when the contacts do.
   * @returns how many contacts came back
   */
  settle(): number {
    if (this.#isSettling) return 0
    this.#isSettling = true
    try {
      return this.#settle()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.#options.log.info('contacts.not-kept', { code: error.code })
      return 0
    } finally {
      this.#isSettling = false
    }
  }

  #settle(): number {
    const { contacts, db, folder, pair } = this.#options
    const wallet = selfName(pair())
    const text = folder.read(wallet, NAME)
    const held = text === undefined ? [] : this.#open(wallet, text)
    const cameBack = text !== undefined && digestOf(text) === db.getMeta(SEEN) ? 0 : contacts.bringBack(held)
    const now = contacts.kept()
    if (JSON.stringify(now) === JSON.stringify(held)) {
      if (text !== undefined) this.#saw(text)
      return cameBack
    }
    const sealed = sealForSelf(pair(), 'sower-kept-contacts', { contacts: now })
    folder.write(wallet, NAME, sealed)
    this.#saw(sealed)
    return cameBack
  }

  #open(wallet: string, text: string): KeptContact[] {
    const { folder, clock, log, pair } = this.#options
    const kept = Kept.safeParse(openOwn(pair(), 'sower-kept-contacts', text))
    if (kept.success) return kept.data.contacts
    log.error('contacts.damaged', { movedTo: folder.moveAside(wallet, NAME, clock.nowMs()) })
    return []
  }

  #saw(text: string): void {
    const { db } = this.#options
    const digest = digestOf(text)
    if (db.getMeta(SEEN) !== digest) db.setMeta(SEEN, digest)
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
