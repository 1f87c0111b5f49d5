import { randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '../contract/index.ts'
import { readFileIfThere, writeFileAtomic } from '../atomic-file.ts'
import type { Keychain } from './keychain.ts'
import type { PassphraseSource } from './passphrase.ts'
import { readSealed, seal, unseal } from './sealed-file.ts'
import type { SealedBy } from './sealed-file.ts'
import { parseEntropy } from './wallet.ts'

/** Gives the entropy kept in the keychain; undefined when the (open) keychain has no such entry. */
export async function readFromKeychain(keychain: Keychain, account: string): Promise<Buffer | undefined> {
  const text = await keychain.get(account)
  if (text === null) return undefined
  const entropy = parseEntropy(text)
  if (entropy === undefined) {
    throw new AppError(
      'WALLET_DAMAGED',
      'The keychain entry of your wallet is not a wallet. It was left as it is.',
      {
        hint: `Look for the entry “${account}” of “Sower” in your keychain, or use another data folder.`,
      },
    )
  }
  return entropy
}

/** Stores the entropy and reads it back: a keychain that only pretends to keep things must not hold a wallet. */
export async function writeToKeychain(keychain: Keychain, account: string, entropy: Buffer): Promise<void> {
  await keychain.set(account, entropy.toString('hex'))
  const back = await readFromKeychain(keychain, account)
  const isKept = back !== undefined && back.length === entropy.length && timingSafeEqual(back, entropy)
  back?.fill(0)
  if (!isKept) {
    throw new AppError('KEYCHAIN_DENIED', 'The keychain of this computer did not keep your wallet.', {
      hint: 'Check that the keychain works, then try again.',
    })
  }
}

/** What `<dataDir>/wallet.enc` is sealed by; undefined when there is no such file. @throws {AppError} `WALLET_DAMAGED` */
export function sealedBy(dataDir: string): SealedBy | undefined {
  const bytes = readFileIfThere(sealedPath(dataDir))
  return bytes === undefined ? undefined : readSealed(bytes.toString('utf8')).sealedBy
}

/**
 * Opens `<dataDir>/wallet.enc`.
 * @returns undefined when the file is not there
 * @throws {AppError} `WALLET_DAMAGED`, `WALLET_WRONG_PASSPHRASE` (also when there is no passphrase to be had; then with
 * `details.reason` = `no-passphrase`), `WALLET_MISSING` (the key file is gone)
 */
export async function readFromFile(
  dataDir: string,
  passphrase: PassphraseSource,
): Promise<Buffer | undefined> {
  const bytes = readFileIfThere(sealedPath(dataDir))
  if (bytes === undefined) return undefined
  const file = readSealed(bytes.toString('utf8'))
  const unlock = file.sealedBy === 'keyfile' ? readKeyFile(dataDir) : await askToOpen(passphrase)
  try {
    return await unseal(file, unlock)
  } finally {
    unlock.fill(0)
  }
}

/** Stores the entropy in `<dataDir>/wallet.enc` under a passphrase, or under a new random `<dataDir>/wallet.key`. */
export async function writeToFile(
  dataDir: string,
  entropy: Buffer,
  passphrase: string | null,
): Promise<SealedBy> {
  const by: SealedBy = passphrase === null ? 'keyfile' : 'passphrase'
  const unlock = passphrase === null ? makeKeyFile(dataDir) : passphraseBytes(passphrase)
  try {
    writeFileAtomic(sealedPath(dataDir), await seal(entropy, unlock, by), 0o600)
  } finally {
    unlock.fill(0)
  }
  return by
}

async function askToOpen(passphrase: PassphraseSource): Promise<Buffer> {
  let text: string | null
  try {
    text = await passphrase('open')
  } catch (error) {
    if (error instanceof AppError) throw noPassphrase(error.message, error.hint)
    throw error
  }
  if (text === null) {
    throw noPassphrase(
      'This wallet is locked with a passphrase. Your media are untouched.',
      'Name a file with the passphrase in SOWER_PASSPHRASE_FILE, or start Sower in a terminal.',
    )
  }
  return passphraseBytes(text)
}

function noPassphrase(message: string, hint: string | undefined): AppError {
  const details = { reason: 'no-passphrase' }
  return new AppError(
    'WALLET_WRONG_PASSPHRASE',
    message,
    hint === undefined ? { details } : { hint, details },
  )
}

function passphraseBytes(text: string): Buffer {
  return Buffer.from(text.normalize('NFKC'), 'utf8')
}

function readKeyFile(dataDir: string): Buffer {
  const key = readFileIfThere(keyPath(dataDir))
  if (key === undefined) {
    throw new AppError(
      'WALLET_MISSING',
      'The file wallet.key is missing, so wallet.enc cannot be opened. Nothing was changed.',
      {
        hint: 'Put back wallet.key from a backup of the data folder.',
      },
    )
  }
  if (key.length !== 32) {
    throw new AppError('WALLET_DAMAGED', 'The file wallet.key is damaged. It was left as it is.', {
      hint: 'Put back wallet.key from a backup of the data folder.',
    })
  }
  return key
}

/** Without a wallet.enc a whole key file is what an interrupted first start left; it opens nothing else. */
function makeKeyFile(dataDir: string): Buffer {
  const left = readFileIfThere(keyPath(dataDir))
  if (left?.length === 32) return left
  const key = randomBytes(32)
  writeFileAtomic(keyPath(dataDir), key, 0o600)
  return key
}

function sealedPath(dataDir: string): string {
  return join(dataDir, 'wallet.enc')
}

function keyPath(dataDir: string): string {
  return join(dataDir, 'wallet.key')
}
