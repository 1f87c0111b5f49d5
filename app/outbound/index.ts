export { isGlobalAddress } from './addresses.ts'
export type { MinRate } from './guarded-body.ts'
export {
  guardedRequest,
  type GuardedRequestOptions,
  type GuardedResponse,
  type Resolve,
  type ResolvedAddress,
} from './guarded-request.ts'
export { collectBody, Outbound, type OutboundDeps } from './outbound.ts'
