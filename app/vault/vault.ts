import { secp256k1 } from '@noble/curves/secp256k1.js'
import { AppError } from '../contract/index.ts'
import type { WalletStatus } from '../contract/index.ts'
import type { OwnerSigner } from '../manifest/index.ts'
import { systemClock } from '../ports/clock.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { makeCard } from './contacts/card.ts'
import type { Card } from './contacts/card.ts'
import type { Recipient } from './envelope/sea-envelope.ts'
import type { SeaPair } from './envelope/sea.ts'
import { systemKeychain } from './keychain.ts'
import type { Keychain } from './keychain.ts'
import { Logins } from './logins.ts'
import type { LoginProof } from './logins.ts'
import { openNodeKey } from './node-key.ts'
import type { NodeKey, NodeKeyPair } from './node-key.ts'
import { passphraseFrom, RememberedPassphrase } from './passphrase.ts'
import type { PassphraseSource } from './passphrase.ts'
import { readRecord } from './record.ts'
import { issueToken, TOKEN_TTL_MS, verifyToken } from './tokens.ts'
import type { TokenBearer } from './tokens.ts'
import { WalletKeeper } from './wallet-keeper.ts'
import type { RestoreFrom } from './wallet-keeper.ts'
import { stateOf } from './wallet-opener.ts'
import type { OpenedWallet } from './wallet-opener.ts'
import type { WalletPlaces } from './wallet-places.ts'

/** Somebody may be at the screen to unlock the keychain; on a server nobody is. */
const KEYCHAIN_TIMEOUT_MS = { desktop: 30_000, headless: 5_000 }

const WINDOW_PATIENCE_MS = 1500

const KEY_FILE_WARNING =
  'The wallet is protected by file permissions only: whoever can read the data folder, or a backup of it, can act as its owner. With a keychain, or with SOWER_PASSPHRASE_FILE set, restoring it from its words or its backup file moves it there.'

export interface VaultOptions {
  /** Absolute path; made when it is not there. */
  readonly dataDir: string
  readonly mode: 'desktop' | 'headless'
  /** @defaultValue the operating system's, through keytar */
  readonly keychain?: Keychain | undefined
  /** @defaultValue the file named by SOWER_PASSPHRASE_FILE in `process.env` */
  readonly passphrase?: PassphraseSource | undefined
  /**
   * Whether something would be lost with the wallet: items of its own, or that only it can read.
   * @defaultValue yes, as far as anybody knows
   */
  readonly hasOwnItems?: (() => boolean) | undefined
  readonly log: Log
  readonly clock?: Clock | undefined
  /**
   * How long to wait for the wallet before going on without it; it is there as soon as it opens.
   * @defaultValue 1500 in the window (somebody may have to unlock the keychain first), else no limit
   */
  readonly patienceMs?: number | undefined
  /** HS256 secret of an OIP server whose users are believed here. @see oipSecretFrom */
  readonly oipSecret?: Uint8Array | undefined
}

/**
 * Opens (at the first start: makes) the node key and the wallet. A wallet that can't be opened is a state, not a failure:
 * the node keeps serving what it has.
 * @throws {AppError} `BAD_REQUEST` when a first start is given a passphrase file that can't be used
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { dataDir, mode, log, clock = systemClock } = options
  const keys = openNodeKey(dataDir, { log, clock })
  const places = {
    dataDir,
    mode,
    account: `wallet-${keys.nodeKey.nodeId.slice(0, 16)}`,
    keychain: options.keychain ?? systemKeychain({ timeoutMs: KEYCHAIN_TIMEOUT_MS[mode] }),
    passphrase: new RememberedPassphrase(options.passphrase ?? passphraseFrom(process.env)),
    clock,
    log,
  }
  const vault = new Vault({
    places,
    keys,
    hasOwnItems: options.hasOwnItems ?? (() => true),
    oipSecret: options.oipSecret,
  })
  const patienceMs = options.patienceMs ?? (mode === 'desktop' ? WINDOW_PATIENCE_MS : undefined)
  await vault.open(patienceMs)
  return vault
}

interface VaultInit {
  readonly places: WalletPlaces
  readonly keys: NodeKeyPair
  readonly hasOwnItems: () => boolean
  readonly oipSecret: Uint8Array | undefined
}

/** The owner's keys and the node's key while the engine runs, and everything that is done with the wallet. */
export class Vault {
  readonly nodeKey: NodeKey
  readonly #places: WalletPlaces
  readonly #keys: NodeKeyPair
  readonly #logins: Logins
  readonly #oipSecret: Uint8Array | undefined
  readonly #keeper: WalletKeeper
  readonly #listeners = new Set<() => void>()

  constructor({ places, keys, hasOwnItems, oipSecret }: VaultInit) {
    this.#places = places
    this.#keys = keys
    this.#logins = new Logins(places.clock)
    this.#oipSecret = oipSecret
    this.nodeKey = keys.nodeKey
    this.#keeper = new WalletKeeper({
      places,
      wallet: stillOpening(places.dataDir),
      isInUse: hasOwnItems,
      onChange: () => {
        this.#report()
        for (const listener of this.#listeners) listener()
      },
    })
  }

  /**
   * Opens the wallet, going on in the background after `patienceMs`.
   * @throws {AppError} `BAD_REQUEST` as `openVault`
   */
  async open(patienceMs?: number): Promise<void> {
    const opening = this.retry()
    if (patienceMs === undefined) {
      await opening
      return
    }
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)))
    await Promise.race([opening, enough]).finally(() => clearTimeout(timer))
    opening.catch((error: unknown) => this.#places.log.error('wallet.open-failed', { error }))
  }

  /**
   * Told when the wallet opened, the reason why it does not changed, it was backed up, or another took its place.
   * @returns stops listening
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  status(): WalletStatus {
    const { wallet } = this.#keeper
    const { storage, isBackedUp } = wallet
    if (wallet.keys !== undefined) {
      const message = storage === 'keyfile' ? { message: KEY_FILE_WARNING } : {}
      const isReplaceable = this.#keeper.isReplaceable()
      return {
        storage,
        state: 'ready',
        owner: wallet.keys.publicKey,
        isBackedUp,
        isReplaceable,
        ...message,
      }
    }
    const { message, hint } = wallet.error
    return {
      storage,
      state: stateOf(wallet.error),
      isBackedUp,
      isReplaceable: false,
      message: hint === undefined ? message : `${message} ${hint}`,
    }
  }

  /**
   * Signs as the owner.
   * @throws {AppError} `KEYCHAIN_*` or `WALLET_*` while the wallet can't be used
   */
  signer(): OwnerSigner {
    const { publicKey, privateKey } = this.#keeper.readyKeys()
    return {
      publicKey,
      sign: (hash32) => {
        // Wiped since: the wallet was closed, or another has taken its place.
        if (privateKey.every((byte) => byte === 0))
          throw new AppError('UNAVAILABLE', 'The wallet was closed meanwhile, so nothing was signed.')
        if (hash32.length !== 32) throw new RangeError('a hash of 32 bytes is signed, nothing else')
        return secp256k1.sign(hash32, privateKey, { prehash: false, lowS: true })
      },
    }
  }

  /** 66 hex: whose node this is, known even while the wallet is locked; null when it never had a wallet. */
  owner(): string | null {
    const { wallet } = this.#keeper
    return wallet.keys === undefined ? (wallet.owner ?? null) : wallet.keys.publicKey
  }

  /** The wallet's SEA pair, in GUN's form. @throws {AppError} as `signer` */
  seaPair(): SeaPair {
    return this.#keeper.readyKeys().sea
  }

  /** The owner as somebody to share with. @throws {AppError} as `signer` */
  self(): Recipient {
    const { publicKey, sea } = this.#keeper.readyKeys()
    return { owner: publicKey, pub: sea.pub, epub: sea.epub }
  }

  /** The same, while the wallet is open. */
  selfIfOpen(): Recipient | undefined {
    return this.#keeper.wallet.keys === undefined ? undefined : this.self()
  }

  /** The owner's own card, signed now. @param name what they call themselves @throws {AppError} as `signer` */
  card(name?: string): Card {
    const { pub, epub } = this.self()
    const nowMs = this.#places.clock.nowMs()
    return makeCard({ signer: this.signer(), pub, epub, nodes: [this.nodeKey.nodeId], name, nowMs })
  }

  /** Tries again to open the wallet, after the user unlocked the keychain or put something right. */
  async retry(): Promise<WalletStatus> {
    await this.#keeper.reopen()
    return this.status()
  }

  /**
   * Opens a wallet that is sealed by a passphrase with what the user typed.
   * @throws {AppError} `WALLET_WRONG_PASSPHRASE`; the state stays what it was
   */
  async unlock(passphrase: string): Promise<WalletStatus> {
    if (this.#keeper.wallet.storage !== 'passphrase') return this.retry()
    await this.#keeper.unlock(passphrase)
    return this.status()
  }

  /** @see WalletKeeper.create */
  async create(words: 12 | 24, passphrase: string): Promise<WalletStatus> {
    await this.#keeper.create(words, passphrase)
    return this.status()
  }

  /** @see WalletKeeper.restore */
  async restore(source: RestoreFrom, isReplacing: boolean): Promise<WalletStatus> {
    await this.#keeper.restore(source, isReplacing)
    return this.status()
  }

  /** @see WalletKeeper.reveal */
  reveal(): Promise<{ words: string[]; hasPassphrase: boolean }> {
    return this.#keeper.reveal()
  }

  /** @see WalletKeeper.askWords */
  askWords(): Promise<number[]> {
    return this.#keeper.askWords()
  }

  /** @see WalletKeeper.confirmWords */
  async confirmWords(
    answers: readonly { readonly position: number; readonly word: string }[],
  ): Promise<WalletStatus> {
    await this.#keeper.confirmWords(answers)
    return this.status()
  }

  /** @see WalletKeeper.exportBackup */
  exportBackup(password: string): Promise<{ fileName: string; text: string }> {
    return this.#keeper.exportBackup(password)
  }

  /** @see WalletKeeper.backupSaved */
  async backupSaved(): Promise<WalletStatus> {
    await this.#keeper.backupSaved()
    return this.status()
  }

  /**
   * A JWT that speaks for the owner to this node.
   * @param ttlMs how long it is good for
   * @throws {AppError} as `signer`
   */
  issueToken(ttlMs: number = TOKEN_TTL_MS): Promise<{ token: string; expiresAtMs: number }> {
    const { publicKey } = this.#keeper.readyKeys()
    return issueToken(this.#keys, { publicKey, scope: 'owner', ttlMs, clock: this.#places.clock })
  }

  /** What the holder of `publicKey` (66 hex) is to sign to log in here. @see loginMessage */
  challenge(publicKey: string): { challenge: string; expiresAtMs: number } {
    return this.#logins.challenge(publicKey)
  }

  /**
   * A token for whoever proves to hold an owner key: this node's owner may do everything with it, others read what they
   * were given. Works with the wallet locked.
   * @param hosts every name under which this node may have been meant, as in `URL.host`
   * @throws {AppError} `UNAUTHORIZED`, `RATE_LIMITED`
   */
  logIn(proof: LoginProof, hosts: readonly string[]): Promise<{ token: string; expiresAtMs: number }> {
    this.#logins.redeem(proof, hosts)
    const { publicKey } = proof
    const scope = publicKey === this.owner() ? 'owner' : 'reader'
    return issueToken(this.#keys, { publicKey, scope, ttlMs: TOKEN_TTL_MS, clock: this.#places.clock })
  }

  /** @throws {AppError} `UNAUTHORIZED` */
  verifyToken(token: string): Promise<TokenBearer> {
    const { clock } = this.#places
    return verifyToken(this.#keys, token, { clock, oipSecret: this.#oipSecret, owner: this.owner() })
  }

  /** Forgets the owner's private keys. */
  close(): void {
    this.#listeners.clear()
    this.#keeper.close()
  }

  #report(): void {
    const { storage, state } = this.status()
    const { log } = this.#places
    if (state !== 'ready') log.warn('wallet.not-ready', { storage, state })
    else if (storage === 'keyfile') log.warn('wallet.key-file', { meaning: KEY_FILE_WARNING })
    else log.info('wallet.ready', { storage })
  }
}

function stillOpening(dataDir: string): OpenedWallet {
  const record = readRecord(dataDir)
  const known = record === undefined || record === 'damaged' ? undefined : record
  return {
    keys: undefined,
    storage: known?.storage ?? 'keychain',
    owner: known?.owner,
    isBackedUp: known?.isBackedUp === true,
    error: new AppError('KEYCHAIN_LOCKED', 'Waiting for the keychain of this computer.', {
      hint: 'Unlock it to add new items; public ones are shared meanwhile.',
    }),
  }
}
