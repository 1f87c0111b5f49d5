import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildManifest, signManifest, type Manifest } from '../../app/manifest/index.ts'
import { magnetURI, parseMetainfo } from '../../app/seeding/index.ts'
import { testSigner } from './fetch-node.ts'
import type { SampleTorrent } from './sample-torrent.ts'

export interface WebNode extends AsyncDisposable {
  readonly url: string
  /** `127.0.0.1:port`: how it is called in a transfer's sources. */
  readonly label: string
  readonly requests: { readonly path: string; readonly range: string | undefined }[]
  stop(): Promise<void>
}

export interface WebNodeOptions {
  /** The bytes given out; the sample's own by default. */
  readonly bytes?: Buffer
  readonly manifest?: unknown
  readonly metainfo?: Uint8Array | null
  readonly hasRanges?: boolean
  /** Cuts the connection after this many bytes of each answer. */
  readonly cutAfterBytes?: number
  /** Of each answer. */
  readonly bytesPerSec?: number
  /** `bytesPerSec` is that of all answers together. */
  readonly isRateShared?: boolean
  /** Answers every request with this. */
  readonly status?: number
  /** Where the bytes are; a node's own address by default. */
  readonly path?: string
}

/** A web server on loopback that answers as a node (or, told so, as a plain, broken or lying server) does. */
export async function startWebNode(sample: SampleTorrent, options: WebNodeOptions = {}): Promise<WebNode> {
  const requests: WebNode['requests'] = []
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', range: request.headers.range })
    answer(sample, options, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const stop = (): Promise<void> => closeServer(server)
  return {
    url: `http://127.0.0.1:${String(port)}`,
    label: `127.0.0.1:${String(port)}`,
    requests,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The publisher's manifest of a sample. */
export function publisherManifest(
  sample: SampleTorrent,
  changes: {
    sizeBytes?: number
    withTorrent?: boolean
    mime?: string
    owner?: string
    transport?: Record<string, unknown>
    chunks?: Manifest['chunks']
  } = {},
): Manifest {
  const signer = testSigner(changes.owner ?? 'publisher')
  const { infoHash, pieceLength, trackers } = parseMetainfo(sample.metainfo)
  const unsigned = buildManifest({
    mediaId: sample.mediaId,
    sizeBytes: changes.sizeBytes ?? sample.sizeBytes,
    mime: changes.mime ?? 'application/octet-stream',
    name: sample.name,
    createdAt: '2026-01-02T03:04:05.000Z',
    accessLevel: 'public',
    owner: signer.publicKey,
    ...(changes.withTorrent === false
      ? {}
      : {
          bittorrent: {
            infoHash,
            magnetURI: magnetURI({ infoHash, name: sample.name, trackers }),
            trackers: [...trackers],
            pieceLength,
          },
        }),
  })
  return signManifest(
    {
      ...unsigned,
      transport: { ...unsigned.transport, ...changes.transport },
      ...(changes.chunks === undefined ? {} : { chunks: changes.chunks }),
    },
    signer,
  )
}

function answer(
  sample: SampleTorrent,
  options: WebNodeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { mediaId } = sample
  const { pathname } = new URL(request.url ?? '/', 'http://x')
  if (options.status !== undefined) response.writeHead(options.status).end('no')
  else if (pathname === `/api/media/${mediaId}/info` && options.manifest !== undefined) {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ manifest: options.manifest }))
  } else if (
    pathname === `/api/media/${mediaId}/torrent` &&
    options.metainfo !== null &&
    options.metainfo !== undefined
  ) {
    response.writeHead(200).end(options.metainfo)
  } else if (pathname === (options.path ?? `/media/${mediaId}`))
    sendBytes(options.bytes ?? sample.bytes, options, request, response)
  else response.writeHead(404).end()
}

function sendBytes(
  bytes: Buffer,
  options: WebNodeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const match = /^bytes=(\d+)-(\d*)$/.exec(options.hasRanges === false ? '' : (request.headers.range ?? ''))
  const start = match === null ? 0 : Number(match[1])
  const end = match === null || match[2] === '' ? bytes.length : Math.min(bytes.length, Number(match[2]) + 1)
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${String(bytes.length)}` }).end()
    return
  }
  const headers = { 'content-length': end - start }
  if (match === null) response.writeHead(200, headers)
  else
    response.writeHead(206, {
      ...headers,
      'content-range': `bytes ${String(start)}-${String(end - 1)}/${String(bytes.length)}`,
    })
  const part = bytes.subarray(start, end)
  if (options.cutAfterBytes !== undefined && part.length > options.cutAfterBytes) {
    response.write(part.subarray(0, options.cutAfterBytes), () => response.destroy())
    return
  }
  if (options.bytesPerSec === undefined) {
    response.end(part)
    return
  }
  const { bytesPerSec, isRateShared = false } = options
  const running = answersOf(options)
  running.add(response)
  let at = 0
  const timer = setInterval(() => {
    const step = Math.max(1, Math.floor(bytesPerSec / 20 / (isRateShared ? running.size : 1)))
    response.write(part.subarray(at, at + step))
    at += step
    if (at >= part.length) {
      clearInterval(timer)
      response.end()
    }
  }, 50)
  response.on('close', () => {
    running.delete(response)
    clearInterval(timer)
  })
}

/** The answers of one server that are under way; its options are its own. */
function answersOf(options: WebNodeOptions): Set<ServerResponse> {
  const answers = ANSWERS.get(options) ?? new Set()
  ANSWERS.set(options, answers)
  return answers
}
const ANSWERS = new WeakMap<WebNodeOptions, Set<ServerResponse>>()

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
