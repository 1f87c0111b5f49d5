export { Network } from './network.ts'
export type { NetworkOptions, NetworkSettings, NetworkStatus } from './network.ts'
export { verifyRevocation } from './revocation.ts'
export type { Revocation } from './revocation.ts'
