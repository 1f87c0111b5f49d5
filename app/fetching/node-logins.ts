import { isIP } from 'node:net'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import type { OwnerSigner } from '../manifest/index.ts'
import { collectBody, isGlobalAddress } from '../outbound/index.ts'
import type { Clock } from '../ports/clock.ts'
import { loginMessage } from '../vault/index.ts'
import type { OutboundRequests } from './http-source.ts'

const MAX_ANSWER_BYTES = 16 * 1024
const TIMEOUT_MS = 15_000
/** A node that refused is not asked again at once: the owner key is shown to it each time. */
const REFUSED_FOR_MS = 60_000
/** A token this close to its end is not used any more. */
const SPARE_MS = 30_000

const Challenge = z.looseObject({ challenge: z.string().min(16).max(512) })
const Token = z.looseObject({ token: z.string().min(1).max(8192), expiresAt: z.iso.datetime() })

interface NodeLoginsInit {
  readonly outbound: OutboundRequests
  /** Throws while the wallet is not open. */
  readonly signer: () => OwnerSigner
  readonly clock: Clock
}

interface Login {
  readonly publicKey: string
  /** `null` = refused. */
  readonly token: string | null
  readonly untilMs: number
}

/**
 * Tokens of nodes that keep an item from strangers: got by proving the owner key, kept in memory, each for the node that gave
 * it and for the wallet it was given to. See docs/decisions/0010-fetching-encrypted-items.md.
 */
export class NodeLogins {
  readonly #init: NodeLoginsInit
  readonly #logins = new Map<string, Login>()
  readonly #asking = new Map<string, Promise<string | null>>()

  constructor(init: NodeLoginsInit) {
    this.#init = init
  }

  /** One that is known and still good. */
  known(node: string): string | null {
    const publicKey = this.#publicKey()
    const login = this.#logins.get(node)
    if (login === undefined || login.publicKey !== publicKey) return null
    return login.untilMs > this.#init.clock.nowMs() ? login.token : null
  }

  /**
   * Proves the owner key to a node.
   * @param node its address, without a slash at the end
   * @param isPrivateAllowed whether this address may be on this machine or network
   * @returns a token for this node; `null` while the wallet is not open, when the node gives none, and over connections others
   * can listen to
   */
  get(node: string, isPrivateAllowed: boolean, signal: AbortSignal): Promise<string | null> {
    const publicKey = this.#publicKey()
    if (publicKey === null || !isConfidential(new URL(node))) return Promise.resolve(null)
    const before = this.#logins.get(node)
    if (before?.publicKey === publicKey && before.untilMs > this.#init.clock.nowMs())
      return Promise.resolve(before.token)
    const asking =
      this.#asking.get(node) ??
      this.#logIn(node, publicKey, isPrivateAllowed, signal).finally(() => this.#asking.delete(node))
    this.#asking.set(node, asking)
    return asking
  }

  /** The node does not take this one any more. */
  drop(node: string, token: string): void {
    if (this.#logins.get(node)?.token === token) this.#logins.delete(node)
  }

  async #logIn(
    node: string,
    publicKey: string,
    isPrivateAllowed: boolean,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { clock, signer } = this.#init
    try {
      const { challenge } = Challenge.parse(
        await this.#post(new URL(`${node}/api/auth/challenge`), { publicKey }, isPrivateAllowed, signal),
      )
      const owner = signer()
      if (owner.publicKey !== publicKey) return null
      const signature = Buffer.from(owner.sign(loginMessage(new URL(node).host, challenge)))
      const proof = { publicKey, challenge, signature: signature.toString('base64url') }
      const given = Token.parse(
        await this.#post(new URL(`${node}/api/auth/token`), proof, isPrivateAllowed, signal),
      )
      const untilMs = Date.parse(given.expiresAt) - SPARE_MS
      this.#logins.set(node, { publicKey, token: given.token, untilMs })
      return given.token
    } catch (error) {
      if (!(error instanceof AppError || error instanceof z.ZodError || error instanceof SyntaxError))
        throw error
      if (!signal.aborted)
        this.#logins.set(node, { publicKey, token: null, untilMs: clock.nowMs() + REFUSED_FOR_MS })
      return null
    }
  }

  async #post(url: URL, body: unknown, isPrivateAllowed: boolean, signal: AbortSignal): Promise<unknown> {
    const { status, body: answer } = await this.#init.outbound.request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      requestBody: JSON.stringify(body),
      maxRedirects: 0,
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      allowPrivateHosts: (_host, target) => isPrivateAllowed && target.origin === url.origin,
      signal,
    })
    if (status !== 200) {
      answer.destroy()
      throw new AppError('UNAUTHORIZED', `${url.host} gives no access.`)
    }
    return JSON.parse((await collectBody(answer, MAX_ANSWER_BYTES)).toString('utf8')) as unknown
  }

  #publicKey(): string | null {
    try {
      return this.#init.signer().publicKey
    } catch (error) {
      if (error instanceof AppError) return null
      throw error
    }
  }
}

/** Whether nobody on the way can read a token: TLS, or an address of this machine or network itself. */
function isConfidential({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return host === 'localhost' || (isIP(host) !== 0 && !isGlobalAddress(host))
}
