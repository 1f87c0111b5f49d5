export { isGlobalAddress } from './addresses.ts'
export type { MinRate } from './guarded-body.ts'
export type { GuardedRequestOptions, GuardedResponse, Resolve, ResolvedAddress } from './guarded-request.ts'
export { collectBody, Outbound, type OutboundDeps } from './outbound.ts'
