import { hash } from 'node:crypto'
import type { FetchNetwork } from '../../app/fetching/index.ts'
import type { Manifest } from '../../app/manifest/index.ts'

export interface FakeNetwork extends FetchNetwork {
  /** What it knows from now on. */
  knows(mediaId: string, what: Known): void
  readonly asked: { readonly mediaId: string; readonly pub?: string; readonly owner?: string }[]
}
interface Known {
  readonly manifest?: Manifest
  readonly foreign?: Foreign
  readonly endpoints?: readonly string[]
  /** Given out as chunks, whatever they are: like everything of the network they are to be checked. */
  readonly bytes?: Uint8Array
}
type Foreign = NonNullable<Awaited<ReturnType<FetchNetwork['lookup']>>['foreign']>

/** Stands in for the network of manifests and presence: no GUN behind it, it answers what it was told. */
export function fakeNetwork(): FakeNetwork {
  const items = new Map<string, Known>()
  const asked: FakeNetwork['asked'] = []
  return {
    asked,
    knows: (mediaId, what) => void items.set(mediaId, what),
    isReachable: () => true,
    lookup: async (mediaId, hints) => {
      asked.push({ mediaId, ...hints })
      const { manifest, foreign } = items.get(mediaId) ?? {}
      return {
        ...(manifest === undefined ? {} : { known: { manifest } }),
        ...(foreign === undefined ? {} : { foreign }),
      }
    },
    chunk: async (mediaId, { start, endExclusive, sha256 }) => {
      const bytes = items.get(mediaId)?.bytes?.subarray(start, endExclusive)
      const isRight = bytes !== undefined && hash('sha256', bytes) === sha256
      return isRight ? bytes : null
    },
    presenceOf: async (mediaId) => ({
      peers: (items.get(mediaId)?.endpoints ?? []).map((endpoint) => ({
        isSelf: false,
        isFresh: true,
        endpoints: [endpoint],
      })),
    }),
  }
}
