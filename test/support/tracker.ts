import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Server } from 'bittorrent-tracker'

/** One announce as the tracker saw it. */
export interface SeenAnnounce {
  readonly kind: 'start' | 'update' | 'complete' | 'stop'
  readonly infoHash: string
  readonly numwant: number
  readonly left: number
}

/** A real tracker on loopback: the same torrents over HTTP, UDP and WebSocket. */
export interface LocalTracker extends AsyncDisposable {
  readonly http: string
  readonly udp: string
  readonly ws: string
  readonly announces: readonly SeenAnnounce[]
  /** Resolves when an announce like that has been or is being made. */
  seen(isIt: (announce: SeenAnnounce) => boolean, timeoutMs?: number): Promise<SeenAnnounce>
  stop(): Promise<void>
}

/** @param intervalMs how often HTTP and UDP peers are to announce; WebSocket peers five times as often */
export async function startTracker({ intervalMs = 10 * 60_000 } = {}): Promise<LocalTracker> {
  const server = new Server({ udp: true, http: true, ws: true, stats: false, interval: intervalMs })
  const announces: SeenAnnounce[] = []
  const waiting = new Set<() => void>()
  for (const kind of ['start', 'update', 'complete', 'stop'] as const) {
    server.on(
      kind,
      (_address: string, params: { info_hash?: unknown; numwant?: unknown; left?: unknown }) => {
        const { info_hash: hash, numwant, left } = params
        announces.push({
          kind,
          infoHash: typeof hash === 'string' ? hash : '',
          numwant: typeof numwant === 'number' ? numwant : -1,
          left: typeof left === 'number' ? left : -1,
        })
        for (const check of waiting) check()
      },
    )
  }
  server.on('warning', () => undefined)
  server.on('error', () => undefined)
  const sockets = new Set<Socket>()
  server.http.on('connection', (socket: Socket) => sockets.add(socket))
  const listening = once(server, 'listening')
  server.listen(0, { http: '127.0.0.1', udp: '127.0.0.1', udp6: '::1' }, () => undefined)
  await listening
  const address = server.http.address()
  if (address === null || typeof address === 'string' || server.udp4 === null)
    throw new Error('tracker did not listen')
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    http: `http://127.0.0.1:${String(address.port)}/announce`,
    udp: `udp://127.0.0.1:${String(server.udp4.address().port)}/announce`,
    ws: `ws://127.0.0.1:${String(address.port)}`,
    announces,
    seen: (isIt, timeoutMs = 10_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('the tracker saw no such announce')), timeoutMs)
        const check = (): void => {
          const found = announces.find(isIt)
          if (found === undefined) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve(found)
        }
        waiting.add(check)
        check()
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
