import { createHash } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, runSower, serveNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'

let world: NetworkWorld
afterEach(() => world.close())

test('an id nobody has: the command gives up, the node goes on looking until that is cancelled', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const env = { GUN_PEERS: world.relay.url }
  const node = await serveNode(dir.file('data'), [], env)
  world.onClose(() => node.child.stop())
  const id = (name: string): string => createHash('sha256').update(name).digest('hex')
  const { transferId } = await callNode(node, 'fetching.start', { link: id('never made') })
  const transfer = async () => {
    const { transfers } = await callNode(node, 'transfers.list', {})
    return transfers.find((one) => one.id === transferId)
  }
  const startedMs = performance.now()
  const command = runSower(dir.file('data'), ['--json', 'get', id('nor this')], env)
  await poll(transfer, (now) => now?.isUnoffered === true)
  const { status, stderr } = await command
  expect(status).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({
    code: 'NO_SOURCES',
    hint: expect.stringContaining('--wait') as string,
  })
  const tookMs = performance.now() - startedMs
  expect(tookMs).toBeGreaterThan(18_000)
  expect(tookMs).toBeLessThan(40_000)
  expect(await transfer()).toMatchObject({ state: 'active', stage: 'find', isUnoffered: true })
  await callNode(node, 'transfers.cancel', { id: transferId })
  expect(await transfer()).toMatchObject({ state: 'cancelled' })
})
