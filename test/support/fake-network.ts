import type { FetchNetwork } from '../../app/fetching/index.ts'
import type { Manifest } from '../../app/manifest/index.ts'

export interface FakeNetwork extends FetchNetwork {
  /** What it knows from now on. */
  knows(mediaId: string, what: { manifest?: Manifest; foreign?: Foreign; endpoints?: string[] }): void
  readonly asked: { readonly mediaId: string; readonly pub?: string; readonly owner?: string }[]
}
type Foreign = NonNullable<Awaited<ReturnType<FetchNetwork['lookup']>>['foreign']>

/** Stands in for the network of manifests and presence: no GUN behind it, it answers what it was told. */
export function fakeNetwork(): FakeNetwork {
  const items = new Map<string, { manifest?: Manifest; foreign?: Foreign; endpoints?: string[] }>()
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
    presenceOf: async (mediaId) => ({
      peers: (items.get(mediaId)?.endpoints ?? []).map((endpoint) => ({
        isSelf: false,
        isFresh: true,
        endpoints: [endpoint],
      })),
    }),
  }
}
