import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { NetworkNode } from '../../support/network-node.ts'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { canMount, fillDrive, mountDrive } from '../../support/small-drive.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

const owner = testSigner(1)
let world: NetworkWorld
let dir: TempDir
beforeEach(async () => {
  dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  world = await openNetworkWorld()
})
afterEach(() => world.close())

const makeSome = (name: string, count: number): ReturnType<typeof makeManifest>[] =>
  Array.from({ length: count }, (_, n) => makeManifest(owner, `${name} ${n}`))

/** Only what is on the node itself, or in its memory: it is the one the reader asks. */
async function expectHeldBy(node: NetworkNode, manifests: readonly { id: string }[]): Promise<void> {
  const reader = await world.node(`reader of ${manifests[0]?.id}`, { relays: [node.url] })
  for (const { id } of manifests) {
    const { known } = await poll(
      () => reader.lookup(id),
      (found) => found.known !== undefined,
    )
    expect(known?.manifest.id).toBe(id)
  }
  await reader.stop()
}

test.runIf(canMount)(
  'a full disk keeps neither GUN from starting nor anybody from publishing',
  async () => {
    mountDrive(dir.file('a/gun'), 8)
    const makeRoom = fillDrive(dir.file('a/gun'))
    const node = await world.node('a', { dir: dir.file('a') })
    const early = makeSome('early', 10)
    await node.add(...early)
    const startedAtMs = performance.now()
    await node.call('publishAll')
    expect(performance.now() - startedAtMs).toBeLessThan(10_000)
    const { gun } = await node.until(({ owed }) => owed === 0)
    expect(gun).toMatchObject({ isKeeping: false, restarts: 0 })
    const reader = await world.node('b')
    expect((await reader.lookup(early[0]?.id ?? '')).known?.manifest).toEqual(early[0])

    // With room again it is kept, what was written meanwhile too.
    makeRoom()
    await node.until((status) => status.gun.isKeeping && status.owed === 0, 60_000)
    await node.call('killGun')
    await node.until((status) => status.gun.restarts === 1 && status.gun.state === 'running')
    await world.relay.stop()
    await expectHeldBy(node, early)
  },
  150_000,
)

test.runIf(canMount)(
  'a disk that fills up while GUN runs holds up no publishing',
  async () => {
    mountDrive(dir.file('a/gun'), 8)
    const node = await world.node('a', { dir: dir.file('a') })
    const [first, ...later] = makeSome('item', 12)
    if (first === undefined) throw new Error('there are twelve')
    await node.publish(first)
    await node.until(({ gun, owed }) => gun.isKeeping && owed === 0)
    const makeRoom = fillDrive(dir.file('a/gun'))
    await node.add(...later)
    const startedAtMs = performance.now()
    await node.call('publishAll')
    await node.until(({ gun, owed }) => !gun.isKeeping && owed === 0, 15_000)
    expect(performance.now() - startedAtMs).toBeLessThan(15_000)
    const { known } = await (await world.node('b')).lookup(later[0]?.id ?? '')
    expect(known?.manifest).toEqual(later[0])

    makeRoom()
    // The next thing that is written shows that it can be.
    await node.publish(makeManifest(owner, 'the next'))
    await node.until(({ gun, owed }) => gun.isKeeping && owed === 0)
    expect((await node.status()).gun.restarts).toBe(0)
    await node.call('killGun')
    await node.until(({ gun }) => gun.restarts === 1 && gun.state === 'running')
    await world.relay.stop()
    await expectHeldBy(node, [first, ...later])
  },
  150_000,
)

test('a graph damaged behind its header is begun anew, and what is our own is in it again', async () => {
  const node = await world.node('a', { dir: dir.file('a') })
  const items = makeSome('item', 150)
  await node.add(...items)
  await node.call('publishAll')
  await node.until(({ owed }) => owed === 0)
  await world.relay.stop()
  for (const name of ['graph.db', 'graph.db-wal']) {
    const file = await fs.open(path.join(dir.file('a/gun'), name), 'r+')
    const { size } = await file.stat()
    await file.write(Buffer.alloc(Math.max(0, size - 4096), 0xaa), 0, undefined, 4096)
    await file.close()
  }
  await node.call('killGun')
  await node.until(({ gun, owed }) => gun.restarts === 1 && gun.state === 'running' && owed === 0)
  await expectHeldBy(node, items)
  const { gun } = await node.status()
  expect(gun).toMatchObject({ isKeeping: true, restarts: 1 })
}, 150_000)
