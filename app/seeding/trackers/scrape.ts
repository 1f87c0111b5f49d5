import { HttpTransport } from './http-transport.ts'
import { UdpTransport } from './udp-transport.ts'
import { seedsIn, TrackerRefusal } from './announce.ts'

const SOCKET_MS = 8000
const MAX_MESSAGE_BYTES = 64 * 1024

/**
 * Asks one tracker how many complete copies of a torrent it knows, without announcing anything.
 * @param url of the tracker; HTTP, HTTPS, UDP or WebSocket
 * @param infoHash 40 lowercase hex
 * @throws whatever kept it from answering; {@link TrackerRefusal} when it does not say
 * @see https://www.bittorrent.org/beps/bep_0048.html and https://www.bittorrent.org/beps/bep_0015.html
 */
export async function scrape(url: string, infoHash: string): Promise<number> {
  const protocol = URL.parse(url)?.protocol ?? ''
  if (/^wss?:$/.test(protocol)) return scrapeSocket(url, infoHash)
  if (!/^(udp|https?):$/.test(protocol)) throw new TrackerRefusal('It is no tracker.')
  const transport = protocol === 'udp:' ? new UdpTransport(url) : new HttpTransport(url)
  try {
    return await transport.scrape(infoHash)
  } finally {
    transport.close()
  }
}

function scrapeSocket(url: string, infoHash: string): Promise<number> {
  const socket = new WebSocket(url)
  const hash = Buffer.from(infoHash, 'hex').toString('latin1')
  let timer: NodeJS.Timeout | undefined
  return new Promise<number>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('It did not answer.')), SOCKET_MS)
    const closed = (): void => reject(new Error('It could not be reached.'))
    socket.addEventListener('close', closed)
    socket.addEventListener('error', closed)
    socket.addEventListener('open', () => socket.send(JSON.stringify({ action: 'scrape', info_hash: hash })))
    socket.addEventListener('message', ({ data }) => {
      const seeds = seedsInMessage(data, hash)
      if (seeds === undefined) reject(new TrackerRefusal('It does not say.'))
      else resolve(seeds)
    })
  }).finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

function seedsInMessage(data: unknown, hash: string): number | undefined {
  if (typeof data !== 'string' || data.length > MAX_MESSAGE_BYTES) return undefined
  try {
    const { files } = JSON.parse(data) as { files?: Record<string, { complete?: unknown } | null> }
    return seedsIn(files?.[hash]?.complete)
  } catch {
    return undefined // not a tracker message
  }
}
