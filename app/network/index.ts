export { Network } from './network.ts'
export type { NetworkOptions, NetworkSettings, NetworkStatus } from './network.ts'
