/** What the tests use of bittorrent-dht 11, which ships no types. */
declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events'

  export default class DHT extends EventEmitter {
    constructor(options: { readonly bootstrap: false | readonly string[] })
    /** k-rpc: every query that arrives is its event. */
    readonly _rpc: EventEmitter
    listen(port: number, host: string): void
    address(): { readonly port: number }
    destroy(done: () => void): void
  }
}
