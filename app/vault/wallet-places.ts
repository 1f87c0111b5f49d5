import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Keychain } from './keychain.ts'
import type { RememberedPassphrase } from './passphrase.ts'
import { FilePlace, KeychainPlace } from './places.ts'
import type { SecretPlace } from './places.ts'
import { writeRecord } from './record.ts'
import type { PlacedWallet, WalletPlace, WalletStorage } from './record.ts'

/** Where this data folder's wallet may be, and what it takes to look there. */
export interface WalletPlaces {
  readonly dataDir: string
  /** `desktop`: somebody is there to unlock the keychain. */
  readonly mode: 'desktop' | 'headless'
  /** The keychain entry a new wallet gets. */
  readonly account: string
  readonly keychain: Keychain
  readonly passphrase: RememberedPassphrase
  readonly clock: Clock
  readonly log: Log
}

/** The place of a wallet as it was recorded. */
export function placeOf(places: WalletPlaces, { storage, account }: WalletPlace): SecretPlace {
  const { dataDir, keychain, passphrase, clock } = places
  return storage === 'keychain'
    ? new KeychainPlace(keychain, account ?? places.account)
    : new FilePlace({ dataDir, passphrase, clock, sealedBy: storage })
}

/** How a wallet that is put into `storage` now is recorded. */
export function placedIn(
  { account }: WalletPlaces,
  wallet: { readonly storage: WalletStorage; readonly owner: string; readonly isBackedUp: boolean },
): PlacedWallet {
  return wallet.storage === 'keychain' ? { ...wallet, account } : { ...wallet }
}

/**
 * Makes a placed wallet this node's: from here on it, and nothing else, is opened.
 * @param old where something of the wallet before may still be
 */
export function recordWallet({ dataDir }: WalletPlaces, wallet: PlacedWallet, old?: WalletPlace): void {
  const { storage, owner, account, isBackedUp } = wallet
  writeRecord(dataDir, {
    version: 1,
    storage,
    owner,
    ...(account === undefined ? {} : { account }),
    ...(isBackedUp === true ? { isBackedUp } : {}),
    ...(old === undefined ? {} : { old: placeIn(old) }),
  })
}

function placeIn({ storage, account }: WalletPlace): WalletPlace {
  return account === undefined ? { storage } : { storage, account }
}
