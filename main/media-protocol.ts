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
 * Answers `sower-media://item/<mediaId>` and `sower-media://transfer/<id>` (a download that can be watched already) in the
 * window with the engine's bytes: ranges pass through, the control token never reaches the page.
 */
export function createMediaProtocol(
  addresses: () => EngineAddresses | undefined,
): (request: Request) => Promise<Response> {
  return async (incoming) => {
    const path = controlPathOf(incoming.url)
    const engine = addresses()
    if (path === undefined) return new Response(null, { status: 404 })
    if (!engine) return new Response(null, { status: 503 })
    return passOn(engine.controlUrl + path, engine.controlToken, incoming)
  }
}

/** Where the control listener has what a media address of the window names; nothing else of it can be reached this way. */
export function controlPathOf(url: string): string | undefined {
  const { host, pathname } = new URL(url)
  const id = pathname.slice(1)
  if (host === 'item' && /^[0-9a-f]{64}$/.test(id)) return `/media/${id}`
  if (host === 'transfer' && /^[A-Za-z0-9_-]{1,64}$/.test(id)) return `/transfers/${id}/media`
  return undefined
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
