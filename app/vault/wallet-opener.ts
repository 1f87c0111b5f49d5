import { AppError, isErrorCode } from '../contract/index.ts'
import type { WalletStatus } from '../contract/index.ts'
import { moveAside } from '../atomic-file.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Keychain } from './keychain.ts'
import type { PassphraseSource } from './passphrase.ts'
import { readFromFile, readFromKeychain, sealedBy, writeToFile, writeToKeychain } from './places.ts'
import { readRecord, recordPath, writeRecord } from './record.ts'
import type { WalletRecord } from './record.ts'
import { deriveOwnerKey, newEntropy } from './wallet.ts'
import type { OwnerKey } from './wallet.ts'

type Storage = WalletStatus['storage']

export interface WalletPlaces {
  readonly dataDir: string
  /** `desktop`: somebody is there to unlock the keychain. */
  readonly mode: 'desktop' | 'headless'
  /** The keychain entry a new wallet gets. */
  readonly account: string
  readonly keychain: Keychain
  readonly passphrase: PassphraseSource
  readonly clock: Clock
  readonly log: Log
}

/** How opening went: the key, or the reason in a form for the status and one to throw. */
export type OpenedWallet =
  | { readonly key: OwnerKey; readonly storage: Storage }
  | {
      readonly key: undefined
      readonly storage: Storage
      readonly owner: string | undefined
      readonly error: AppError
    }

/**
 * Opens the wallet where it was made; makes one only where there never was one. A wallet that should be there and isn't,
 * or that is another's, is reported and nothing is written.
 * @throws {AppError} `BAD_REQUEST` when a first start is told of a passphrase file it can't use
 */
export async function openWallet(places: WalletPlaces): Promise<OpenedWallet> {
  const record = readRecord(places.dataDir)
  if (record !== undefined && record !== 'damaged') return openRecorded(places, record)
  const found = await findUnrecorded(places)
  if (found.opened !== undefined) {
    if (record === 'damaged' && found.opened.key !== undefined) replaceRecord(places, found.opened)
    return found.opened
  }
  if (record === 'damaged') return unusable('keychain', undefined, found.keychainError ?? recordDamaged())
  return createWallet(places, found.keychainError)
}

async function openRecorded(places: WalletPlaces, record: WalletRecord): Promise<OpenedWallet> {
  const { storage, owner } = record
  try {
    const entropy =
      storage === 'keychain'
        ? await readFromKeychain(places.keychain, record.account ?? places.account)
        : await readFromFile(places.dataDir, places.passphrase)
    if (entropy === undefined) return unusable(storage, owner, missing(storage))
    const key = await deriveAndWipe(entropy)
    if (key.publicKey === owner) return { key, storage }
    key.privateKey.fill(0)
    return unusable(storage, owner, another(storage))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return unusable(storage, owner, error)
  }
}

interface Search {
  readonly opened?: OpenedWallet
  /** Why the keychain could not be searched. */
  readonly keychainError?: AppError
}

/** What a start that was interrupted between storing the wallet and recording it left behind. */
async function findUnrecorded(places: WalletPlaces): Promise<Search> {
  const { dataDir, account, keychain, passphrase } = places
  let storage: Storage = 'keychain'
  try {
    storage = sealedBy(dataDir) ?? 'keychain'
    const entropy =
      storage === 'keychain'
        ? await readFromKeychain(keychain, account)
        : await readFromFile(dataDir, passphrase)
    if (entropy === undefined) return {}
    const key = await deriveAndWipe(entropy)
    if (readRecord(dataDir) === undefined) writeOwnRecord(places, storage, key)
    return { opened: { key, storage } }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (storage === 'keychain' && error.code.startsWith('KEYCHAIN_')) return { keychainError: error }
    return { opened: unusable(storage, undefined, error) }
  }
}

/** @param keychainError why the keychain is out of the question; undefined when it answers */
async function createWallet(
  places: WalletPlaces,
  keychainError: AppError | undefined,
): Promise<OpenedWallet> {
  const entropy = newEntropy()
  try {
    const refusal = keychainError ?? (await tryKeychain(places, entropy))
    if (refusal === undefined) return await finish(places, 'keychain', entropy)
    const passphrase = await places.passphrase('create')
    if (passphrase === null && !isKeyFileAllowed(places, refusal))
      return unusable('keychain', undefined, refusal)
    return await finish(places, await writeToFile(places.dataDir, entropy, passphrase), entropy)
  } finally {
    entropy.fill(0)
  }
}

async function tryKeychain(places: WalletPlaces, entropy: Buffer): Promise<AppError | undefined> {
  try {
    await writeToKeychain(places.keychain, places.account, entropy)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

/**
 * Without any keychain a first start must still be able to sign. One that exists but is locked is waited for; one that never
 * answers a headless node has nobody in front of it to ask.
 */
function isKeyFileAllowed({ mode }: WalletPlaces, keychainError: AppError): boolean {
  if (keychainError.code === 'KEYCHAIN_ABSENT') return true
  return mode === 'headless' && keychainError.details?.['reason'] === 'timeout'
}

async function finish(places: WalletPlaces, storage: Storage, entropy: Buffer): Promise<OpenedWallet> {
  const key = await deriveOwnerKey(entropy)
  writeOwnRecord(places, storage, key)
  places.log.info('wallet.created', { storage, owner: key.publicKey })
  return { key, storage }
}

function writeOwnRecord({ dataDir, account }: WalletPlaces, storage: Storage, key: OwnerKey): void {
  const where = storage === 'keychain' ? { account } : {}
  writeRecord(dataDir, { version: 1, storage, owner: key.publicKey, ...where })
}

function replaceRecord(places: WalletPlaces, { key, storage }: { key: OwnerKey; storage: Storage }): void {
  const { dataDir, clock, log } = places
  log.warn('wallet.record-damaged', { movedTo: moveAside(recordPath(dataDir), clock.nowMs()) })
  writeOwnRecord(places, storage, key)
}

function unusable(storage: Storage, owner: string | undefined, error: AppError): OpenedWallet {
  return { key: undefined, storage, owner, error }
}

function recordDamaged(): AppError {
  const message = 'The file wallet.json is damaged and no wallet was found beside it. Nothing was changed.'
  return new AppError('WALLET_DAMAGED', message, {
    hint: 'Put back wallet.json and wallet.enc from a backup of the data folder.',
  })
}

async function deriveAndWipe(entropy: Buffer): Promise<OwnerKey> {
  try {
    return await deriveOwnerKey(entropy)
  } finally {
    entropy.fill(0)
  }
}

function missing(storage: Storage): AppError {
  const place = storage === 'keychain' ? 'the keychain' : 'the data folder (wallet.enc)'
  return new AppError(
    'WALLET_MISSING',
    `Your wallet is no longer in ${place}. No new one was made, and your media are untouched.`,
    {
      hint: 'Put the wallet back from a backup. To start over with a new identity, use another data folder.',
    },
  )
}

function another(storage: Storage): AppError {
  const place = storage === 'keychain' ? 'The keychain' : 'The data folder'
  return new AppError(
    'WALLET_MISSING',
    `${place} holds another wallet than the one this node belongs to. Nothing was changed.`,
    {
      hint: 'Put the right wallet back from a backup. To use the other identity, use another data folder.',
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
