import { AppError } from '../contract/index.ts'
import type { Reader } from '../manifest/index.ts'
import { HttpProblem } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import type { TokenVerifier } from './ports.ts'
import type { TokenBuckets } from './token-buckets.ts'

const STRANGER: Reader = { kind: 'stranger' }
/** RFC 8725: no honest token of ours is longer. */
const MAX_TOKEN_LENGTH = 4096

/** The token of an Authorization header, `undefined` without one. @throws {AppError} `UNAUTHORIZED` for another scheme */
export function bearerToken(exchange: Exchange): string | undefined {
  const header = exchange.req.headers.authorization
  if (header === undefined) return undefined
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(header)?.[1]
  if (token === undefined || token.length > MAX_TOKEN_LENGTH) throw badToken()
  return token
}

export function badToken(cause?: unknown): AppError {
  return new AppError('UNAUTHORIZED', 'This token is not valid, or no longer.', {
    hint: 'Get a new one with: sower token',
    cause,
  })
}

/** Turns 429 into an error with the header that says when to come back. */
export function rateLimited(waitMs: number): HttpProblem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  return new HttpProblem(
    new AppError('RATE_LIMITED', `Too many requests from your address. Try again in ${seconds} s.`),
    { headers: { 'retry-after': seconds } },
  )
}

/** Tells who asks from the owner's tokens, and slows down whoever guesses. */
export class ViewerCheck {
  readonly #vault: TokenVerifier
  readonly #buckets: TokenBuckets
  readonly #limits: HttpLimits

  constructor(vault: TokenVerifier, buckets: TokenBuckets, limits: HttpLimits) {
    this.#vault = vault
    this.#buckets = buckets
    this.#limits = limits
  }

  /** @throws {AppError} `UNAUTHORIZED` when there is a token and it does not hold: it is never silently ignored */
  async identify(exchange: Exchange): Promise<Reader> {
    const token = this.#guarded(exchange, () => bearerToken(exchange))
    if (token === undefined) return STRANGER
    try {
      const { publicKey, scope } = await this.#vault.verifyToken(token)
      const owner = this.#vault.owner()
      // With the wallet locked nobody knows the owner, but this node gave the token to them; what needs the key says so itself.
      const isNodeOwner = scope === 'owner' && (owner === null || publicKey === owner)
      return { kind: 'bearer', publicKey, isNodeOwner }
    } catch (error) {
      if (error instanceof AppError && error.code === 'UNAUTHORIZED') {
        this.#charge(exchange)
        throw badToken(error)
      }
      throw error
    }
  }

  /** @throws {AppError} `UNAUTHORIZED` without a token, `FORBIDDEN` with somebody else's */
  async requireOwner(exchange: Exchange): Promise<void> {
    const viewer = await this.identify(exchange)
    if (viewer.kind === 'stranger') {
      throw new AppError('UNAUTHORIZED', 'This needs the token of the node’s owner.', {
        hint: 'Get one with: sower token, and send it as Authorization: Bearer <token>',
      })
    }
    if (!viewer.isNodeOwner) throw new AppError('FORBIDDEN', 'Only the owner of this node may do this.')
  }

  #guarded<T>(exchange: Exchange, read: () => T): T {
    const rate = this.#rate(exchange)
    if (exchange.req.headers.authorization !== undefined && !this.#buckets.has(this.#key(exchange), rate)) {
      throw rateLimited(1000 / rate.ratePerSec)
    }
    try {
      return read()
    } catch (error) {
      this.#charge(exchange)
      throw error
    }
  }

  #charge(exchange: Exchange): void {
    this.#buckets.take(this.#key(exchange), this.#rate(exchange))
  }

  #key(exchange: Exchange): string {
    return `badToken ${exchange.clientKey}`
  }

  #rate({ isLoopback }: Exchange): HttpLimits['rates']['badToken']['stranger'] {
    return this.#limits.rates.badToken[isLoopback ? 'loopback' : 'stranger']
  }
}
