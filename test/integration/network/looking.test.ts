import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { SCHEDULE } from '../../../app/network/presence-schedule.ts'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, runSower, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

let world: NetworkWorld
afterEach(() => world.close())

const idOf = (name: string): string => createHash('sha256').update(name).digest('hex')

test('who looks for an item is told how many copies there are, who says so and when; or that nobody has it', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const tracker = await startTracker()
  world.onClose(() => tracker.stop())
  const env = { GUN_PEERS: world.relay.url }
  const serve = async (name: string): Promise<SowerNode> => {
    const node = await serveNode(dir.file(name), [tracker.http], env)
    world.onClose(() => node.child.stop())
    return node
  }
  const [holder, reader] = await Promise.all([serve('holder'), serve('reader')])

  // Nobody has these: the command gives up after a while, and meanwhile there is time for the rest.
  const startedMs = performance.now()
  const command = runSower(reader.dataDir, ['--json', 'get', idOf('nor this')], env)
  const { transferId } = await callNode(reader, 'fetching.start', { link: idOf('never made') })
  const transfer = async () => {
    const { transfers } = await callNode(reader, 'transfers.list', {})
    return transfers.find((one) => one.id === transferId)
  }

  await writeFile(dir.file('shown.txt'), 'for everybody')
  const args = ['add', dir.file('shown.txt'), '--access', 'public']
  const { mediaId } = await sowerJson<{ mediaId: string }>(holder.dataDir, args)
  await tracker.seen(({ kind, left }) => kind === 'start' && left === 0)
  const look = () => callNode(reader, 'discovery.item', { id: mediaId }).catch(() => null)
  const found = await poll(look, (now) => now?.item.copies.presence === 1)
  expect(found?.item.copies).toMatchObject({ presence: 1, swarm: 1 })
  expect(Date.now() - (found?.item.copies.swarmAtMs ?? 0)).toBeLessThan(60_000)
  const { stdout } = await runSower(reader.dataDir, ['search', `did:gun:media:${mediaId}`])
  expect(stdout).toMatch(/1 node \(\d+s ago\), 1 in swarm \(\d+s ago\)/)

  const { status, stderr } = await command
  expect(status).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({
    code: 'NO_SOURCES',
    hint: expect.stringContaining('--wait') as string,
  })
  const tookMs = performance.now() - startedMs
  expect(tookMs).toBeGreaterThan(18_000)
  expect(tookMs).toBeLessThan(60_000)
  expect(await transfer()).toMatchObject({ state: 'active', stage: 'find', isUnoffered: true })
  await callNode(reader, 'transfers.cancel', { id: transferId })
  expect(await transfer()).toMatchObject({ state: 'cancelled' })
})

test('a node that vanished without a good-bye no longer counts when its time is over', async () => {
  world = await openNetworkWorld()
  // Behind, so that time can pass without anything being from the future for the relay.
  const more = { clockBehindMs: 30 * 60_000, presenceSchedule: SCHEDULE }
  const [vanishing, asking] = await Promise.all([world.node('vanishing', more), world.node('asking', more)])
  const manifest = makeManifest(testSigner(1), 'held once')
  await vanishing.publish(manifest)
  const ask = () => asking.presenceOf(manifest.id)
  await poll(ask, ({ fresh }) => fresh === 1)
  await vanishing.vanish()
  await asking.call('passTime', SCHEDULE.heartbeatTtlMs - 60_000)
  expect(await ask()).toMatchObject({ fresh: 1, stale: 0 })
  await asking.call('passTime', 62_000)
  expect(await ask()).toMatchObject({ fresh: 0, stale: 1 })
})
