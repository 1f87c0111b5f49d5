import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { AppError } from '../contract/index.ts'
import { isOwnerSignature } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import { loginMessage } from './login-message.ts'

const CHALLENGE_MS = 2 * 60 * 1000
const MAX_USED = 10_000
const NONCE_BYTES = 16
const TIME_BYTES = 6
const MAC_BYTES = 32
const CHALLENGE_BYTES = NONCE_BYTES + TIME_BYTES + MAC_BYTES

/** Somebody's proof that they hold an owner key. */
export interface LoginProof {
  /** 66 hex. */
  readonly publicKey: string
  /** As it was given out. */
  readonly challenge: string
  /** Base64url, 64-byte compact ECDSA with low S over `loginMessage(host, challenge)`. */
  readonly signature: string
}

/**
 * Challenges that prove an owner key: for one key, for two minutes, used once. They carry their own authenticity, so that
 * asking for them costs no memory; only what was redeemed is remembered, for as long as it could be tried again.
 */
export class Logins {
  readonly #key = randomBytes(32)
  readonly #used = new Map<string, number>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param publicKey 66 hex: who is going to log in */
  challenge(publicKey: string): { challenge: string; expiresAtMs: number } {
    const expiresAtMs = this.#clock.nowMs() + CHALLENGE_MS
    const stem = Buffer.alloc(NONCE_BYTES + TIME_BYTES)
    randomBytes(NONCE_BYTES).copy(stem)
    stem.writeUIntBE(expiresAtMs, NONCE_BYTES, TIME_BYTES)
    const challenge = Buffer.concat([stem, this.#mac(stem, publicKey)]).toString('base64url')
    return { challenge, expiresAtMs }
  }

  /**
   * Uses up the challenge, whether or not the rest holds.
   * @param hosts every name under which this node may have been meant; the signature is over one of them
   * @throws {AppError} `UNAUTHORIZED`, with the same words for every reason; `RATE_LIMITED` when too many log in at once
   */
  redeem({ publicKey, challenge, signature }: LoginProof, hosts: readonly string[]): void {
    this.#use(publicKey, challenge)
    const isProven = hosts.some((host) =>
      isOwnerSignature(publicKey, loginMessage(host, challenge), signature),
    )
    if (!isProven) throw refused()
  }

  #use(publicKey: string, challenge: string): void {
    const bytes = Buffer.from(challenge, 'base64url')
    if (bytes.length !== CHALLENGE_BYTES || bytes.toString('base64url') !== challenge) throw refused()
    const stem = bytes.subarray(0, NONCE_BYTES + TIME_BYTES)
    if (!timingSafeEqual(bytes.subarray(stem.length), this.#mac(stem, publicKey))) throw refused()
    const expiresAtMs = stem.readUIntBE(NONCE_BYTES, TIME_BYTES)
    const nowMs = this.#clock.nowMs()
    // Past its time, or given out before the clock was set back: its trace below may be gone.
    if (nowMs >= expiresAtMs || expiresAtMs > nowMs + CHALLENGE_MS || this.#used.has(challenge)) {
      throw refused()
    }
    if (this.#used.size >= MAX_USED) this.#forgetExpired(nowMs)
    this.#used.set(challenge, expiresAtMs)
  }

  #forgetExpired(nowMs: number): void {
    for (const [challenge, expiresAtMs] of this.#used) {
      if (nowMs >= expiresAtMs) this.#used.delete(challenge)
    }
    if (this.#used.size < MAX_USED) return
    throw new AppError('RATE_LIMITED', 'Too many people are logging in at the moment.', {
      hint: 'Try again in two minutes.',
    })
  }

  #mac(stem: Uint8Array, publicKey: string): Buffer {
    return createHmac('sha256', this.#key).update(stem).update(publicKey).digest()
  }
}

function refused(): AppError {
  return new AppError('UNAUTHORIZED', 'This log-in does not hold.', {
    hint: 'Ask for a new challenge and sign it within two minutes, with the address you sent it to.',
  })
}
