import { afterEach, expect, test } from 'vitest'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, type NetworkWorld } from '../../support/network-world.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

const owner = testSigner(1)
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
let world: NetworkWorld
afterEach(() => world.close())

test('a GUN that stops answering is waited for no longer than a question may take, and started again', async () => {
  world = await openNetworkWorld()
  const node = await world.node('a')
  const manifest = makeManifest(owner, 'item')
  await node.publish(manifest)
  const { gun } = await node.status()
  process.kill(gun.pid ?? 0, 'SIGSTOP')
  const askedAtMs = performance.now()
  await node.lookup(manifest.id)
  // It asks twice: where an item is, and where others would have put it.
  expect(performance.now() - askedAtMs).toBeLessThan(16_000)
  const after = await node.until(
    ({ gun: { restarts, state } }) => restarts === 1 && state === 'running',
    60_000,
  )
  expect(after.gun.pid).not.toBe(gun.pid)
  expect(node.log.some((line) => line.startsWith('network.gun-silent'))).toBe(true)
  await node.until(({ gun: { relays } }) => relays.some(({ state }) => state === 'open'))
  expect((await node.lookup(manifest.id)).answeredBy).toEqual([world.relay.url])
}, 120_000)

test('a computer that slept, or an engine that had no turn, is no reason to end it', async () => {
  world = await openNetworkWorld()
  const node = await world.node('a')
  const { gun } = await node.status()
  const gunPid = gun.pid ?? 0
  for (const pids of [[node.pid, gunPid], [node.pid]]) {
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await sleep(24_000)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
    await sleep(3_000)
    expect((await node.status()).gun).toMatchObject({ pid: gunPid, restarts: 0, state: 'running' })
  }
}, 120_000)
