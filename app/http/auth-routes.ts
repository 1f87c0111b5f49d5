import { z } from 'zod'
import { AppError, PersonKey } from '../contract/index.ts'
import { readJson } from './body.ts'
import { sendJson } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { ownHosts } from './own-hosts.ts'
import type { LoginDesk } from './ports.ts'
import type { Route } from './router.ts'
import type { TokenBuckets } from './token-buckets.ts'
import { rateLimited } from './viewer.ts'

const MAX_BODY_BYTES = 2048

export const ChallengeRequest = z.strictObject({ publicKey: PersonKey })
export const TokenRequest = z.strictObject({
  publicKey: PersonKey,
  challenge: z.string().min(16).max(512),
  signature: z.string().length(86),
})

export interface AuthRoutesOptions {
  readonly vault: LoginDesk
  readonly buckets: TokenBuckets
  readonly limits: HttpLimits
  /** The address others use, when the operator gave one. */
  readonly publicUrl: () => string | null
}

/** Logging in with an owner key: a challenge, its signature, a token. The same for everybody, whoever's node it is. */
export class AuthRoutes {
  readonly #options: AuthRoutesOptions

  constructor(options: AuthRoutesOptions) {
    this.#options = options
  }

  routes(): readonly Route[] {
    return [
      { method: 'POST', path: '/api/auth/challenge', answer: (exchange) => this.#challenge(exchange) },
      { method: 'POST', path: '/api/auth/token', answer: (exchange) => this.#token(exchange) },
    ]
  }

  async #challenge(exchange: Exchange): Promise<void> {
    this.#spend(exchange)
    const { publicKey } = await this.#read(exchange, ChallengeRequest)
    const { challenge, expiresAtMs } = this.#options.vault.challenge(publicKey)
    sendJson(exchange, 200, { challenge, expiresAt: new Date(expiresAtMs).toISOString() })
  }

  async #token(exchange: Exchange): Promise<void> {
    const { vault, publicUrl } = this.#options
    this.#spend(exchange)
    const hosts = ownHosts(exchange.req, publicUrl())
    const proof = await this.#read(exchange, TokenRequest)
    const { token, expiresAtMs } = await vault.logIn(proof, hosts)
    sendJson(exchange, 200, { token, expiresAt: new Date(expiresAtMs).toISOString() })
  }

  /** Checking a signature costs a thousand times what asking for it does. */
  #spend({ clientKey, isLoopback }: Exchange): void {
    const { buckets, limits } = this.#options
    const waitMs = buckets.take(
      `login ${clientKey}`,
      limits.rates.login[isLoopback ? 'loopback' : 'stranger'],
    )
    if (waitMs > 0) throw rateLimited(waitMs)
  }

  async #read<T extends z.ZodType>(exchange: Exchange, schema: T): Promise<z.output<T>> {
    const parsed = schema.safeParse(
      await readJson(exchange, MAX_BODY_BYTES, this.#options.limits.bodyTimeoutMs),
    )
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw new AppError(
      'BAD_REQUEST',
      `This log-in can’t be understood: “${issue?.path.join('.') ?? ''}” is not valid.`.slice(0, 300),
    )
  }
}
