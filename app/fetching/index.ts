export { Fetcher, type BeginArgs, type InspectedLink } from './fetcher.ts'
export { formatLink, parseLink, type LinkKind, type LinkParts, type ParsedLink } from './link.ts'
export type { FetcherDeps, Patience } from './ports.ts'
