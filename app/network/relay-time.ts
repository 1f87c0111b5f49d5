import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'

const TIMEOUT_MS = 10_000
/** A date is given in whole seconds: half of one is missing on average. */
const ROUNDED_MS = 500

/**
 * Asks a relay what time it is, by the date of an HTTP answer of its own server: GUN says none.
 * @param url http(s) or ws(s)
 * @returns milliseconds since the epoch; undefined when it says none
 */
export function askTime(url: string): Promise<number | undefined> {
  const address = new URL(url.replace(/^ws/i, 'http'))
  const request = address.protocol === 'https:' ? secureRequest : plainRequest
  return new Promise((resolve) => {
    const asking = request(address, { method: 'HEAD', agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) })
    asking.once('response', ({ headers }) => {
      asking.destroy()
      const dateMs = Date.parse(headers.date ?? '')
      resolve(Number.isNaN(dateMs) ? undefined : dateMs + ROUNDED_MS)
    })
    asking.on('error', () => resolve(undefined))
    asking.end()
  })
}
