import { z } from 'zod'
import { AppError, type TransferSource } from '../contract/index.ts'
import { verifyManifest, type Manifest } from '../manifest/index.ts'
import { parseMetainfo } from '../seeding/index.ts'
import { isPermanent, type HttpSource } from './http-source.ts'
import type { Plan } from './plan.ts'
import type { UnsignedHints } from './ports.ts'

/** What is to be fetched, and on whose word. */
export interface Description {
  /** Signature, id and schema hold. */
  readonly manifest?: Manifest
  readonly infoHash?: string
  readonly metainfo?: Uint8Array
  readonly sizeBytes?: number
  readonly name?: string
  /**
   * The source whose word this rests on: if the bytes turn out wrong, it is to blame. Absent when the link
   * itself says all that was used.
   */
  readonly origin?: string
  /** Roads that somebody named without signing for them. */
  readonly unsigned?: UnsignedHints
  /** It is encrypted, and this node can read it. */
  readonly canOpen?: boolean
}

/** `isRemark`: about what the source says, so it stays true however well it gives bytes. */
interface SourceNote {
  readonly state: TransferSource['state']
  readonly note?: string
  readonly isRemark?: boolean
}
type Notes = Map<string, SourceNote>

interface Limits {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

interface Torrent {
  readonly metainfo: Uint8Array
  readonly infoHash: string
  readonly sizeBytes: number
}

export interface Finding {
  readonly description: Description
  /** What became of each source while it was asked; those with nothing to say are left out. */
  readonly notes: ReadonlyMap<string, SourceNote>
  /** Every manifest that holds, the chosen one first. */
  readonly manifests: readonly { readonly manifest: Manifest; readonly label: string }[]
}

/** The few fields of other nodes' answers that help; everything is a hint, whoever sends it. */
const InfoHints = z.looseObject({
  manifest: z.unknown().optional(),
  infoHash: z
    .string()
    .regex(/^[0-9a-f]{40}$/i)
    .optional()
    .catch(undefined),
  name: z.string().min(1).optional().catch(undefined),
  originalName: z.string().min(1).optional().catch(undefined),
})

interface Answer {
  readonly source: HttpSource
  readonly hints?: z.output<typeof InfoHints>
  readonly manifest?: Manifest
}

interface Signed {
  readonly source: HttpSource
  readonly manifest: Manifest
}

/**
 * Asks all HTTP sources at once what they know of the item, checks it, and decides what to go by: the link's
 * own infoHash first, then a signed manifest, then (only when a single source is all there is) that source's torrent.
 */
export async function find(
  plan: Plan,
  sources: readonly HttpSource[],
  signal: AbortSignal,
): Promise<Finding> {
  const notes: Notes = new Map()
  // With an infoHash the swarm can begin; nobody waits long for a server that may be gone.
  const limits = { timeoutMs: plan.infoHash === undefined ? 15_000 : 5000, signal }
  const answers = await Promise.all(sources.map((source) => ask(plan, source, limits, notes)))
  signal.throwIfAborted()
  const only = sources.length === 1 ? answers[0] : undefined
  const name = answers
    .map(({ hints }) => hints?.name ?? hints?.originalName)
    .find((hint) => hint !== undefined)

  if (plan.infoHash !== undefined) {
    // The link says which torrent; whoever describes another size than that torrent's is wrong.
    const torrent = await findTorrent(sources, plan.infoHash, undefined, limits, notes)
    signal.throwIfAborted()
    const best = chooseManifest(plan, answers, torrent?.sizeBytes)
    return {
      notes,
      description: describe({ infoHash: plan.infoHash, name, torrent, manifest: best?.manifest }),
      manifests: allManifests(best, answers),
    }
  }
  const best = chooseManifest(plan, answers, undefined)
  const infoHash = best?.manifest.transport?.bittorrent?.infoHash ?? only?.hints?.infoHash?.toLowerCase()
  // A torrent on nobody's word could make honest sources look like liars, unless there is nobody else to accuse.
  const isAsked = infoHash !== undefined || only !== undefined
  const torrent = isAsked ? await findTorrent(sources, infoHash, best?.manifest.size, limits, notes) : null
  signal.throwIfAborted()
  const origin =
    best?.source.label ?? (torrent !== null || infoHash !== undefined ? only?.source.label : undefined)
  return {
    notes,
    description: describe({ infoHash, name, torrent, manifest: best?.manifest, origin }),
    manifests: allManifests(best, answers),
  }
}

function allManifests(best: Signed | null, answers: readonly Answer[]): Finding['manifests'] {
  const others = answers.filter(({ manifest }) => manifest !== undefined && manifest !== best?.manifest)
  return [...(best === null ? [] : [best]), ...others].flatMap(({ manifest, source }) =>
    manifest === undefined ? [] : [{ manifest, label: source.label }],
  )
}

function describe(parts: {
  readonly infoHash: string | undefined
  readonly name: string | undefined
  readonly torrent: Torrent | null
  readonly manifest: Manifest | undefined
  readonly origin?: string | undefined
}): Description {
  const { manifest, torrent, origin } = parts
  const infoHash = torrent?.infoHash ?? parts.infoHash
  const sizeBytes = torrent?.sizeBytes ?? manifest?.size
  const name = manifest?.name ?? parts.name
  return {
    ...(manifest === undefined ? {} : { manifest }),
    ...(infoHash === undefined ? {} : { infoHash }),
    ...(torrent === null ? {} : { metainfo: torrent.metainfo }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(name === undefined ? {} : { name }),
    ...(origin === undefined ? {} : { origin }),
  }
}

/** The manifest of an earlier run beside what was found now, where the two go together. */
export function withManifest(
  found: Description,
  described: NonNullable<Plan['described']>,
  mediaId: string | undefined,
): Description {
  let manifest
  try {
    manifest = verifyManifest(described.manifest, { mediaId })
  } catch (error) {
    if (error instanceof AppError) return found
    throw error
  }
  const bittorrent = manifest.transport?.bittorrent
  if (found.sizeBytes !== undefined && found.sizeBytes !== manifest.size) return found
  if (found.infoHash !== undefined && bittorrent !== undefined && found.infoHash !== bittorrent.infoHash)
    return found
  const infoHash = found.infoHash ?? bittorrent?.infoHash
  return {
    ...found,
    manifest,
    sizeBytes: manifest.size,
    ...(infoHash === undefined ? {} : { infoHash }),
    ...(manifest.name === undefined ? {} : { name: manifest.name }),
    ...(described.origin === undefined ? {} : { origin: described.origin }),
  }
}

async function ask(plan: Plan, source: HttpSource, limits: Limits, notes: Notes): Promise<Answer> {
  let info: unknown
  try {
    info = await source.info(limits.signal, limits.timeoutMs)
  } catch (error) {
    noteFailure(notes, source, error)
    return { source }
  }
  const hints = InfoHints.safeParse(info)
  if (!hints.success || hints.data.manifest === undefined || plan.mediaId === undefined) {
    return { source, ...(hints.success ? { hints: hints.data } : {}) }
  }
  try {
    return {
      source,
      hints: hints.data,
      manifest: verifyManifest(hints.data.manifest, { mediaId: plan.mediaId }),
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    notes.set(source.label, { state: 'connecting', note: error.message, isRemark: true })
    return { source, hints: { ...hints.data, manifest: undefined } }
  }
}

/** The newest version of the publisher the link names; without one, of whoever comes first. */
function chooseManifest(
  plan: Plan,
  answers: readonly Answer[],
  sizeBytes: number | undefined,
): Signed | null {
  const signed = answers.flatMap(({ source, manifest }) =>
    manifest === undefined ? [] : [{ source, manifest }],
  )
  const fits = signed.filter(({ manifest }) => {
    const infoHash = manifest.transport?.bittorrent?.infoHash
    const isSameTorrent = plan.infoHash === undefined || infoHash === undefined || infoHash === plan.infoHash
    return isSameTorrent && (sizeBytes === undefined || manifest.size === sizeBytes)
  })
  const owner = fits.find(({ manifest }) => manifest.oip.creatorPubKey === plan.pub) ?? fits[0]
  return fits
    .filter(({ manifest }) => manifest.oip.creatorPubKey === owner?.manifest.oip.creatorPubKey)
    .reduce<(typeof fits)[number] | null>(
      (newest, next) => (newest === null || next.manifest.version > newest.manifest.version ? next : newest),
      null,
    )
}

/** The metainfo of this torrent from whoever of these has it. */
export async function fetchMetainfo(
  sources: readonly HttpSource[],
  infoHash: string,
  sizeBytes: number | undefined,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const torrent = await findTorrent(sources, infoHash, sizeBytes, { timeoutMs: 5000, signal }, new Map())
  return torrent?.metainfo
}

async function findTorrent(
  sources: readonly HttpSource[],
  infoHash: string | undefined,
  sizeBytes: number | undefined,
  { timeoutMs, signal }: Limits,
  notes: Notes,
): Promise<Torrent | null> {
  const found = await Promise.all(
    sources.map(async (source) => {
      if (notes.get(source.label)?.state === 'failed') return null
      const metainfo = await source.metainfo(signal, timeoutMs).catch(() => null)
      if (metainfo === null) return null
      try {
        const parsed = parseMetainfo(metainfo)
        const isOther =
          (infoHash !== undefined && parsed.infoHash !== infoHash) ||
          (sizeBytes !== undefined && parsed.sizeBytes !== sizeBytes)
        if (!isOther) {
          return { metainfo, infoHash: parsed.infoHash, sizeBytes: parsed.sizeBytes }
        }
        notes.set(source.label, {
          state: 'connecting',
          note: 'It offers another torrent than the one asked for.',
          isRemark: true,
        })
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        notes.set(source.label, { state: 'connecting', note: error.message, isRemark: true })
      }
      return null
    }),
  )
  return found.find((torrent) => torrent !== null) ?? null
}

function noteFailure(notes: Notes, source: HttpSource, error: unknown): void {
  if (!(error instanceof AppError)) throw error
  if (error.code === 'CANCELLED') return
  // An ordinary web server has the bytes without knowing what a node would know about them.
  const isPlainServer =
    error.code === 'NOT_FOUND' || error.message.endsWith('does not answer as a node does.')
  notes.set(source.label, {
    state: isPermanent(error) && !isPlainServer ? 'failed' : 'connecting',
    ...(isPlainServer ? {} : { note: error.message }),
  })
}
