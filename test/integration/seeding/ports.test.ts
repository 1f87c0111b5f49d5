import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { MemoryKeychain } from '../../unit/vault/memory-keychain.ts'
import { Home, Node } from '../vault/engine-node.ts'

/** Another program that takes a port as soon as it is free. */
async function occupy(port: number): Promise<Server> {
  for (;;) {
    const server = createServer()
    try {
      await once(server.listen(port), 'listening')
      onTestFinished(() => void server.close())
      return server
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

async function freePort(): Promise<number> {
  const server = await occupy(0)
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const status = (node: Node) => node.call('node.status', {})

async function until(isIt: () => Promise<boolean>): Promise<void> {
  while (!(await isIt())) await new Promise((resolve) => setTimeout(resolve, 50))
}

it('goes on with any free port when another program took the one it had meanwhile', async () => {
  const home = new Home()
  const node = await Node.start(home, { keychain: new MemoryKeychain() })
  const { peerPort } = node.addresses
  await node.call('seeding.pause', {})
  await occupy(peerPort)
  await node.call('seeding.resume', {})
  await until(async () => (await status(node)).peerPort !== peerPort)
  const { peerPort: now, seeding, notices } = await status(node)
  expect(now).toBeGreaterThan(1024)
  expect(seeding.isPaused).toBe(false)
  expect(notices).toEqual([])
  // The same port again, whatever is set and however often it is started.
  await node.call('settings.set', { uploadLimitBytesPerSec: 1_000_000 })
  await node.call('seeding.pause', {})
  await node.call('seeding.resume', {})
  await node.stop()
  const again = await Node.start(home, { keychain: new MemoryKeychain() })
  expect(again.addresses.peerPort).toBe(now)
})

it('says that the port it is to have is taken, keeps running, and takes it when it is free', async () => {
  const port = await freePort()
  const node = await Node.start(new Home(), {
    keychain: new MemoryKeychain(),
    flags: { peerPort: port },
  })
  await node.call('seeding.pause', {})
  const other = await occupy(port)
  await node.call('seeding.resume', {})
  await until(async () => (await status(node)).notices.length > 0)
  expect((await status(node)).notices).toMatchObject([
    { level: 'error', code: 'PORT_IN_USE', message: expect.stringContaining(String(port)) as string },
  ])
  await new Promise<void>((resolve) => other.close(() => resolve()))
  await node.call('seeding.pause', {})
  await node.call('seeding.resume', {})
  await until(async () => {
    const probe = createServer()
    const isTaken = await new Promise<boolean>((resolve) =>
      probe.once('error', () => resolve(true)).listen(port, () => resolve(false)),
    )
    probe.close()
    return isTaken
  })
  expect((await status(node)).peerPort).toBe(port)
})
