import { createHash } from 'node:crypto'
import { AppError } from '../contract/index.ts'

/** A name or an address, lower case, with the port where the URL has one: what WHATWG's `URL.host` gives. */
const HOST = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/
const CHALLENGE = /^[A-Za-z0-9_-]{16,512}$/

/**
 * What an owner key signs to log in to a node: sha256 of `sower-login:v1:<host>:<challenge>`. The host keeps a node that is
 * asked for a challenge from using the answer at another one, so it must be the one the client itself connects to.
 * @param host as in `new URL(address).host`: lower case, with the port unless it is the scheme's own
 * @param challenge as the node gave it
 * @returns 32 bytes, for `vault.signer().sign`
 * @throws {AppError} `BAD_REQUEST` for a host or a challenge of another form, which nobody should sign
 */
export function loginMessage(host: string, challenge: string): Uint8Array {
  if (!HOST.test(host) || !CHALLENGE.test(challenge)) {
    throw new AppError('BAD_REQUEST', 'This log-in does not have the form of one, so it was not signed.')
  }
  return createHash('sha256').update(`sower-login:v1:${host}:${challenge}`).digest()
}
