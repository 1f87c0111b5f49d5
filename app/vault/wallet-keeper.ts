import { AppError } from '../contract/index.ts'
import { openBackup, sealBackup } from './backup-file.ts'
import { fingerprintOf } from './contacts/card.ts'
import { entropyFromWords, wordsOf, WordsCheck } from './phrase.ts'
import { readRecord } from './record.ts'
import { newEntropy, wipeSecret } from './secret.ts'
import type { WalletSecret } from './secret.ts'
import { openWallet } from './wallet-opener.ts'
import type { OpenedWallet } from './wallet-opener.ts'
import { placeOf, recordWallet } from './wallet-places.ts'
import type { WalletPlaces } from './wallet-places.ts'
import { storeSecret } from './wallet-storing.ts'
import { deriveKeys, seedOf } from './wallet.ts'
import type { WalletKeys } from './wallet.ts'

/** From where a wallet is brought back. */
export type RestoreFrom =
  | { readonly from: 'words'; readonly words: string; readonly passphrase: string }
  | { readonly from: 'file'; readonly text: string; readonly password: string }

interface KeeperInit {
  readonly places: WalletPlaces
  readonly wallet: OpenedWallet
  /** Whether something would be lost with this wallet: items of its own, or that only it can read. */
  readonly isInUse: () => boolean
  readonly onChange: () => void
}

/** The one wallet of this node: opens it, changes it, backs it up; one of these at a time. */
export class WalletKeeper {
  /** Whose wallet was exported last; it counts as backed up once the file is written. */
  #exportedOwner: string | undefined
  readonly #places: WalletPlaces
  readonly #isInUse: () => boolean
  readonly #onChange: () => void
  readonly #check = new WordsCheck()
  #wallet: OpenedWallet
  #turn: Promise<unknown> = Promise.resolve()
  #reopening: Promise<void> | undefined
  #isClosed = false

  constructor({ places, wallet, isInUse, onChange }: KeeperInit) {
    this.#places = places
    this.#wallet = wallet
    this.#isInUse = isInUse
    this.#onChange = onChange
  }

  get wallet(): OpenedWallet {
    return this.#wallet
  }

  /** @throws {AppError} why the wallet can't be used */
  readyKeys(): WalletKeys {
    if (this.#wallet.keys === undefined) throw this.#wallet.error
    return this.#wallet.keys
  }

  /** Open, and nothing would be lost with it. */
  isReplaceable(): boolean {
    return this.#wallet.keys !== undefined && !this.#wallet.isBackedUp && !this.#isInUse()
  }

  /** Tries to open a wallet that is not. @throws {AppError} `BAD_REQUEST` as `openWallet` */
  async reopen(): Promise<void> {
    if (this.#wallet.keys !== undefined) return
    this.#reopening ??= this.#inTurn(async () => {
      if (this.#wallet.keys === undefined) this.#replace(await openWallet(this.#places))
    }).finally(() => (this.#reopening = undefined))
    await this.#reopening
  }

  /** Opens a wallet file with a passphrase somebody typed. @throws {AppError} `WALLET_WRONG_PASSPHRASE` */
  async unlock(passphrase: string): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#wallet.keys !== undefined) return
      this.#places.passphrase.remember(passphrase)
      const opened = await openWallet(this.#places)
      if (opened.keys === undefined && opened.error.code === 'WALLET_WRONG_PASSPHRASE') {
        this.#places.passphrase.forget()
        throw opened.error
      }
      this.#replace(opened)
    })
  }

  /**
   * Another wallet in place of one that nothing depends on.
   * @param passphrase BIP-39's, or empty
   * @throws {AppError} `CONFLICT` where there is a wallet to keep; as `storeSecret`
   */
  create(words: 12 | 24, passphrase: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseCreating()
      const secret = await makeSecret(newEntropy(words), passphrase)
      try {
        await this.#take(secret, await deriveKeys(secret), false)
      } finally {
        wipeSecret(secret)
      }
    })
  }

  /**
   * Brings a wallet back. The one this node belongs to is put where it is missing; another takes the place of one that nothing
   * depends on, or, when asked to, of one that is backed up.
   * @throws {AppError} `PHRASE_INVALID`, `BACKUP_INVALID`, `WALLET_WRONG_PASSPHRASE`, `CONFLICT`, `BACKUP_NEEDED`; as `storeSecret`
   */
  restore(source: RestoreFrom, isReplacing: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const secret =
        source.from === 'words'
          ? await makeSecret(entropyFromWords(source.words), source.passphrase)
          : await openBackup(source.text, source.password)
      try {
        const keys = await deriveKeys(secret)
        const { wallet } = this
        // From under a key file it moves to something better, when there is something by now.
        if (wallet.keys?.publicKey === keys.publicKey && wallet.storage !== 'keyfile') {
          keys.privateKey.fill(0)
          this.#markBackedUp()
          return
        }
        try {
          this.#refuseReplacing(keys.publicKey, isReplacing)
        } catch (error) {
          keys.privateKey.fill(0)
          throw error
        }
        await this.#take(secret, keys, true)
      } finally {
        wipeSecret(secret)
      }
    })
  }

  /** The words, for the backup screen and nothing else. @throws {AppError} as `readyKeys`, or why the place does not answer */
  reveal(): Promise<{ words: string[]; hasPassphrase: boolean }> {
    return this.#inTurn(() =>
      this.#withSecret(({ entropy, seed }) => ({
        words: wordsOf(entropy),
        hasPassphrase: seed !== undefined,
      })),
    )
  }

  /** Which three words are to be given back, from 1. @throws {AppError} as `reveal` */
  askWords(): Promise<number[]> {
    return this.#inTurn(() => this.#withSecret(({ entropy }) => this.#check.ask(wordsOf(entropy).length)))
  }

  /** @throws {AppError} `PHRASE_INVALID` naming what is wrong; `BAD_REQUEST` when that was not asked */
  confirmWords(answers: readonly { readonly position: number; readonly word: string }[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#withSecret(({ entropy }) => this.#check.confirm(wordsOf(entropy), answers))
      this.#markBackedUp()
    })
  }

  /** @throws {AppError} as `reveal` */
  exportBackup(password: string): Promise<{ fileName: string; text: string }> {
    return this.#inTurn(async () => {
      const owner = this.readyKeys().publicKey
      const nowMs = this.#places.clock.nowMs()
      const backup = await this.#withSecret((secret) => sealBackup(secret, { owner, password, nowMs }))
      this.#exportedOwner = owner
      return backup
    })
  }

  /** The exported file was written. @throws {AppError} `BAD_REQUEST` when none of this wallet was exported; as `reveal` */
  backupSaved(): Promise<void> {
    return this.#inTurn(() => {
      if (this.readyKeys().publicKey !== this.#exportedOwner)
        throw new AppError('BAD_REQUEST', 'No backup of this wallet was made since Sower started.')
      this.#markBackedUp()
      return Promise.resolve()
    })
  }

  /** Forgets every key. */
  close(): void {
    this.#isClosed = true
    this.#check.forget()
    this.#places.passphrase.forget()
    const { keys, storage, isBackedUp } = this.#wallet
    if (keys === undefined) return
    keys.privateKey.fill(0)
    const error = new AppError('UNAVAILABLE', 'Sower is stopping.')
    this.#wallet = { keys: undefined, storage, owner: keys.publicKey, isBackedUp, error }
  }

  #refuseCreating(): void {
    const { wallet } = this
    if (wallet.keys !== undefined) {
      if (this.isReplaceable()) return
      throw new AppError(
        'CONFLICT',
        wallet.isBackedUp
          ? 'This node has a wallet that is backed up, so no other one was made.'
          : 'This node has a wallet that items depend on, so no other one was made.',
        { hint: 'To start over with a new identity, use another data folder.' },
      )
    }
    // A first start that only lacks a place for it.
    if (readRecord(this.#places.dataDir) === undefined && wallet.error.code.startsWith('KEYCHAIN_')) return
    throw new AppError(
      'CONFLICT',
      'This node has a wallet that can’t be opened now, so no other one was made.',
      { hint: 'Open it, or restore it from its words or its backup file.' },
    )
  }

  #refuseReplacing(owner: string, isReplacing: boolean): void {
    const { wallet } = this
    const known = wallet.keys === undefined ? wallet.owner : wallet.keys.publicKey
    // Nobody knows whose node it was: whatever is left there is kept beside it.
    if (known === undefined || known === owner || this.isReplaceable()) return
    const which = `That is the wallet ${fingerprintOf(owner)}; this node belongs to ${fingerprintOf(known)}.`
    if (wallet.keys !== undefined && !wallet.isBackedUp) {
      throw new AppError(
        'BACKUP_NEEDED',
        `${which} The present wallet has no backup, and items depend on it. Nothing was changed.`,
        { hint: 'Back up the present wallet first, or use another data folder for the other one.' },
      )
    }
    if (isReplacing) return
    throw new AppError('CONFLICT', `${which} Nothing was changed.`, {
      hint: 'If it should be the same: check the words and the passphrase. To put the other wallet in the place of the present one, say so; what belongs to the present one is then no longer yours here.',
    })
  }

  /** Stores `secret` and goes on with its keys, which are this object's from here on. */
  async #take(secret: WalletSecret, keys: WalletKeys, isBackedUp: boolean): Promise<void> {
    const record = readRecord(this.#places.dataDir)
    const before = this.#wallet
    const replaced =
      record === undefined || record === 'damaged'
        ? undefined
        : { record, isReady: before.keys !== undefined }
    try {
      const owner = keys.publicKey
      const storage = await storeSecret(this.#places, secret, { owner, isBackedUp, replaced })
      this.#places.log.info('wallet.taken', { storage, owner, isBackedUp })
      this.#replace({ keys, storage, isBackedUp })
    } catch (error) {
      keys.privateKey.fill(0)
      throw error
    }
  }

  /** What the wallet is made of, from where it is kept, wiped afterwards. */
  async #withSecret<T>(work: (secret: WalletSecret) => T | Promise<T>): Promise<T> {
    const owner = this.readyKeys().publicKey
    const record = readRecord(this.#places.dataDir)
    const place = placeOf(this.#places, record === undefined || record === 'damaged' ? this.#wallet : record)
    const secret = await place.read()
    if (secret === undefined) throw notWhereItWas()
    try {
      const { publicKey, privateKey } = await deriveKeys(secret)
      privateKey.fill(0)
      if (publicKey !== owner) throw notWhereItWas()
      return await work(secret)
    } finally {
      wipeSecret(secret)
    }
  }

  #markBackedUp(): void {
    const { keys, isBackedUp } = this.#wallet
    if (keys === undefined || isBackedUp) return
    const record = readRecord(this.#places.dataDir)
    if (record !== undefined && record !== 'damaged' && record.owner === keys.publicKey)
      recordWallet(this.#places, { ...record, isBackedUp: true }, record.old)
    this.#wallet = { ...this.#wallet, keys, isBackedUp: true }
    this.#onChange()
  }

  #replace(wallet: OpenedWallet): void {
    if (this.#isClosed) {
      wallet.keys?.privateKey.fill(0)
      return
    }
    const before = this.#wallet.keys
    if (before !== undefined && before !== wallet.keys) before.privateKey.fill(0)
    this.#check.forget()
    this.#wallet = wallet
    this.#onChange()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      if (this.#isClosed) throw new AppError('UNAVAILABLE', 'Sower is stopping.')
      return work()
    })
    this.#turn = result.catch(() => undefined)
    return result
  }
}

/** Takes the entropy over. @param passphrase BIP-39's, or empty */
async function makeSecret(entropy: Buffer, passphrase: string): Promise<WalletSecret> {
  return passphrase === '' ? { entropy } : { entropy, seed: await seedOf(entropy, passphrase) }
}

function notWhereItWas(): AppError {
  return new AppError(
    'WALLET_MISSING',
    'Your wallet is no longer where it was kept. It is still open, and your media are untouched.',
    { hint: 'Restore it from its words or its backup file before Sower ends.' },
  )
}
