import type { TrackerStatus } from '../types.ts'
import type { Announced } from './announce.ts'
import { HttpTransport } from './http-transport.ts'
import { Pacer, PolledChannel, type Channel } from './polled-channel.ts'
import { SocketChannel, type SocketHost } from './socket-channel.ts'
import { UdpTransport } from './udp-transport.ts'

/** Announces every torrent to the node's trackers, and a download also to those its link names. */
export class Announcer {
  readonly #host: SocketHost
  readonly #pacer = new Pacer()
  readonly #channels = new Map<string, Channel>()
  readonly #announced = new Map<string, { announced: Announced; extra: readonly string[] }>()
  #trackers: readonly string[]

  constructor(trackers: readonly string[], host: SocketHost) {
    this.#trackers = unique(trackers)
    this.#host = host
    for (const url of this.#trackers) this.#channel(url)
  }

  /** @param extra trackers for this one alone, beside the node's own */
  add(announced: Announced, extra: readonly string[] = []): void {
    this.#announced.set(announced.infoHash, { announced, extra: unique(extra) })
    for (const url of unique([...this.#trackers, ...extra])) this.#channel(url)?.add(announced)
  }

  complete(infoHash: string): void {
    for (const channel of this.#channels.values()) channel.complete(infoHash)
  }

  remove(infoHash: string): void {
    if (!this.#announced.delete(infoHash)) return
    for (const [url, channel] of this.#channels) {
      channel.remove(infoHash)
      if (channel.size === 0 && !this.#trackers.includes(url)) this.#drop(url)
    }
  }

  setTrackers(trackers: readonly string[]): void {
    const before = this.#trackers
    this.#trackers = unique(trackers)
    for (const url of before) {
      if (this.#trackers.includes(url)) continue
      const channel = this.#channels.get(url)
      for (const { announced, extra } of this.#announced.values()) {
        if (!extra.includes(url)) channel?.remove(announced.infoHash)
      }
      if (channel?.size === 0) this.#drop(url)
    }
    for (const url of this.#trackers) {
      if (before.includes(url)) continue
      const channel = this.#channel(url)
      for (const { announced, extra } of this.#announced.values())
        if (!extra.includes(url)) channel?.add(announced)
    }
  }

  statuses(): TrackerStatus[] {
    return [...this.#channels.values()].map((channel) => channel.status())
  }

  async close(): Promise<void> {
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()))
    this.#channels.clear()
  }

  #drop(url: string): void {
    const channel = this.#channels.get(url)
    this.#channels.delete(url)
    channel?.close().catch(() => undefined) // nothing more is wanted of it
  }

  #channel(url: string): Channel | undefined {
    const known = this.#channels.get(url)
    if (known !== undefined) return known
    const channel = this.#make(url)
    if (channel !== undefined) this.#channels.set(url, channel)
    return channel
  }

  #make(url: string): Channel | undefined {
    const protocol = URL.parse(url)?.protocol
    if (protocol === 'ws:' || protocol === 'wss:') return new SocketChannel(url, this.#host)
    if (protocol === 'http:' || protocol === 'https:')
      return new PolledChannel(url, new HttpTransport(url), this.#pacer, this.#host)
    if (protocol === 'udp:') return new PolledChannel(url, new UdpTransport(url), this.#pacer, this.#host)
    return undefined
  }
}

/**
 * Trackers are compared as URLs: `wss://host`, `wss://host/` and `wss://host/#x` are the same one. Asked over two sockets, it takes their peers for
 * one and lets offers and answers go astray.
 */
function unique(urls: readonly string[]): string[] {
  return [...new Set(urls.flatMap((url) => URL.parse(url) ?? []).map(addressOf))]
}

function addressOf(url: URL): string {
  url.hash = ''
  const { href, pathname, search } = url
  return pathname === '/' && search === '' ? href.replace(/\/$/, '') : href
}
