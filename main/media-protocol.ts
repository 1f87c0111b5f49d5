import { Readable } from 'node:stream'
import { request } from 'node:http'
import type { EngineAddresses } from '../app/contract/index.ts'

const PASSED_ON = [
  'content-type',
  'content-length',
  'content-range',
  'accept-ranges',
  'etag',
  'x-content-type-options',
]

/**
 * Answers `sower-media://item/<mediaId>` in the window with the engine's bytes: ranges pass through, the control token never
 * reaches the page.
 */
export function createMediaProtocol(
  addresses: () => EngineAddresses | undefined,
): (request: Request) => Promise<Response> {
  return async (incoming) => {
    const { host, pathname } = new URL(incoming.url)
    const mediaId = pathname.slice(1)
    const engine = addresses()
    if (host !== 'item' || !/^[0-9a-f]{64}$/.test(mediaId)) return new Response(null, { status: 404 })
    if (!engine) return new Response(null, { status: 503 })
    return passOn(`${engine.controlUrl}/media/${mediaId}`, engine.controlToken, incoming)
  }
}

function passOn(url: string, token: string, incoming: Request): Promise<Response> {
  return new Promise((resolve) => {
    const range = incoming.headers.get('range')
    const outgoing = request(
      url,
      {
        method: incoming.method === 'HEAD' ? 'HEAD' : 'GET',
        headers: { authorization: `Bearer ${token}`, ...(range === null ? {} : { range }) },
      },
      (answer) => {
        const headers = new Headers()
        for (const name of PASSED_ON) {
          const value = answer.headers[name]
          if (typeof value === 'string') headers.set(name, value)
        }
        const status = answer.statusCode ?? 502
        const hasBody = incoming.method !== 'HEAD' && status !== 204 && status !== 304
        // Node's and the DOM's ReadableStream are the same thing under two type names.
        const body = hasBody ? (Readable.toWeb(answer) as unknown as ReadableStream) : null
        resolve(new Response(body, { status, headers }))
      },
    )
    // The player seeks or closes: stop reading from disk at once.
    incoming.signal.addEventListener('abort', () => outgoing.destroy())
    outgoing.on('error', () => resolve(new Response(null, { status: 503 })))
    outgoing.end()
  })
}
