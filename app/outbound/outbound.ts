import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { AppError } from '../contract/index.ts'
import {
  guardedRequest,
  type Agents,
  type GuardedRequestOptions,
  type GuardedResponse,
  type Resolve,
} from './guarded-request.ts'

export interface OutboundDeps {
  /** @defaultValue the operating system's resolver */
  readonly resolve?: Resolve
  /** Connections kept to one host. @defaultValue 4 */
  readonly maxConnectionsPerHost?: number
}

/**
 * Guarded requests over connections that are kept open between them. Connections made to hosts the user
 * allowed are never lent to a request without that allowance.
 */
export class Outbound {
  readonly #resolve: Resolve | undefined
  readonly #guarded: Agents
  readonly #allowed: Agents

  constructor({ resolve, maxConnectionsPerHost = 4 }: OutboundDeps = {}) {
    this.#resolve = resolve
    const pool = { keepAlive: true, maxSockets: maxConnectionsPerHost, maxFreeSockets: 2, timeout: 60_000 }
    this.#guarded = { http: new http.Agent(pool), https: new https.Agent(pool) }
    this.#allowed = { http: new http.Agent(pool), https: new https.Agent(pool) }
  }

  /** See {@link guardedRequest}. */
  request(url: string | URL, options: GuardedRequestOptions): Promise<GuardedResponse> {
    return guardedRequest(url, {
      resolve: this.#resolve,
      agents: (isPrivateAllowed) => (isPrivateAllowed ? this.#allowed : this.#guarded),
      ...options,
    })
  }

  /** Closes every connection; requests still running fail. */
  close(): void {
    for (const agents of [this.#guarded, this.#allowed]) {
      agents.http.destroy()
      agents.https.destroy()
    }
  }
}

/**
 * The whole of a body that is known to be small.
 * @throws {AppError} what the body fails with; `PAYLOAD_TOO_LARGE` beyond `maxBytes`
 */
export async function collectBody(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    const bytes = chunk as Buffer // a Readable without encoding yields buffers
    sizeBytes += bytes.length
    if (sizeBytes > maxBytes) {
      throw new AppError('PAYLOAD_TOO_LARGE', `The answer is longer than the ${maxBytes} bytes allowed here.`)
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks, sizeBytes)
}
