/** One thing that is announced; `left` decides whether a tracker counts it as a seed. */
export interface Announced {
  /** 40 lowercase hex. */
  readonly infoHash: string
  /** Bytes still missing; 0 = a complete seed. */
  left(): number
  /** How many more peers it would connect to; a complete seed is happy with those who come to it. */
  wanted(): number
}

export type AnnounceEvent = 'started' | 'stopped' | 'completed'

/** What goes to an HTTP or UDP tracker in one announce. */
export interface AnnounceRequest {
  readonly infoHash: string
  /** 40 hex. */
  readonly peerId: string
  readonly port: number
  readonly left: number
  readonly numwant: number
  readonly event: AnnounceEvent | undefined
}

export interface AnnounceAnswer {
  readonly intervalMs: number
  /** `ip:port` */
  readonly peers: readonly string[]
  /** How many of all peers it knows still miss something. */
  readonly leechers: number
  /** How many have all of it; absent when it does not say. */
  readonly seeds?: number | undefined
}

/** How an announce gets to one tracker and back. */
export interface Transport {
  announce(request: AnnounceRequest): Promise<AnnounceAnswer>
  close(): void
}

/** The tracker understood and said no; its own words. */
export class TrackerRefusal extends Error {
  override readonly name = 'TrackerRefusal'
}

export const DEFAULT_INTERVAL_MS = 30 * 60_000
const MIN_INTERVAL_MS = 60_000

export function intervalOf(seconds: unknown): number {
  const isSound = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0
  return isSound
    ? Math.min(Math.max(seconds * 1000, MIN_INTERVAL_MS), 2 * DEFAULT_INTERVAL_MS)
    : DEFAULT_INTERVAL_MS
}

/** A count of complete copies as a tracker gives it; undefined when it is none. */
export function seedsIn(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
