import { afterEach, expect, test } from 'vitest'
import { openNetworkWorld, type NetworkWorld } from '../../support/network-world.ts'

let world: NetworkWorld
afterEach(() => world.close())

test('a node hears from its relay that its clock is wrong, and none whose clock is right', async () => {
  world = await openNetworkWorld()
  const [right, behind] = await Promise.all([
    world.node('right'),
    world.node('behind', { clockBehindMs: 3 * 3_600_000 }),
  ])
  const { clockAheadMs = 0 } = await behind.until((status) => status.clockAheadMs !== undefined)
  expect(Math.abs(clockAheadMs + 3 * 3_600_000)).toBeLessThan(10_000)
  // Behind a Sower node's own relay as well.
  const ahead = await world.node('ahead', { clockBehindMs: -3_600_000, relays: [right.url] })
  const told = await ahead.until((status) => status.clockAheadMs !== undefined)
  expect(Math.abs((told.clockAheadMs ?? 0) - 3_600_000)).toBeLessThan(10_000)
  expect((await right.status()).clockAheadMs).toBeUndefined()
})
