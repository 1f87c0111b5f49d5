import type { Db, Library, MediaFolder } from './library/index.ts'
import { KeptFolder } from './library/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { Network } from './network/index.ts'
import { Contacts, KeptKeys, KeptList } from './vault/index.ts'
import type { Vault } from './vault/index.ts'

interface KeptInit {
  readonly db: Db
  readonly folder: MediaFolder
  readonly vault: Vault
  readonly clock: Clock
}

/** What the wallet keeps for itself in the media folder: with both it comes back, whatever becomes of the database. */
export interface KeptParts {
  readonly contacts: Contacts
  readonly keptKeys: KeptKeys
  readonly places: Pick<ConstructorParameters<typeof KeptList>[0], 'db' | 'folder' | 'pair'>
}

export function keptParts({ db, folder, vault, clock }: KeptInit): KeptParts {
  const contacts = new Contacts({
    db,
    clock,
    owner: () => vault.owner(),
    ownKeys: () => vault.selfIfOpen(),
  })
  const places = { db, folder: new KeptFolder(folder), pair: () => vault.seaPair() }
  return { contacts, keptKeys: new KeptKeys(places), places }
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
  readonly network: Pick<Network, 'followed'>
  readonly library: Pick<Library, 'notify' | 'reopenSealed'>
  readonly clock: Clock
  readonly log: Log
}

/** Brings database and media folder to the same whenever one of them, or the wallet, has something new to say. @returns stops */
export function followKept({
  contacts,
  keptKeys,
  places,
  vault,
  folder,
  network: { followed },
  library,
  clock,
  log,
}: Followed): () => void {
  const contactsFile = new KeptList({ ...places, name: 'contacts', list: contacts, clock, log })
  const followedFile = new KeptList({ ...places, name: 'followed', list: followed, clock, log })
  const settleLists = (): void => {
    if (vault.selfIfOpen() === undefined) return
    const people = contactsFile.settle()
    if (people > 0) library.notify(contactsFound(people))
    const publishers = followedFile.settle()
    if (publishers > 0) library.notify(followedFound(publishers))
  }
  const settle = (): void => {
    if (vault.selfIfOpen() === undefined) return
    settleLists()
    keptKeys
      .moveAll()
      .then(() => keptKeys.lookThrough())
      .catch((error: unknown) => log.error('kept-keys.move-failed', { error }))
  }
  const offs = [
    contacts.onChange(settle),
    followed.onChange(settleLists),
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

function followedFound(count: number): Parameters<Library['notify']>[0] {
  const message =
    count === 1
      ? 'One publisher you follow came back from the media folder.'
      : `${count} publishers you follow came back from the media folder.`
  return { level: 'info', code: 'FOLLOWED_FOUND', message }
}
