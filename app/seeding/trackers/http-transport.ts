import { decodeDict, type Bencoded, type BencodedDict } from '../bencode.ts'
import { compactAddresses } from '../extensions.ts'
import {
  intervalOf,
  seedsIn,
  TrackerRefusal,
  type AnnounceAnswer,
  type AnnounceRequest,
  type Transport,
} from './announce.ts'

const TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 256 * 1024
const utf8 = new TextDecoder()

/**
 * Announces to an HTTP tracker.
 * @see https://www.bittorrent.org/beps/bep_0003.html and https://www.bittorrent.org/beps/bep_0023.html
 */
export class HttpTransport implements Transport {
  readonly #url: string
  readonly #abort = new AbortController()

  constructor(url: string) {
    this.#url = url
  }

  async announce(request: AnnounceRequest): Promise<AnnounceAnswer> {
    const query = [
      `info_hash=${percentEncode(request.infoHash)}`,
      `peer_id=${percentEncode(request.peerId)}`,
      `port=${String(request.port)}`,
      'uploaded=0',
      'downloaded=0',
      `left=${String(request.left)}`,
      'compact=1',
      `numwant=${String(request.numwant)}`,
      ...(request.event === undefined ? [] : [`event=${request.event}`]),
    ].join('&')
    return answerOf(await this.#get(this.#url, query))
  }

  /**
   * How many complete copies of this torrent it knows.
   * @throws {TrackerRefusal} when it does not say
   * @see https://www.bittorrent.org/beps/bep_0048.html
   */
  async scrape(infoHash: string): Promise<number> {
    const url = this.#url.replace(/\/announce([^/]*)$/, '/scrape$1')
    if (url === this.#url) throw new TrackerRefusal('It does not say.')
    const files = (await this.#get(url, `info_hash=${percentEncode(infoHash)}`)).get('files')
    const [file] = files instanceof Map && files.size === 1 ? files.values() : []
    const seeds = file instanceof Map ? seedsIn(file.get('complete')) : undefined
    if (seeds === undefined) throw new TrackerRefusal('It does not say.')
    return seeds
  }

  async #get(url: string, query: string): Promise<BencodedDict> {
    const response = await fetch(`${url}${url.includes('?') ? '&' : '?'}${query}`, {
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: { 'user-agent': 'Sower/0.1' },
      // A tracker that came with a link must not send our request on to an address of its choice.
      redirect: 'error',
    })
    return dictOf(await bodyOf(response))
  }

  close(): void {
    this.#abort.abort()
  }
}

function dictOf(body: Uint8Array): BencodedDict {
  let dict
  try {
    dict = decodeDict(body).dict
  } catch (error) {
    throw new TrackerRefusal('It answered something that is not a tracker answer.', { cause: error })
  }
  const refusal = dict.get('failure reason')
  if (refusal instanceof Uint8Array) throw new TrackerRefusal(utf8.decode(refusal.subarray(0, 200)))
  return dict
}

function answerOf(dict: BencodedDict): AnnounceAnswer {
  const leechers = dict.get('incomplete')
  return {
    intervalMs: intervalOf(dict.get('interval')),
    peers: peersOf(dict.get('peers')),
    leechers: typeof leechers === 'number' ? leechers : 0,
    seeds: seedsIn(dict.get('complete')),
  }
}

function peersOf(peers: Bencoded | undefined): string[] {
  if (peers instanceof Uint8Array) return compactAddresses(peers)
  if (!Array.isArray(peers)) return []
  return peers.flatMap((peer) => {
    if (!(peer instanceof Map)) return []
    const ip = peer.get('ip')
    const port = peer.get('port')
    return ip instanceof Uint8Array && typeof port === 'number' ? [`${utf8.decode(ip)}:${String(port)}`] : []
  })
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    if (!(chunk instanceof Uint8Array)) continue
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new TrackerRefusal('Its answer was too long.')
    chunks.push(chunk)
  }
  if (!response.ok) throw new TrackerRefusal(`It answered ${String(response.status)}.`)
  return Buffer.concat(chunks)
}

function percentEncode(hex: string): string {
  return hex.replace(/../g, '%$&')
}
