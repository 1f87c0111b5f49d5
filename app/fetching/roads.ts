import type { Settings } from '../contract/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Description } from './find.ts'
import { gatewaysOf } from './gateways.ts'
import { HttpSource, type OutboundRequests } from './http-source.ts'
import type { NodeLogins } from './node-logins.ts'
import type { Plan } from './plan.ts'
import { usablePeers, usableTrackers, webSourcesOf } from './web-source.ts'

type SwarmSettings = Pick<
  Settings,
  'trackers' | 'isDhtEnabled' | 'isLsdEnabled' | 'ipfsGateways' | 'arweaveGateways'
>

/** Whom a download may ask: what the user typed, what the link names, what the publisher names; never a refused one. */
export class Roads {
  readonly #plan: Plan
  readonly #outbound: OutboundRequests
  readonly #logins: NodeLogins
  readonly #settings: () => SwarmSettings
  readonly #onRevocation: ((value: unknown) => void) | undefined

  constructor(
    plan: Plan,
    {
      outbound,
      logins,
      onRevocation,
    }: {
      readonly outbound: OutboundRequests
      readonly logins: NodeLogins
      readonly onRevocation?: ((value: unknown) => void) | undefined
    },
    settings: () => SwarmSettings,
  ) {
    this.#plan = plan
    this.#outbound = outbound
    this.#logins = logins
    this.#onRevocation = onRevocation
    this.#settings = settings
  }

  /** @param fileName for addresses of folders (BEP 19), once the torrent is known */
  http(description: Description = {}, fileName?: string): HttpSource[] {
    const { kind, mediaId, typedWeb, webSources, refused, isEncrypted } = this.#plan
    const transport = description.manifest?.transport ?? unsignedTransport(description)
    const named = [
      ...(transport.http ?? []),
      ...(transport.bittorrent?.webSeeds ?? []),
      ...this.#plan.foundWeb,
    ]
    const gateways = gatewaysOf(transport, this.#settings(), mediaId)
    const mayLogIn = { linked: isEncrypted, named: description.canOpen === true }
    return webSourcesOf({
      kind,
      mediaId,
      typed: typedWeb,
      linked: webSources,
      named,
      gateways,
      fileName,
      mayLogIn,
    })
      .filter(({ label }) => refused[label] === undefined)
      .map((source) => new HttpSource(source, this.#outbound, this.#logins, this.#onRevocation))
  }

  /** Those of `http` that only the description names. */
  named(description: Description): HttpSource[] {
    const asked = new Set(this.http().map(({ source }) => source.bytesUrl.href))
    return this.http(description).filter(({ source }) => !asked.has(source.bytesUrl.href))
  }

  /** Those of the link and the manifest; the node's own only when they name none. */
  trackers(description: Description): string[] {
    const named = usableTrackers([
      ...this.#plan.trackers,
      ...(description.manifest?.transport?.bittorrent?.trackers ?? []),
    ])
    return named.length > 0 ? named : [...this.#settings().trackers]
  }

  peers(): string[] {
    return [...new Set([...this.#plan.typedPeers, ...usablePeers(this.#plan.peers)])]
  }

  /** Whether there is any way to meet somebody in the swarm. */
  hasPeople(description: Description): boolean {
    const { isDhtEnabled, isLsdEnabled } = this.#settings()
    const isFindable = (isDhtEnabled || isLsdEnabled) && !this.#plan.isEncrypted
    return isFindable || this.peers().length > 0 || this.trackers(description).length > 0
  }

  /** A name for want of a better one: the last part of the first address. */
  nameFromAddress(): string | undefined {
    const last = this.http()[0]?.source.bytesUrl.pathname.split('/').at(-1) ?? ''
    try {
      const name = decodeURIComponent(last)
      return name === '' || name.toLowerCase() === this.#plan.mediaId ? undefined : name
    } catch {
      return undefined // not an encoded name
    }
  }
}

/** The same fields as in a manifest, on nobody's word. */
function unsignedTransport({ unsigned }: Description): NonNullable<Manifest['transport']> {
  const { http = [], ipfsCid, arweaveTxId } = unsigned ?? {}
  return {
    http: [...http],
    ...(ipfsCid === undefined ? {} : { ipfs: { cid: ipfsCid } }),
    ...(arweaveTxId === undefined ? {} : { arweave: { txId: arweaveTxId } }),
  }
}
