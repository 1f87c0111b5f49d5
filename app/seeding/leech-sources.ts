import type { TransferSource } from '../contract/index.ts'
import type { HttpSource, RangeSource } from './http-source.ts'
import type { Link } from './link.ts'

/** What a download knows of those it fetches from. */
interface KnownSources {
  /** Peers given by address. */
  readonly addresses: readonly string[]
  readonly links: Iterable<Link>
  readonly https: Iterable<HttpSource>
  /** HTTP sources that wait for the metainfo. */
  readonly waiting: Iterable<RangeSource>
  readonly dropped: readonly TransferSource[]
  readonly hasTrackers: boolean
  readonly isPaused: boolean
  /** Of connections that have ended. */
  readonly pastBytes: number
}

/** Where bytes come from, for the user: `swarm`, peers given by address, HTTP sources, and those that were dropped. */
export function listSources(known: KnownSources): TransferSource[] {
  const { isPaused, dropped } = known
  const listed = new Map<string, TransferSource>()
  for (const label of known.addresses)
    listed.set(label, { kind: 'torrent', label, state: isPaused ? 'idle' : 'connecting', bytes: 0 })
  let swarmBytes = known.pastBytes
  let active = 0
  let others = 0
  for (const link of known.links) {
    const bytes = link.download.totalBytes
    const isActive = link.download.rateBytesPerSec() > 0
    const label = labelOf(link)
    if (listed.has(label))
      listed.set(label, { kind: 'torrent', label, state: isActive ? 'active' : 'idle', bytes })
    else {
      others += 1
      swarmBytes += bytes
      if (isActive) active += 1
    }
  }
  const droppedLabels = new Set(dropped.map(({ label }) => label))
  const swarm: TransferSource = {
    kind: 'torrent',
    label: 'swarm',
    state: active > 0 ? 'active' : others > 0 || isPaused ? 'idle' : 'connecting',
    bytes: swarmBytes,
  }
  return [
    ...(known.hasTrackers || others > 0 || swarmBytes > 0 ? [swarm] : []),
    ...[...listed.values()].filter(({ label }) => !droppedLabels.has(label)),
    ...[...known.https].map((source) => source.view()).filter(({ state }) => state !== 'dropped'),
    ...[...known.waiting].map(
      ({ kind = 'http', label }) => ({ kind, label, state: 'connecting', bytes: 0 }) as const,
    ),
    ...dropped,
  ]
}

/** What the user recognises a peer by. */
export function labelOf(link: Link): string {
  return link.peer.addr?.replace(/^::ffff:/, '') ?? link.peer.id
}
