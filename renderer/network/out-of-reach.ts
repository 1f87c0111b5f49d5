import type { NodeStatus } from '../../app/contract/index.ts'

/** It runs, has relays, and none of them answers. */
export function isOutOfReach({ state, relays }: NodeStatus['network']): boolean {
  return state === 'running' && relays.length > 0 && relays.every((relay) => relay.state === 'waiting')
}
