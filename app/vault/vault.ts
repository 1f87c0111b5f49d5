import { secp256k1 } from '@noble/curves/secp256k1.js'
import { AppError } from '../contract/index.ts'
import type { WalletStatus } from '../contract/index.ts'
import type { OwnerSigner } from '../manifest/index.ts'
import { systemClock } from '../ports/clock.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { systemKeychain } from './keychain.ts'
import type { Keychain } from './keychain.ts'
import { Logins } from './logins.ts'
import type { LoginProof } from './logins.ts'
import { readRecord } from './record.ts'
import { openNodeKey } from './node-key.ts'
import type { NodeKey, NodeKeyPair } from './node-key.ts'
import { passphraseFrom } from './passphrase.ts'
import type { PassphraseSource } from './passphrase.ts'
import { issueToken, TOKEN_TTL_MS, verifyToken } from './tokens.ts'
import type { TokenBearer } from './tokens.ts'
import { openWallet, stateOf } from './wallet-opener.ts'
import type { OpenedWallet, WalletPlaces } from './wallet-opener.ts'
import type { OwnerKey } from './wallet.ts'

/** Somebody may be at the screen to unlock the keychain; on a server nobody is. */
const KEYCHAIN_TIMEOUT_MS = { desktop: 30_000, headless: 5_000 }

const WINDOW_PATIENCE_MS = 1500

const KEY_FILE_WARNING =
  'The wallet is protected by file permissions only: whoever can read the data folder, or a backup of it, can act as its owner. A node that starts for the first time with SOWER_PASSPHRASE_FILE set protects it with that passphrase instead.'

export interface VaultOptions {
  /** Absolute path; made when it is not there. */
  readonly dataDir: string
  readonly mode: 'desktop' | 'headless'
  /** @defaultValue the operating system's, through keytar */
  readonly keychain?: Keychain | undefined
  /** @defaultValue the file named by SOWER_PASSPHRASE_FILE in `process.env` */
  readonly passphrase?: PassphraseSource | undefined
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
    passphrase: options.passphrase ?? passphraseFrom(process.env),
    clock,
    log,
  }
  const vault = new Vault(places, keys, stillOpening(dataDir), options.oipSecret)
  const patienceMs = options.patienceMs ?? (mode === 'desktop' ? WINDOW_PATIENCE_MS : undefined)
  await vault.open(patienceMs)
  return vault
}

function stillOpening(dataDir: string): OpenedWallet {
  const record = readRecord(dataDir)
  const known = record === undefined || record === 'damaged' ? undefined : record
  return {
    key: undefined,
    storage: known?.storage ?? 'keychain',
    owner: known?.owner,
    error: new AppError('KEYCHAIN_LOCKED', 'Waiting for the keychain of this computer.', {
      hint: 'Unlock it to add new items; public ones are shared meanwhile.',
    }),
  }
}

/** The owner's key and the node's key while the engine runs. */
export class Vault {
  readonly nodeKey: NodeKey
  readonly #places: WalletPlaces
  readonly #keys: NodeKeyPair
  readonly #logins: Logins
  readonly #oipSecret: Uint8Array | undefined
  #wallet: OpenedWallet
  readonly #listeners = new Set<() => void>()
  #retrying: Promise<void> | undefined
  #isClosed = false

  constructor(places: WalletPlaces, keys: NodeKeyPair, wallet: OpenedWallet, oipSecret?: Uint8Array) {
    this.#places = places
    this.#keys = keys
    this.#logins = new Logins(places.clock)
    this.#oipSecret = oipSecret
    this.nodeKey = keys.nodeKey
    this.#wallet = wallet
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

  /** Told when the wallet opened, or the reason why it does not changed. @returns stops listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  status(): WalletStatus {
    const wallet = this.#wallet
    const { storage } = wallet
    if (wallet.key !== undefined) {
      const message = storage === 'keyfile' ? { message: KEY_FILE_WARNING } : {}
      return {
        storage,
        state: 'ready',
        owner: wallet.key.publicKey,
        isBackedUp: false,
        isReplaceable: false,
        ...message,
      }
    }
    const { message, hint } = wallet.error
    return {
      storage,
      state: stateOf(wallet.error),
      isBackedUp: false,
      isReplaceable: false,
      message: hint === undefined ? message : `${message} ${hint}`,
    }
  }

  /**
   * Signs as the owner.
   * @throws {AppError} `KEYCHAIN_*` or `WALLET_*` while the wallet can't be used
   */
  signer(): OwnerSigner {
    return signerOf(this.#readyKey())
  }

  /** 66 hex: whose node this is, known even while the wallet is locked; null when it never had a wallet. */
  owner(): string | null {
    const wallet = this.#wallet
    return wallet.key === undefined ? (wallet.owner ?? null) : wallet.key.publicKey
  }

  /** Tries again to open the wallet, after the user unlocked the keychain or put something right. */
  async retry(): Promise<WalletStatus> {
    if (this.#wallet.key === undefined) {
      this.#retrying ??= this.#reopen().finally(() => (this.#retrying = undefined))
      await this.#retrying
    }
    return this.status()
  }

  /**
   * A JWT that speaks for the owner to this node.
   * @param ttlMs how long it is good for
   * @throws {AppError} as `signer`
   */
  issueToken(ttlMs: number = TOKEN_TTL_MS): Promise<{ token: string; expiresAtMs: number }> {
    const { publicKey } = this.#readyKey()
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

  /** Forgets the owner's private key. */
  close(): void {
    this.#isClosed = true
    this.#listeners.clear()
    const { key, storage } = this.#wallet
    if (key === undefined) return
    key.privateKey.fill(0)
    const error = new AppError('UNAVAILABLE', 'Sower is stopping.')
    this.#wallet = { key: undefined, storage, owner: key.publicKey, error }
  }

  async #reopen(): Promise<void> {
    const wallet = await openWallet(this.#places)
    if (this.#isClosed) {
      wallet.key?.privateKey.fill(0)
      return
    }
    this.#wallet = wallet
    this.#report()
    for (const listener of this.#listeners) listener()
  }

  #readyKey(): OwnerKey {
    if (this.#wallet.key === undefined) throw this.#wallet.error
    return this.#wallet.key
  }

  #report(): void {
    const { storage, state } = this.status()
    const { log } = this.#places
    if (state !== 'ready') log.warn('wallet.not-ready', { storage, state })
    else if (storage === 'keyfile') log.warn('wallet.key-file', { meaning: KEY_FILE_WARNING })
    else log.info('wallet.ready', { storage })
  }
}

function signerOf(key: OwnerKey): OwnerSigner {
  return {
    publicKey: key.publicKey,
    sign: (hash32) => {
      if (hash32.length !== 32) throw new RangeError('a hash of 32 bytes is signed, nothing else')
      return secp256k1.sign(hash32, key.privateKey, { prehash: false, lowS: true })
    },
  }
}
