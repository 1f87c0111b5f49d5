import { HttpTransport } from './http-transport.ts'
import { UdpTransport } from './udp-transport.ts'
import { seedsIn, TrackerRefusal } from './announce.ts'
import { openSocket } from './tracker-socket.ts'

const SOCKET_MS = 8000

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
  const socket = openSocket(url)
  const hash = Buffer.from(infoHash, 'hex').toString('latin1')
  let timer: NodeJS.Timeout | undefined
  return new Promise<number>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('It did not answer.')), SOCKET_MS)
    socket.on('close', () => reject(new Error('It could not be reached.')))
    socket.on('open', () => socket.send(JSON.stringify({ action: 'scrape', info_hash: hash })))
    // Text comes as one Buffer unless ws is told otherwise.
    socket.on('message', (data) => {
      const seeds = seedsInMessage((data as Buffer).toString(), hash)
      if (seeds === undefined) reject(new TrackerRefusal('It does not say.'))
      else resolve(seeds)
    })
  }).finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

function seedsInMessage(data: string, hash: string): number | undefined {
  try {
    const { files } = JSON.parse(data) as { files?: Record<string, { complete?: unknown } | null> }
    return seedsIn(files?.[hash]?.complete)
  } catch {
    return undefined // not a tracker message
  }
}
