import type { TransferSource } from '../contract/index.ts'
import type { HttpSource, RangeSource } from './http-source.ts'
import type { Link } from './link.ts'

/** What a download knows of those it fetches from. */
interface KnownSources {
  /** Peers given by address. */
  readonly addresses: readonly string[]
  readonly links: Iterable<Link>
  /** Whether a peer has something that is missing here; only looking for the same, it is none to fetch from yet. */
  readonly isOffering: (link: Link) => boolean
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
  const states = new Set<TransferSource['state']>(isPaused ? ['idle'] : [])
  let others = 0
  for (const link of known.links) {
    const bytes = link.download.totalBytes
    const label = labelOf(link)
    const isActive = link.download.rateBytesPerSec() > 0
    const state = isActive ? 'active' : known.isOffering(link) ? 'idle' : 'connecting'
    if (listed.has(label)) listed.set(label, { kind: 'torrent', label, state, bytes })
    else {
      others += 1
      swarmBytes += bytes
      states.add(state)
    }
  }
  const droppedLabels = new Set(dropped.map(({ label }) => label))
  const swarm: TransferSource = {
    kind: 'torrent',
    label: 'swarm',
    state: (['active', 'idle'] as const).find((state) => states.has(state)) ?? 'connecting',
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

/** Whether it has any piece, as far as can be told before it is known how many there are. */
export function hasAnyPiece({ wire: { peerPieces } }: Link): boolean {
  return peerPieces.get(0) || peerPieces.buffer.some((bits) => bits !== 0)
}
