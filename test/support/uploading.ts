import { Outbound } from '../../app/outbound/index.ts'
import { ask, startTestNode } from '../integration/http/test-node.ts'
import type { Answer, TestNode } from '../integration/http/test-node.ts'

const MIB = 1024 * 1024

/** A part of a form: a field, or, with a file name, a file. */
export type Part = readonly [name: string, value: string | Uint8Array, fileName?: string]

export const BOUNDARY = 'sower-test-boundary'

/** A node that takes uploads of up to 40 MiB. */
export function startUploadNode(): Promise<TestNode> {
  const outbound = new Outbound()
  return startTestNode({
    settings: { maxUploadBytes: 40 * MIB },
    limits: {
      uploadMinRateBytesPerSec: 1_000_000,
      uploadRateWindowMs: 300,
      lingerMs: 300,
      headersTimeoutMs: 1000,
    },
    // The addresses of these tests are on this machine; that others are refused is tested with the guard switched on.
    outbound: {
      request: (address, options) => {
        const allowPrivateHosts = (host: string): boolean => host === '127.0.0.1'
        return outbound.request(address, { ...options, allowPrivateHosts })
      },
    },
  })
}

export const authorized = ({ ownerToken }: TestNode): Record<string, string> => ({
  authorization: `Bearer ${ownerToken}`,
})

export const uploadUrl = ({ url }: TestNode): string => `${url}/api/media/upload`

/** The body of a multipart form. */
export function formBody(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(([name, value, fileName]) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"`,
    fileName === undefined ? '' : `; filename="${fileName}"\r\nContent-Type: application/octet-stream`,
    '\r\n\r\n',
    value,
    '\r\n',
  ])
  return Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece as string)))
}

/** Uploads by form, as the node's owner unless the headers say otherwise. */
export function sendForm(
  node: TestNode,
  parts: readonly Part[],
  headers = authorized(node),
): Promise<Answer> {
  const body = formBody(parts)
  return ask(uploadUrl(node), {
    method: 'POST',
    body,
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': body.length,
      ...headers,
    },
  })
}

/** The same by JSON. */
export function sendJson(node: TestNode, value: unknown, headers = authorized(node)): Promise<Answer> {
  return ask(uploadUrl(node), {
    method: 'POST',
    body: JSON.stringify(value),
    headers: { 'content-type': 'application/json', ...headers },
  })
}
