import type { Db, Library, MediaFolder } from './library/index.ts'
import { KeptFolder } from './library/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import { Contacts, ContactsFile, KeptKeys } from './vault/index.ts'
import type { Vault } from './vault/index.ts'

interface KeptInit {
  readonly db: Db
  readonly folder: MediaFolder
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Log
}

/** What the wallet keeps for itself in the media folder: with both it comes back, whatever becomes of the database. */
export interface KeptParts {
  readonly contacts: Contacts
  readonly contactsFile: ContactsFile
  readonly keptKeys: KeptKeys
}

export function keptParts({ db, folder, vault, clock, log }: KeptInit): KeptParts {
  const contacts = new Contacts({
    db,
    clock,
    owner: () => vault.owner(),
    ownKeys: () => vault.selfIfOpen(),
  })
  const own = { db, folder: new KeptFolder(folder), pair: () => vault.seaPair() }
  return {
    contacts,
    contactsFile: new ContactsFile({ contacts, ...own, clock, log: log.child('contacts') }),
    keptKeys: new KeptKeys(own),
  }
}

interface Ending {
  readonly keptKeys: KeptKeys
  readonly library: Pick<Library, 'reopenSealed'>
  readonly clock: Clock
  readonly log: Log
  /** @defaultValue half a minute */
  readonly everyMs?: number
}

/** Looks again at items whose keys have ended, though nobody wants to read them. @returns stops */
export function endKeys({ keptKeys, library, clock, log, everyMs = 30_000 }: Ending): () => void {
  const timer = setInterval(() => {
    const ended = keptKeys.takeEnded(clock.nowMs())
    if (ended.length === 0) return
    library.reopenSealed(ended).catch((error: unknown) => log.error('kept-keys.end-failed', { error }))
  }, everyMs).unref()
  return () => clearInterval(timer)
}

interface Followed extends KeptParts {
  readonly vault: Pick<Vault, 'selfIfOpen' | 'onChange'>
  readonly folder: Pick<MediaFolder, 'onState'>
  readonly library: Pick<Library, 'notify' | 'reopenSealed'>
  readonly clock: Clock
  readonly log: Log
}

/** Brings database and media folder to the same whenever one of them, or the wallet, has something new to say. @returns stops */
export function followKept({
  contacts,
  contactsFile,
  keptKeys,
  vault,
  folder,
  library,
  clock,
  log,
}: Followed): () => void {
  const settle = (): void => {
    if (vault.selfIfOpen() === undefined) return
    const cameBack = contactsFile.settle()
    if (cameBack > 0) library.notify(contactsFound(cameBack))
    keptKeys
      .moveAll()
      .then(() => keptKeys.lookThrough())
      .catch((error: unknown) => log.error('kept-keys.move-failed', { error }))
  }
  const offs = [
    contacts.onChange(settle),
    vault.onChange(settle),
    folder.onState(settle),
    endKeys({ keptKeys, library, clock, log }),
  ]
  settle()
  return () => {
    for (const off of offs) off()
  }
}

function contactsFound(count: number): Parameters<Library['notify']>[0] {
  const message =
    count === 1
      ? 'One contact came back from the media folder.'
      : `${count} contacts came back from the media folder.`
  return { level: 'info', code: 'CONTACTS_FOUND', message }
}
