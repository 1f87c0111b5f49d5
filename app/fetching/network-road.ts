import { AppError } from '../contract/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Plan } from './plan.ts'
import type { FetchNetwork, UnsignedHints } from './ports.ts'

/** What the network says of an item. */
export interface NetworkFinding {
  /** Its signature, id and schema hold. */
  readonly manifest?: Manifest
  /** On whose word: the network's, as this publisher gave it. */
  readonly origin: string
  /** What somebody wrote without a signature: good for finding bytes, which have to fit the item's sha256. */
  readonly unsigned?: UnsignedHints
  /** http(s) addresses of others who have it. */
  readonly addresses: readonly string[]
  readonly isWithdrawn: boolean
}

const MAX_ADDRESSES = 8
const UNSIGNED = 'network (unsigned)'

/**
 * Asks the network what an item is and who has it.
 * @returns `null` when nobody knows it; what is known from before counts while nobody can be asked
 */
export async function askNetwork(
  network: FetchNetwork | undefined,
  { mediaId, recordOf, pub, refused }: Pick<Plan, 'mediaId' | 'recordOf' | 'pub' | 'refused'>,
): Promise<NetworkFinding | null> {
  if (network === undefined || mediaId === undefined) return null
  try {
    const [{ known, foreign }, { peers }] = await Promise.all([
      network.lookup(mediaId, { ...hintsOf(pub), recordOf }),
      network.presenceOf(mediaId),
    ])
    const addresses = peers
      .filter(({ isSelf }) => !isSelf)
      .toSorted((a, b) => Number(b.isFresh) - Number(a.isFresh))
      .flatMap(({ endpoints }) => endpoints)
      .filter((address) => /^https?:\/\//i.test(address))
    const isWithdrawn = known?.revocation !== undefined
    const origin =
      known === undefined ? UNSIGNED : `network (${known.manifest.oip.creatorPubKey.slice(0, 12)}…)`
    const isRefused = refused[origin] !== undefined
    const manifest = isWithdrawn || isRefused ? undefined : known?.manifest
    const unsigned = known === undefined && !isRefused ? foreign : undefined
    if (manifest === undefined && unsigned === undefined && addresses.length === 0 && !isWithdrawn)
      return null
    return {
      ...(manifest === undefined ? {} : { manifest }),
      ...(unsigned === undefined ? {} : { unsigned }),
      origin,
      addresses: [...new Set(addresses)].slice(0, MAX_ADDRESSES),
      isWithdrawn,
    }
  } catch (error) {
    // It ended meanwhile, or its relays did: the other roads are still there.
    if (error instanceof AppError) return null
    throw error
  }
}

function hintsOf(pub: string | undefined): { pub?: string; owner?: string } {
  if (pub === undefined) return {}
  return pub.includes('.') ? { pub } : { owner: pub }
}
