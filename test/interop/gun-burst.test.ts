import { afterEach, expect, test } from 'vitest'
import { makeManifest } from '../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../support/network-world.ts'
import { testSigner } from '../unit/manifest/owner.ts'

const ITEMS = 800
const owner = testSigner(1)
let world: NetworkWorld
afterEach(() => world.close())

test('many manifests at once are all acknowledged by the relay, and fit into a small memory', async () => {
  world = await openNetworkWorld()
  // A quarter of what a node gives it; run from source it also holds Node's reader of TypeScript, some 4 MiB.
  const node = await world.node('a', { host: { heapMiB: 40 } })
  const manifests = Array.from({ length: ITEMS }, (_, n) => makeManifest(owner, `burst ${n}`))
  await node.add(...manifests)
  await node.call('publishAll')
  const { gun, owed } = await node.until(
    (status) => status.owed === 0 && status.gun.state === 'running',
    60_000,
  )
  expect(owed).toBe(0)
  expect(gun.restarts).toBe(0)
  const last = manifests.at(-1)
  const reader = await world.node('b')
  // The relay is still writing: it may say once that it has nothing.
  const found = await poll(
    () => reader.lookup(last?.id ?? ''),
    ({ known }) => known !== undefined,
  )
  expect(found.known?.manifest).toEqual(last)
}, 150_000)
