import { moveAside } from '../atomic-file.ts'
import { AppError, isErrorCode } from '../contract/index.ts'
import type { WalletStatus } from '../contract/index.ts'
import { sealedBy } from './places.ts'
import { readRecord, recordPath } from './record.ts'
import type { PlacedWallet, WalletRecord, WalletStorage } from './record.ts'
import { newEntropy, wipeSecret } from './secret.ts'
import type { WalletSecret } from './secret.ts'
import { placedIn, placeOf, recordWallet } from './wallet-places.ts'
import type { WalletPlaces } from './wallet-places.ts'
import { removeOld, storeSecret } from './wallet-storing.ts'
import { deriveKeys } from './wallet.ts'
import type { WalletKeys } from './wallet.ts'

/** How opening went: the keys, or the reason in a form for the status and one to throw. */
export type OpenedWallet =
  | { readonly keys: WalletKeys; readonly storage: WalletStorage; readonly isBackedUp: boolean }
  | {
      readonly keys: undefined
      readonly storage: WalletStorage
      readonly owner: string | undefined
      readonly isBackedUp: boolean
      readonly error: AppError
    }

/**
 * Opens the wallet where it was made; makes one only where there never was one. A wallet that should be there and isn't,
 * or that is another's, is reported and nothing is written. What an interrupted change left is finished or undone.
 * @throws {AppError} `BAD_REQUEST` when a first start is told of a passphrase file it can't use
 */
export async function openWallet(places: WalletPlaces): Promise<OpenedWallet> {
  const record = readRecord(places.dataDir)
  if (record !== undefined && record !== 'damaged') return openRecorded(places, record)
  const found = await findUnrecorded(places)
  if (found.opened !== undefined) {
    if (record === 'damaged' && found.opened.keys !== undefined) replaceRecord(places, found.opened)
    return found.opened
  }
  if (record === 'damaged') return unusable('keychain', found.keychainError ?? recordDamaged())
  return makeFirstWallet(places, found.keychainError)
}

async function openRecorded(places: WalletPlaces, record: WalletRecord): Promise<OpenedWallet> {
  if (record.next !== undefined) return settleChange(places, record, record.next)
  const place = placeOf(places, record)
  const opened = await openPlaced(() => place.read(), record)
  if (opened.keys !== undefined && record.old !== undefined) await removeOld(places, record.old, record)
  return opened
}

async function openPlaced(
  read: () => Promise<WalletSecret | undefined>,
  wallet: PlacedWallet,
): Promise<OpenedWallet> {
  const { storage } = wallet
  try {
    const secret = await read()
    if (secret === undefined) return unusable(storage, missing(storage), wallet)
    const keys = await deriveAndWipe(secret)
    if (keys.publicKey === wallet.owner) return { keys, storage, isBackedUp: wallet.isBackedUp === true }
    keys.privateKey.fill(0)
    return unusable(storage, another(storage), wallet)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return unusable(storage, error, wallet)
  }
}

/** The change that was being made when the engine died: the new wallet if it is there, else the old one. */
async function settleChange(
  places: WalletPlaces,
  record: WalletRecord,
  next: NonNullable<WalletRecord['next']>,
): Promise<OpenedWallet> {
  const { aside, isOldToGo, ...placed } = next
  const place = placeOf(places, placed)
  const isThere = await openPlaced(() => place.read(), placed)
  if (isThere.keys !== undefined) {
    recordWallet(places, placed, isOldToGo === true ? record : undefined)
    if (isOldToGo === true) await removeOld(places, record, placed)
    places.log.warn('wallet.change-finished', { owner: placed.owner })
    return isThere
  }
  const before = placeOf(places, record)
  const old = await openPlaced(() => before.read(), record)
  if (old.keys !== undefined) return undone(places, record, old)
  if (aside === undefined) return old
  const kept = await openPlaced(() => place.readAside(aside), record)
  if (kept.keys === undefined) return old
  await place.bringBack(aside)
  return undone(places, record, kept)
}

function undone(places: WalletPlaces, record: WalletRecord, opened: OpenedWallet): OpenedWallet {
  recordWallet(places, record, record.old)
  places.log.warn('wallet.change-undone', { owner: record.owner })
  return opened
}

interface Search {
  readonly opened?: OpenedWallet
  /** Why the keychain could not be searched. */
  readonly keychainError?: AppError
}

/** What a start that was interrupted between storing the wallet and recording it left behind. */
async function findUnrecorded(places: WalletPlaces): Promise<Search> {
  let storage: WalletStorage = 'keychain'
  try {
    storage = sealedBy(places.dataDir) ?? 'keychain'
    const secret = await placeOf(places, { storage }).read()
    if (secret === undefined) return {}
    const keys = await deriveAndWipe(secret)
    const isBackedUp = false
    if (readRecord(places.dataDir) === undefined)
      recordWallet(places, placedIn(places, { storage, owner: keys.publicKey, isBackedUp }))
    return { opened: { keys, storage, isBackedUp } }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (storage === 'keychain' && error.code.startsWith('KEYCHAIN_')) return { keychainError: error }
    return { opened: unusable(storage, error) }
  }
}

/** @param keychainError why the keychain is out of the question; undefined when it answers */
async function makeFirstWallet(
  places: WalletPlaces,
  keychainError: AppError | undefined,
): Promise<OpenedWallet> {
  const secret = { entropy: newEntropy() }
  try {
    const keys = await deriveKeys(secret)
    try {
      const storage = await storeSecret(places, secret, {
        owner: keys.publicKey,
        isBackedUp: false,
        keychainError,
      })
      places.log.info('wallet.created', { storage, owner: keys.publicKey })
      return { keys, storage, isBackedUp: false }
    } catch (error) {
      keys.privateKey.fill(0)
      if (error instanceof AppError && error.code.startsWith('KEYCHAIN_')) return unusable('keychain', error)
      throw error
    }
  } finally {
    wipeSecret(secret)
  }
}

function replaceRecord(
  places: WalletPlaces,
  { keys, storage }: Extract<OpenedWallet, { keys: WalletKeys }>,
): void {
  const { dataDir, clock, log } = places
  log.warn('wallet.record-damaged', { movedTo: moveAside(recordPath(dataDir), clock.nowMs()) })
  recordWallet(places, placedIn(places, { storage, owner: keys.publicKey, isBackedUp: false }))
}

function unusable(storage: WalletStorage, error: AppError, wallet?: PlacedWallet): OpenedWallet {
  return {
    keys: undefined,
    storage,
    owner: wallet?.owner,
    isBackedUp: wallet?.isBackedUp === true,
    error,
  }
}

function recordDamaged(): AppError {
  const message = 'The file wallet.json is damaged and no wallet was found beside it. Nothing was changed.'
  return new AppError('WALLET_DAMAGED', message, {
    hint: 'Restore the wallet from its words or its backup file, or put back wallet.json and wallet.enc from a backup of the data folder.',
  })
}

async function deriveAndWipe(secret: WalletSecret): Promise<WalletKeys> {
  try {
    return await deriveKeys(secret)
  } finally {
    wipeSecret(secret)
  }
}

function missing(storage: WalletStorage): AppError {
  const place = storage === 'keychain' ? 'the keychain' : 'the data folder (wallet.enc)'
  return new AppError(
    'WALLET_MISSING',
    `Your wallet is no longer in ${place}. No new one was made, and your media are untouched.`,
    {
      hint: 'Restore it from its words or its backup file. To start over with a new identity, use another data folder.',
    },
  )
}

function another(storage: WalletStorage): AppError {
  const place = storage === 'keychain' ? 'The keychain' : 'The data folder'
  return new AppError(
    'WALLET_MISSING',
    `${place} holds another wallet than the one this node belongs to. Nothing was changed.`,
    {
      hint: 'Restore the right wallet from its words or its backup file. To use the other identity, use another data folder.',
      details: { reason: 'another-wallet' },
    },
  )
}

/** The one word of the status for a failure to open. */
export function stateOf(error: AppError): WalletStatus['state'] {
  const reason = error.details?.['reason']
  if (reason === 'another-wallet') return 'wrong'
  if (reason === 'no-passphrase') return 'locked'
  switch (isErrorCode(error.code) ? error.code : undefined) {
    case 'KEYCHAIN_LOCKED':
      return 'locked'
    case 'KEYCHAIN_DENIED':
      return 'denied'
    case 'WALLET_WRONG_PASSPHRASE':
      return 'wrong'
    case 'WALLET_DAMAGED':
      return 'damaged'
    default:
      return 'absent'
  }
}
