import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { moveAside, readFileIfThere, writeFileAtomic } from '../atomic-file.ts'
import { AppError } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Keychain } from './keychain.ts'
import type { RememberedPassphrase } from './passphrase.ts'
import { readSealed, seal, unseal } from './sealed-file.ts'
import type { SealedBy } from './sealed-file.ts'
import { secretFromBytes, secretFromText, secretToBytes, secretToText } from './secret.ts'
import type { WalletSecret } from './secret.ts'

/** Where one wallet is kept. Every failure is an {@link AppError} with the state it means. */
export interface SecretPlace {
  /** @returns undefined when there is nothing */
  read(): Promise<WalletSecret | undefined>
  /** Stores it in the place of whatever is there, and reads it back. */
  write(secret: WalletSecret): Promise<void>
  clear(): Promise<void>
  /** Copies whatever is there, readable or not, under another name. @returns false when there is nothing */
  keepAside(name: string): Promise<boolean>
  readAside(name: string): Promise<WalletSecret | undefined>
  /** Puts the copy back. */
  bringBack(name: string): Promise<void>
  forgetAside(name: string): Promise<void>
}

/** An entry of the system's keychain; copies are entries named after it. */
export class KeychainPlace implements SecretPlace {
  readonly #keychain: Keychain
  readonly #account: string

  constructor(keychain: Keychain, account: string) {
    this.#keychain = keychain
    this.#account = account
  }

  read(): Promise<WalletSecret | undefined> {
    return this.#readEntry(this.#account)
  }

  async write(secret: WalletSecret): Promise<void> {
    await this.#set(this.#account, secretToText(secret))
  }

  clear(): Promise<void> {
    return this.#keychain.delete(this.#account)
  }

  async keepAside(name: string): Promise<boolean> {
    const text = await this.#keychain.get(this.#account)
    if (text === null) return false
    await this.#set(this.#aside(name), text)
    return true
  }

  readAside(name: string): Promise<WalletSecret | undefined> {
    return this.#readEntry(this.#aside(name))
  }

  async bringBack(name: string): Promise<void> {
    const text = await this.#keychain.get(this.#aside(name))
    if (text !== null) await this.#set(this.#account, text)
  }

  forgetAside(name: string): Promise<void> {
    return this.#keychain.delete(this.#aside(name))
  }

  async #readEntry(account: string): Promise<WalletSecret | undefined> {
    const text = await this.#keychain.get(account)
    if (text === null) return undefined
    const secret = secretFromText(text)
    if (secret !== undefined) return secret
    throw new AppError(
      'WALLET_DAMAGED',
      'The keychain entry of your wallet is not a wallet. It was left as it is, and your media are untouched.',
      {
        hint: `Restore the wallet from its words or its backup file. The entry is “${account}” of “Sower”.`,
      },
    )
  }

  /** A keychain that only pretends to keep things must not hold a wallet. */
  async #set(account: string, text: string): Promise<void> {
    await this.#keychain.set(account, text)
    if ((await this.#keychain.get(account)) === text) return
    throw new AppError('KEYCHAIN_DENIED', 'The keychain of this computer did not keep your wallet.', {
      hint: 'Check that the keychain works, then try again.',
    })
  }

  #aside(name: string): string {
    return `${this.#account}-${name}`
  }
}

interface FilePlaceInit {
  readonly dataDir: string
  readonly passphrase: RememberedPassphrase
  readonly clock: Clock
  /** How a wallet written here is sealed; reading goes by what the file says. */
  readonly sealedBy: SealedBy
}

/** `<dataDir>/wallet.enc`, under a passphrase or under the random key in `<dataDir>/wallet.key`; copies lie beside it. */
export class FilePlace implements SecretPlace {
  readonly #init: FilePlaceInit

  constructor(init: FilePlaceInit) {
    this.#init = init
  }

  /**
   * @throws {AppError} `WALLET_DAMAGED`, `WALLET_WRONG_PASSPHRASE` (also when there is no passphrase to be had; then with
   * `details.reason` = `no-passphrase`), `WALLET_MISSING` (the key file is gone)
   */
  read(): Promise<WalletSecret | undefined> {
    return this.#open(this.#path())
  }

  async write(secret: WalletSecret): Promise<void> {
    const { sealedBy } = this.#init
    const unlock = sealedBy === 'keyfile' ? this.#makeKeyFile() : await this.#passphraseToSeal()
    const bytes = secretToBytes(secret)
    try {
      const text = await seal(bytes, unlock, sealedBy)
      writeFileAtomic(this.#path(), text, 0o600)
      if (readFileIfThere(this.#path())?.toString('utf8') !== text)
        throw new Error('wallet.enc was not kept as it was written')
    } finally {
      bytes.fill(0)
      unlock.fill(0)
    }
  }

  clear(): Promise<void> {
    rmSync(this.#path(), { force: true })
    return Promise.resolve()
  }

  /** For when no wallet is sealed by it any more. */
  clearKeyFile(): void {
    rmSync(this.#keyPath(), { force: true })
  }

  keepAside(name: string): Promise<boolean> {
    const bytes = readFileIfThere(this.#path())
    if (bytes === undefined) return Promise.resolve(false)
    writeFileAtomic(this.#aside(name), bytes, 0o600)
    return Promise.resolve(true)
  }

  readAside(name: string): Promise<WalletSecret | undefined> {
    return this.#open(this.#aside(name))
  }

  bringBack(name: string): Promise<void> {
    const bytes = readFileIfThere(this.#aside(name))
    if (bytes !== undefined) writeFileAtomic(this.#path(), bytes, 0o600)
    return Promise.resolve()
  }

  forgetAside(name: string): Promise<void> {
    rmSync(this.#aside(name), { force: true })
    return Promise.resolve()
  }

  async #open(path: string): Promise<WalletSecret | undefined> {
    const sealed = readFileIfThere(path)
    if (sealed === undefined) return undefined
    const file = readSealed(sealed.toString('utf8'))
    const unlock = file.sealedBy === 'keyfile' ? this.#readKeyFile() : await this.#passphraseToOpen()
    let bytes: Buffer | undefined
    try {
      bytes = await unseal(file, unlock)
      const secret = secretFromBytes(bytes)
      if (secret === undefined) throw damagedFile('wallet.enc')
      return secret
    } catch (error) {
      if (error instanceof AppError && error.code === 'WALLET_WRONG_PASSPHRASE')
        this.#init.passphrase.forget()
      throw error
    } finally {
      bytes?.fill(0)
      unlock.fill(0)
    }
  }

  async #passphraseToOpen(): Promise<Buffer> {
    let text: string | null
    try {
      text = await this.#init.passphrase.ask('open')
    } catch (error) {
      if (error instanceof AppError) throw noPassphrase(error.message, error.hint)
      throw error
    }
    if (text !== null) return passphraseBytes(text)
    throw noPassphrase(
      'This wallet is locked with a passphrase. Your media are untouched, and public ones are shared meanwhile.',
      'Give the passphrase, or name a file with it in SOWER_PASSPHRASE_FILE.',
    )
  }

  async #passphraseToSeal(): Promise<Buffer> {
    const text = await this.#init.passphrase.ask('create')
    if (text === null) throw new Error('a passphrase was promised to seal the wallet with')
    return passphraseBytes(text)
  }

  #readKeyFile(): Buffer {
    const key = readFileIfThere(this.#keyPath())
    if (key === undefined) {
      throw new AppError(
        'WALLET_MISSING',
        'The file wallet.key is missing, so wallet.enc cannot be opened. Nothing was changed.',
        { hint: 'Put back wallet.key, or restore the wallet from its words or its backup file.' },
      )
    }
    if (key.length !== 32) throw damagedFile('wallet.key')
    return key
  }

  /** A whole key file is used again: the wallet that is being replaced may still need it. */
  #makeKeyFile(): Buffer {
    const left = readFileIfThere(this.#keyPath())
    if (left?.length === 32) return left
    if (left !== undefined) moveAside(this.#keyPath(), this.#init.clock.nowMs())
    const key = randomBytes(32)
    writeFileAtomic(this.#keyPath(), key, 0o600)
    return key
  }

  #path(): string {
    return join(this.#init.dataDir, 'wallet.enc')
  }

  #keyPath(): string {
    return join(this.#init.dataDir, 'wallet.key')
  }

  #aside(name: string): string {
    return `${this.#path()}.${name}`
  }
}

/** What `<dataDir>/wallet.enc` is sealed by; undefined when there is no such file. @throws {AppError} `WALLET_DAMAGED` */
export function sealedBy(dataDir: string): SealedBy | undefined {
  const bytes = readFileIfThere(join(dataDir, 'wallet.enc'))
  return bytes === undefined ? undefined : readSealed(bytes.toString('utf8')).sealedBy
}

/** A typed passphrase as bytes, the same however the keyboard composed its letters. */
export function passphraseBytes(text: string): Buffer {
  return Buffer.from(text.normalize('NFKC'), 'utf8')
}

function noPassphrase(message: string, hint: string | undefined): AppError {
  const details = { reason: 'no-passphrase' }
  return new AppError(
    'WALLET_WRONG_PASSPHRASE',
    message,
    hint === undefined ? { details } : { hint, details },
  )
}

function damagedFile(name: string): AppError {
  return new AppError('WALLET_DAMAGED', `The file ${name} is damaged. It was left as it is.`, {
    hint: `Put back ${name} from a backup of the data folder, or restore the wallet from its words or its backup file.`,
  })
}
