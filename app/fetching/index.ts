export { Fetcher } from './fetcher.ts'
export type { InspectedLink } from './inspect.ts'
export { formatLink, parseLink, type LinkKind, type LinkParts, type ParsedLink } from './link.ts'
export type { BeginArgs, FetcherDeps, FetchNetwork, Patience } from './ports.ts'
