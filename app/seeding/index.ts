export { buildMetainfo, magnetURI, MAX_METAINFO_BYTES, parseMetainfo } from './metainfo.ts'
export type { Metainfo, MetainfoInput } from './metainfo.ts'
export { Swarm } from './swarm.ts'
export type { RangeSource } from './http-source.ts'
export type { ServableFile } from './served-files.ts'
export type { ByteRange } from './urgency.ts'
export type {
  ConnectedPeer,
  HeadBytes,
  Leech,
  LeechArgs,
  LeechEvents,
  ManifestTaker,
  Reach,
  SeedArgs,
  SwarmOptions,
  SwarmStats,
  SwarmTotals,
} from './types.ts'
