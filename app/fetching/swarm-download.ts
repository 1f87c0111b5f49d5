import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, type TransferSource } from '../contract/index.ts'
import { parseMetainfo, type HeadBytes, type ManifestTaker } from '../seeding/index.ts'
import type { Description } from './find.ts'
import type { HttpSource } from './http-source.ts'
import type { LeechHandle, LeechSwarm, Patience } from './ports.ts'

export interface SwarmDownloadArgs {
  readonly swarm: LeechSwarm
  readonly description: Description & { readonly infoHash: string }
  readonly path: string
  readonly verified: Uint8Array | undefined
  /** What comes by another road at the same time; what is in it is not fetched here. */
  readonly head: GrowingHead | undefined
  readonly trackers: readonly string[]
  readonly peers: readonly string[]
  /** By the name the torrent gives the file, once known: an address of a folder needs it. */
  readonly sourcesFor: (fileName: string | undefined) => readonly HttpSource[]
  /** The same file can also be had over plain HTTP, so there is no point in waiting for ever. */
  readonly hasOtherRoad: boolean
  readonly patience: Patience
  readonly signal: AbortSignal
  /** Called with metainfo from the swarm or the description, before a byte is stored; may refuse. */
  readonly onMetainfo: (metainfo: Uint8Array, sizeBytes: number, name: string) => Promise<void>
  readonly onProgress: (progress: SwarmProgress) => void
  /** With the leech's last word, however it ended. */
  readonly onStopped: (bitfield: Uint8Array) => void
  /** What the peers know of the item, beside its bytes. */
  readonly manifests: ManifestTaker
  /** Nothing can be kept yet, or not as well as it could be, for want of a manifest. */
  readonly isUndescribed: () => boolean
  readonly isPrivate: boolean
  /** Why it makes no sense to go on, if there is a reason; asked a few times a second. */
  readonly fault: () => AppError | null
  /** Called once, before anything else happens. */
  readonly onLeech: (leech: LeechHandle) => void
  /** How long to wait for a manifest when every piece is there, even while nobody is connected who could give one. */
  readonly manifestMs: number
}

export interface GrowingHead extends HeadBytes {
  /** @returns ends it */
  onGrown(listener: () => void): () => void
}

export interface SwarmProgress {
  readonly bytesDone: number
  readonly rateBytesPerSec: number
  readonly sources: TransferSource[]
  readonly hasMetainfo: boolean
}

/**
 * - `done`: every piece is there and fits the torrent
 * - `stalled`: nobody gives anything (any more); another road, or the same one later
 * - `misled`: all who were asked failed the torrent's own hashes, and the torrent rests on one source's word
 */
export type SwarmOutcome = 'done' | 'stalled' | 'misled'

const TICK_MS = 250
/** For a manifest from Sower nodes that are connected. */
const MANIFEST_FROM_PEERS_MS = 3000

/** Fetches from the swarm and from HTTP sources at once, piece by piece. */
export async function downloadFromSwarm(args: SwarmDownloadArgs): Promise<SwarmOutcome> {
  const { description, signal } = args
  signal.throwIfAborted()
  const leech = args.swarm.leech({
    infoHash: description.infoHash,
    ...(description.metainfo === undefined ? {} : { metainfo: description.metainfo }),
    acceptMetainfo: (metainfo) => refuseOtherSize(metainfo.sizeBytes, description),
    filePath: args.path,
    ...(args.verified === undefined ? {} : { verified: args.verified }),
    ...(args.head === undefined ? {} : { head: args.head }),
    trackers: [...args.trackers],
    peers: [...args.peers],
    reach: args.isPrivate ? 'trackers' : 'everywhere',
    manifests: args.manifests,
  })
  args.onLeech(leech)
  const ended = Promise.withResolvers<SwarmOutcome>()
  const disposers: (() => void)[] = []
  const abort = (): void => ended.reject(signal.reason as Error) // whoever aborts gives an error
  signal.addEventListener('abort', abort, { once: true })
  disposers.push(() => signal.removeEventListener('abort', abort))

  const https: HttpSource[] = []
  let taken: Promise<void> | undefined
  const takeMetainfo = async (metainfo: Uint8Array): Promise<void> => {
    const parsed = parseMetainfo(metainfo)
    await args.onMetainfo(metainfo, parsed.sizeBytes, parsed.name)
    for (const source of args.sourcesFor(parsed.name)) {
      https.push(source)
      leech.addHttpSource(source)
    }
  }
  const onMetainfo = (): void => {
    const metainfo = leech.metainfo()
    if (metainfo === null) return
    taken ??= takeMetainfo(metainfo)
    taken.catch(ended.reject)
  }
  const tell = (): void => {
    const fault = args.fault()
    if (fault !== null) ended.reject(fault)
    const { bytesDone, rateBytesPerSec } = leech
    args.onProgress({
      bytesDone,
      rateBytesPerSec,
      sources: leech.sources(),
      hasMetainfo: taken !== undefined,
    })
  }
  disposers.push(
    args.head?.onGrown(() => leech.headGrew()) ?? (() => undefined),
    leech.on('metainfo', onMetainfo),
    leech.on('done', () => ended.resolve('done')),
    leech.on('error', (error) => ended.reject(error instanceof Error ? error : new Error(String(error)))),
    watch(leech, https, args, (outcome) => ended.resolve(outcome)),
  )
  const ticking = setInterval(() => {
    try {
      tell()
    } catch (error) {
      ended.reject(error)
    }
  }, TICK_MS)
  disposers.push(() => clearInterval(ticking))
  try {
    const outcome = await ended.promise
    await taken
    if (outcome === 'done') await lingerForManifest(leech, args)
    return outcome
  } catch (error) {
    if (isMisled(error, description)) return 'misled'
    throw error
  } finally {
    for (const dispose of disposers) dispose()
    try {
      tell()
    } finally {
      const bitfield = leech.bitfield()
      await leech.stop()
      args.onStopped(bitfield)
    }
  }
}

/** Ends the wait when nothing comes and something else could be tried. */
function watch(
  leech: LeechHandle,
  https: readonly HttpSource[],
  args: SwarmDownloadArgs,
  end: (outcome: SwarmOutcome) => void,
): () => void {
  const { patience, description, hasOtherRoad } = args
  const startedMs = performance.now()
  let bytes = leech.bytesDone
  let gainedMs = startedMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
    if (leech.bytesDone > bytes) gainedMs = nowMs
    bytes = leech.bytesDone
    if (leech.metainfo() === null) {
      if (hasOtherRoad && nowMs - startedMs > patience.metainfoMs) end('stalled')
      return
    }
    const http = leech.sources().filter(({ kind }) => kind !== 'torrent')
    const isEverybodyDropped = http.length > 0 && http.every(({ state }) => state === 'dropped')
    if (isEverybodyDropped && description.origin !== undefined) end('misled')
    const isOut = ({ label, state }: TransferSource): boolean =>
      state === 'dropped' || state === 'failed' || https.some((one) => one.label === label && one.isWholeOnly)
    const isEverybodyOut = http.every(isOut)
    const isQuiet = nowMs - gainedMs > (isEverybodyOut && hasOtherRoad ? 3000 : patience.stallMs)
    if (isQuiet && http.length > 0 && isEverybodyOut) end('stalled')
  }, TICK_MS)
  return () => clearInterval(timer)
}

/** The bytes are there, but nobody has said yet what they are: peers stay connected for a while. */
async function lingerForManifest(leech: LeechHandle, args: SwarmDownloadArgs): Promise<void> {
  const { manifestMs, signal } = args
  const startedMs = performance.now()
  leech.askForManifest()
  while (args.isUndescribed()) {
    const fault = args.fault()
    if (fault !== null) throw fault
    const waitMs = leech.manifestPeerCount > 0 ? MANIFEST_FROM_PEERS_MS : 0
    if (performance.now() - startedMs >= Math.max(waitMs, manifestMs)) return
    await sleep(50, undefined, { signal })
  }
}

class OtherSize extends Error {}

function refuseOtherSize(sizeBytes: number, description: Description): void {
  if (description.sizeBytes === undefined || description.sizeBytes === sizeBytes) return
  throw new AppError('METAINFO_INVALID', 'The torrent is of another size than the item’s manifest says.', {
    hint: 'Nothing was stored.',
    cause: new OtherSize(),
  })
}

function isMisled(error: unknown, description: Description): boolean {
  return error instanceof AppError && error.cause instanceof OtherSize && description.origin !== undefined
}
