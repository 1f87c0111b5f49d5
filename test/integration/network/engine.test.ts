import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { runSower, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'

let world: NetworkWorld
afterEach(() => world.close())

async function serve(dataDir: string): Promise<SowerNode> {
  const node = await serveNode(dataDir, [], { GUN_PEERS: world.relay.url })
  world.onClose(() => node.child.stop())
  return node
}

test('a whole node tells of its public item through the relay and at its own /gun, and of no private one', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const node = await serve(dir.file('data'))
  await writeFile(dir.file('shown.txt'), 'for everybody')
  await writeFile(dir.file('hidden.txt'), 'for nobody')
  interface Added {
    readonly mediaId: string
  }
  const add = (file: string, access: string, ...more: string[]): Promise<Added> =>
    sowerJson<Added>(dir.file('data'), ['add', dir.file(file), '--access', access, ...more])
  await writeFile(dir.file('sealed.txt'), 'for its owner alone')
  const hidden = await add('hidden.txt', 'private')
  // The trackers may know that its ciphertext is here; the network is told nothing.
  const sealed = await add('sealed.txt', 'private', '--encrypt')
  const shown = await add('shown.txt', 'public')
  const other = await world.node('other', { relays: [`${node.url}/gun`] })
  const viaRelay = await world.node('reader')
  for (const reader of [other, viaRelay]) {
    const found = await poll(
      () => reader.lookup(shown.mediaId),
      ({ known }) => known !== undefined,
    )
    expect(found.known?.manifest.name).toBe('shown.txt')
    expect(found.known?.manifest.oip.creatorPubKey).toBe(node.owner)
    const present = await poll(
      () => reader.presenceOf(shown.mediaId),
      ({ fresh }) => fresh === 1,
    )
    expect(present.peers[0]).toMatchObject({ nodeId: node.nodeId, endpoints: [] })
    for (const { mediaId } of [hidden, sealed]) {
      const unknown = await reader.lookup(mediaId)
      expect(unknown.known ?? unknown.foreign).toBeUndefined()
      expect((await reader.presenceOf(mediaId)).peers).toEqual([])
    }
  }
  const status = await sowerJson<{ network: { state: string; relays: { url: string; state: string }[] } }>(
    dir.file('data'),
    ['status'],
  )
  expect(status.network).toMatchObject({
    state: 'running',
    relays: [{ url: world.relay.url, state: 'open' }],
  })
  const { stdout } = await runSower(dir.file('data'), ['status'])
  expect(stdout).toMatch(new RegExp(`^relay +${world.relay.url} open$`, 'm'))
})

test('a node that others are connected to stops when it is told to', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const node = await serve(dir.file('data'))
  const peer = new WebSocket(`${node.url.replace('http', 'ws')}/gun`)
  const ended = new Promise((resolve) => peer.addEventListener('close', resolve))
  await new Promise((resolve) => peer.addEventListener('open', resolve))
  node.child.process.kill('SIGTERM')
  expect(await node.child.exited()).toBe(0)
  expect(node.child.lines.filter((line) => line.includes('did not stop'))).toEqual([])
  await ended
})

test('a node stops in time though its relay acknowledges nothing', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const mute = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  let heard = ''
  mute.on('connection', (socket) => socket.on('message', (data: Buffer) => (heard += data.toString())))
  await once(mute, 'listening')
  world.onClose(async () => {
    for (const socket of mute.clients) socket.terminate()
    await new Promise((resolve) => {
      mute.close(resolve)
    })
  })
  // A TCP server's address is never a string.
  const url = `ws://127.0.0.1:${(mute.address() as AddressInfo).port}/gun`
  const node = await serveNode(dir.file('data'), [], { GUN_PEERS: url })
  world.onClose(() => node.child.stop())
  await writeFile(dir.file('shown.txt'), 'for everybody')
  await sowerJson(dir.file('data'), ['add', dir.file('shown.txt'), '--access', 'public'])
  await poll(
    () => Promise.resolve(heard),
    (text) => text.includes(`:peers:${node.nodeId}`),
  )
  node.child.process.kill('SIGTERM')
  expect(await node.child.exited()).toBe(0)
  // What is closed last was: the database has nothing left in its log.
  expect((await readdir(dir.file('data'))).filter((name) => name.startsWith('sower.db'))).toEqual([
    'sower.db',
  ])
}, 60_000)
