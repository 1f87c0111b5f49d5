import type { SettingsStore } from './config.ts'
import type { OpenPlain } from './engine-plain.ts'
import { webSources } from './engine-view.ts'
import type { HashPool } from './ingest/index.ts'
import type { Db, Library, MediaFolder, TransferStore } from './library/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import { buildMetainfo, magnetURI } from './seeding/index.ts'
import { Rekeys, Revocations, SaveCopies, Sharing } from './sharing/index.ts'
import type { Contacts, FileKeys, LitScheme, Vault } from './vault/index.ts'

interface SharingInit {
  readonly db: Db
  readonly library: Library
  readonly transfers: TransferStore
  readonly folder: MediaFolder
  readonly pool: HashPool
  readonly vault: Vault
  readonly contacts: Contacts
  readonly fileKeys: FileKeys
  readonly lit: LitScheme
  readonly openPlain: OpenPlain
  readonly settings: SettingsStore
  /** Seeds or stops seeding an item as its row now says. */
  readonly settle: (mediaId: string) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** What has to do with who can read an item. */
export interface SharingParts {
  readonly sharing: Sharing
  readonly rekeys: Rekeys
  readonly saves: SaveCopies
  readonly revocations: Revocations
  /** Ends what was tied together. */
  readonly untie: () => void
}

/** Before anything is seeded: what was withdrawn is not. */
export async function prepareSharing({ revocations, rekeys }: SharingParts): Promise<void> {
  await revocations.start()
  rekeys.recover()
}

/** Goes on with what a former run had not finished. */
export function startSharing({ rekeys, saves }: SharingParts): void {
  saves.start()
  rekeys.jobs.start()
}

/** Ends what runs; it goes on at the next start. */
export async function stopSharing({ rekeys, saves, revocations, untie }: SharingParts): Promise<void> {
  untie()
  await Promise.all([rekeys.jobs.stop(), saves.jobs.stop()])
  revocations.stop()
}

/** Makes the parts of sharing and ties them to the others; nothing runs yet. */
export function sharingParts(init: SharingInit): SharingParts {
  const { db, library, transfers, folder, vault, contacts, fileKeys, lit, openPlain, settings, log } = init
  const whenUnlocked = (signal: AbortSignal): Promise<void> => waitForWallet(vault, signal)
  const revocations = new Revocations({ db, library, folder, log })
  const rekeys = new Rekeys({
    library,
    transfers,
    folder,
    pool: init.pool,
    describer: {
      buildMetainfo,
      magnetURI,
      trackers: () => settings.get().trackers,
      webSeeds: (mediaId) => webSources(settings.get(), mediaId),
      signer: () => vault.signer(),
      publicUrl: () => settings.get().publicUrl,
    },
    fileKeys,
    lit,
    contacts,
    revocations,
    self: () => vault.self(),
    whenUnlocked,
    openPlain,
    reserveBytes: () => settings.get().reserveBytes,
    settle: init.settle,
    clock: init.clock,
    log,
  })
  const saves = new SaveCopies({ library, transfers, folder, fileKeys, whenUnlocked, openPlain, log })
  const sharing = new Sharing({
    library,
    fileKeys,
    contacts,
    lit,
    signer: () => vault.signer(),
    requireSettled: (mediaId) => rekeys.requireSettled(mediaId),
  })
  const untie = transfers.onChange(({ changed }) => {
    for (const id of changed) {
      const { kind, state, mediaId, isDuplicate } = transfers.get(id) ?? {}
      if (kind !== 'get' || state !== 'done' || mediaId === undefined || isDuplicate === true) continue
      revocations
        .learnFrom(mediaId)
        .catch((error: unknown) => log.warn('revocations.learn-failed', { mediaId, error }))
    }
  })
  return { sharing, rekeys, saves, revocations, untie }
}

/** A wallet that is locked is waited for; what else is wrong with one is found out, and said, when it is used. */
async function waitForWallet(vault: Vault, signal: AbortSignal): Promise<void> {
  while (vault.status().state === 'locked') {
    signal.throwIfAborted()
    await new Promise<void>((resolve) => {
      const end = (): void => {
        off()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const off = vault.onChange(end)
      signal.addEventListener('abort', end, { once: true })
    })
  }
  signal.throwIfAborted()
}
