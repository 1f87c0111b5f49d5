import { createHash, randomBytes } from 'node:crypto'

/** What a wallet is made of, and all that is kept of it. Whoever holds it last wipes it. */
export interface WalletSecret {
  /** BIP-39: 16 bytes (12 words) or 32 bytes (24 words). */
  readonly entropy: Buffer
  /**
   * BIP-39's 64 bytes of words *and passphrase*, for a wallet that has a passphrase: it opens without asking, and the
   * passphrase itself is kept nowhere.
   */
  readonly seed?: Buffer | undefined
}

const SECOND_FORM = /^sower-wallet:2:([0-9a-f]{32}|[0-9a-f]{64}):([0-9a-f]{128}):([0-9a-f]{8})$/
const CHECK_CHARS = 8

/** A fresh secret from the operating system's generator. */
export function newEntropy(words: 12 | 24 = 12): Buffer {
  return randomBytes(words === 12 ? 16 : 32)
}

/**
 * A wallet as it is kept, in the keychain as text: 32 or 64 hex digits of entropy; with a passphrase
 * `sower-wallet:2:<entropy>:<seed>:<first 8 hex digits of the sha256 of all before>`.
 */
export function secretToText({ entropy, seed }: WalletSecret): string {
  if (seed === undefined) return entropy.toString('hex')
  const body = `sower-wallet:2:${entropy.toString('hex')}:${seed.toString('hex')}:`
  return body + checkOf(body)
}

/** @returns undefined for anything that is not a wallet as it is kept */
export function secretFromText(text: string): WalletSecret | undefined {
  if (/^([0-9a-f]{32}|[0-9a-f]{64})$/.test(text)) return { entropy: Buffer.from(text, 'hex') }
  const [, entropy, seed, check] = SECOND_FORM.exec(text) ?? []
  if (entropy === undefined || seed === undefined) return undefined
  if (checkOf(text.slice(0, -CHECK_CHARS)) !== check) return undefined
  return { entropy: Buffer.from(entropy, 'hex'), seed: Buffer.from(seed, 'hex') }
}

/** The same for sealed files: the bytes of the entropy alone; with a passphrase the text of {@link secretToText}. */
export function secretToBytes(secret: WalletSecret): Buffer {
  return secret.seed === undefined ? Buffer.from(secret.entropy) : Buffer.from(secretToText(secret), 'ascii')
}

/** @returns undefined for anything that is not a wallet as it is kept; copies, never views of `bytes` */
export function secretFromBytes(bytes: Uint8Array): WalletSecret | undefined {
  if (bytes.length === 16 || bytes.length === 32) return { entropy: Buffer.from(bytes) }
  return secretFromText(Buffer.from(bytes).toString('ascii'))
}

/** Overwrites the secret; what was copied from it stays. */
export function wipeSecret({ entropy, seed }: WalletSecret): void {
  entropy.fill(0)
  seed?.fill(0)
}

function checkOf(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, CHECK_CHARS)
}
