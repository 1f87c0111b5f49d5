import { moveAside } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import { FilePlace } from './places.ts'
import type { SecretPlace } from './places.ts'
import { readRecord, recordPath, writeRecord } from './record.ts'
import type { PlacedWallet, WalletPlace, WalletRecord, WalletStorage } from './record.ts'
import type { WalletSecret } from './secret.ts'
import { placedIn, placeOf, recordWallet } from './wallet-places.ts'
import type { WalletPlaces } from './wallet-places.ts'

/** The copy of a wallet that was opened, for as long as another is taking its place. */
const OLD = 'old'

interface StoreOptions {
  readonly owner: string
  readonly isBackedUp: boolean
  /** Why the keychain is out of the question, when that is known already. */
  readonly keychainError?: AppError | undefined
  /** The wallet whose place it takes. `isReady`: it is open and may go; else what is left of it is kept for ever. */
  readonly replaced?: { readonly record: WalletRecord; readonly isReady: boolean } | undefined
}

/**
 * Stores a wallet in the best place there is and makes it this node's. A wallet that is open stays where wallets were kept;
 * else: the keychain, a file under a passphrase, and where there is no keychain at all a file under a key file. Whatever
 * happens in between, this node opens either the old wallet or the new one, and no secret is lost.
 * @param secret left untouched
 * @throws {AppError} `KEYCHAIN_*`, `DISK_FULL`, `UNAVAILABLE`, `BAD_REQUEST` (the passphrase file); nothing was changed then
 */
export async function storeSecret(
  places: WalletPlaces,
  secret: WalletSecret,
  options: StoreOptions,
): Promise<WalletStorage> {
  const { replaced } = options
  // A key file is the last resort: something better is looked for again.
  if (replaced?.isReady === true && replaced.record.storage !== 'keyfile')
    return storeIn(places, replaced.record.storage, secret, options)
  let refusal = options.keychainError
  if (refusal === undefined) {
    try {
      return await storeIn(places, 'keychain', secret, options)
    } catch (error) {
      if (!(error instanceof AppError && error.code.startsWith('KEYCHAIN_'))) throw error
      refusal = error
    }
  }
  const passphrase = await places.passphrase.ask('create')
  if (passphrase === null && !isKeyFileAllowed(places, refusal)) throw refusal
  return storeIn(places, passphrase === null ? 'keyfile' : 'passphrase', secret, options)
}

/**
 * Without any keychain a first start must still be able to sign. One that exists but is locked is waited for; one that never
 * answers a headless node has nobody in front of it to ask.
 */
function isKeyFileAllowed({ mode }: WalletPlaces, keychainError: AppError): boolean {
  if (keychainError.code === 'KEYCHAIN_ABSENT') return true
  return mode === 'headless' && keychainError.details?.['reason'] === 'timeout'
}

async function storeIn(
  places: WalletPlaces,
  storage: WalletStorage,
  secret: WalletSecret,
  { owner, isBackedUp, replaced }: StoreOptions,
): Promise<WalletStorage> {
  const { dataDir, clock, log } = places
  const placed = placedIn(places, { storage, owner, isBackedUp })
  const place = placeOf(places, placed)
  const isOldHere = replaced?.isReady === true && isSamePlace(places, replaced.record, placed)
  const aside = isOldHere ? OLD : `kept-${new Date(clock.nowMs()).toISOString().replaceAll(/[:.]/g, '-')}`
  try {
    const isKept = await keepAside(place, aside)
    if (replaced !== undefined) {
      const { next: _finished, ...record } = replaced.record
      writeRecord(dataDir, {
        ...record,
        next: {
          ...placed,
          ...(isKept ? { aside } : {}),
          ...(replaced.isReady ? { isOldToGo: true } : {}),
        },
      })
    }
    try {
      await place.write(secret)
    } catch (error) {
      await (isKept ? place.bringBack(aside) : place.clear())
      if (replaced !== undefined) recordWallet(places, replaced.record, replaced.record.old)
      if (isKept) await place.forgetAside(aside)
      throw error
    }
    if (isKept && !isOldHere) log.warn('wallet.kept-aside', { storage, name: aside })
    if (readRecord(dataDir) === 'damaged') moveAside(recordPath(dataDir), clock.nowMs())
    recordWallet(places, placed, replaced?.isReady === true ? replaced.record : undefined)
  } catch (error) {
    throw toStoreError(error)
  }
  if (replaced?.isReady === true) await removeOld(places, replaced.record, placed)
  return storage
}

/** A copy that could not be made whole is no use to anybody. */
async function keepAside(place: SecretPlace, name: string): Promise<boolean> {
  try {
    return await place.keepAside(name)
  } catch (error) {
    await place.forgetAside(name).catch(() => undefined)
    throw error
  }
}

/**
 * Removes what is left of the wallet before, and then the note of it. The one of now is known to open; that the other could not
 * be removed is no reason to fail: the next start tries again.
 */
export async function removeOld(places: WalletPlaces, old: WalletPlace, placed: PlacedWallet): Promise<void> {
  try {
    const place = placeOf(places, old)
    if (isSamePlace(places, old, placed)) await place.forgetAside(OLD)
    else await place.clear()
    if (old.storage === 'keyfile' && placed.storage !== 'keyfile' && place instanceof FilePlace)
      place.clearKeyFile()
    recordWallet(places, placed)
  } catch (error) {
    places.log.warn('wallet.old-not-removed', { error })
  }
}

function isSamePlace(places: WalletPlaces, one: WalletPlace, other: WalletPlace): boolean {
  if (one.storage !== 'keychain' || other.storage !== 'keychain')
    return one.storage !== 'keychain' && other.storage !== 'keychain'
  return (one.account ?? places.account) === (other.account ?? places.account)
}

/** What the disk refuses, as a sentence; a bug stays a bug. */
function toStoreError(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error
  const code: unknown = 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('DISK_FULL', 'The disk of the data folder is full, so the wallet was not changed.', {
      hint: 'Free some space, then try again.',
      cause: error,
    })
  }
  if (typeof code !== 'string') return error
  return new AppError(
    'UNAVAILABLE',
    `The data folder can’t be written to (${code}), so the wallet was not changed.`,
    {
      hint: 'Check who may write there, then try again.',
      cause: error,
    },
  )
}
