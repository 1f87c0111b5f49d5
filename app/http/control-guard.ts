import { AppError } from '../contract/index.ts'
import { isSameSecret } from './control-token.ts'
import type { Exchange } from './exchange.ts'
import { badToken, bearerToken } from './viewer.ts'

/**
 * Keeps web pages out of the control listener: any page in the user's browser can send requests to 127.0.0.1, by its number
 * (then Origin or Sec-Fetch-Site gives it away) or by a name that resolves to it (then Host does).
 */
export class ControlGuard {
  readonly #token: string
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>

  constructor(token: string, port: number) {
    this.#token = token
    const hosts = [`127.0.0.1:${port}`, `[::1]:${port}`, `localhost:${port}`]
    this.#hosts = new Set(hosts)
    this.#origins = new Set(hosts.map((host) => `http://${host}`))
  }

  /** @throws {AppError} `MISDIRECTED`, `FORBIDDEN`; before anything else is looked at */
  checkOrigin({ req, path }: Exchange): void {
    const hosts = valuesOf(req.rawHeaders, 'host')
    const [host = ''] = hosts
    if (hosts.length !== 1 || !this.#hosts.has(host.toLowerCase()) || !path.startsWith('/')) {
      throw new AppError('MISDIRECTED', 'This address is for this computer’s own programs only.', {
        hint: 'Use the address that Sower printed when it started.',
      })
    }
    const isForeign = valuesOf(req.rawHeaders, 'origin').some((origin) => !this.#origins.has(origin))
    const site = req.headers['sec-fetch-site']
    // `same-site` would be a page from another port of this computer.
    if (isForeign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
      throw new AppError('FORBIDDEN', 'Web pages of other sites can’t control this node.')
    }
  }

  /** Whether the request carries the token. @throws {AppError} `UNAUTHORIZED` when it carries another */
  hasToken(exchange: Exchange): boolean {
    const given = bearerToken(exchange)
    if (given === undefined) return false
    if (!isSameSecret(given, this.#token)) throw badControlToken()
    return true
  }

  /** @throws {AppError} `UNAUTHORIZED` */
  requireToken(exchange: Exchange): void {
    if (!this.hasToken(exchange)) throw badControlToken()
  }
}

function badControlToken(): AppError {
  return new AppError('UNAUTHORIZED', 'This needs the node’s control token.', {
    hint: 'It is in the file control.token of the data folder.',
    cause: badToken(),
  })
}

/** All values of a header, which Node's own table would merge or drop. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}
