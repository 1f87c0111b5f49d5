import type WebTorrent from 'webtorrent'
import type { Log } from '../ports/log.ts'
import { DhtAnnouncer } from './dht.ts'
import { LocalDiscovery } from './lsd.ts'
import type { Announced } from './trackers/announce.ts'
import { Announcer } from './trackers/announcer.ts'
import type { SocketHost } from './trackers/socket-channel.ts'
import type { Reach, SwarmOptions, TrackerStatus } from './types.ts'

interface DiscoveryHost extends SocketHost {
  /** Somebody in the local network fetches this torrent. */
  onSearch(infoHash: string, address: string): void
}

interface Publicity {
  readonly isLeech: boolean
  readonly reach: Reach
  /** Trackers for this one alone, beside the node's own. */
  readonly trackers?: readonly string[]
}

/** How torrents are found and find others: trackers, DHT and the local network, as far as they are switched on. */
export class Discovery {
  readonly #announcer: Announcer
  readonly #dht: DhtAnnouncer | null
  readonly #lsd: LocalDiscovery | null

  constructor(client: WebTorrent, options: SwarmOptions, host: DiscoveryHost, log: Log) {
    this.#announcer = new Announcer(options.trackers, host)
    const peerPort = (): number => host.peerPort()
    const onPeers = (infoHash: string, addresses: readonly string[]): void =>
      host.onPeers(infoHash, addresses, 1)
    this.#dht = client.dht === false ? null : new DhtAnnouncer(client.dht, peerPort, { onPeers }, log)
    this.#lsd = options.isLsdEnabled ? new LocalDiscovery(host, log) : null
    this.#lsd?.start()
  }

  add(announced: Announced, { isLeech, reach, trackers = [] }: Publicity): void {
    if (reach === 'nowhere') return
    this.#announcer.add(announced, trackers)
    if (reach === 'trackers') return
    this.#dht?.add(announced.infoHash, isLeech)
    // A seed need not call: it hears those who search.
    if (isLeech) this.#lsd?.search(announced.infoHash)
  }

  /** It turned out to be private: trackers only from now on. */
  hide(infoHash: string): void {
    this.#dht?.remove(infoHash)
    this.#lsd?.forget(infoHash)
  }

  complete(infoHash: string): void {
    this.#announcer.complete(infoHash)
  }

  remove(infoHash: string): void {
    this.#announcer.remove(infoHash)
    this.hide(infoHash)
  }

  setTrackers(trackers: readonly string[]): void {
    this.#announcer.setTrackers(trackers)
  }

  statuses(): TrackerStatus[] {
    return this.#announcer.statuses()
  }

  async close(): Promise<void> {
    this.#dht?.close()
    this.#lsd?.close()
    await this.#announcer.close()
  }
}
