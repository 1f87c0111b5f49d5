/** What the tests use of bittorrent-tracker 11.2.3, which ships no types. */
declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events'
  import type { Server as HttpServer } from 'node:http'
  import type { Socket } from 'node:dgram'

  export class Server extends EventEmitter {
    constructor(options: {
      readonly udp: boolean
      readonly http: boolean
      readonly ws: boolean
      readonly stats: boolean
      readonly interval: number
    })
    readonly http: HttpServer
    readonly udp4: Socket | null
    readonly udp6: Socket | null
    readonly torrents: Readonly<Record<string, { readonly complete: number; readonly incomplete: number }>>
    listen(
      port: number,
      host: { readonly http: string; readonly udp: string; readonly udp6: string },
      done: () => void,
    ): void
    close(done: () => void): void
  }
}
