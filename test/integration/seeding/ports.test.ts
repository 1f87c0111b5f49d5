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

async function isTaken(port: number): Promise<boolean> {
  const probe = createServer()
  const taken = await new Promise<boolean>((resolve) =>
    probe.once('error', () => resolve(true)).listen(port, () => resolve(false)),
  )
  probe.close()
  return taken
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
  await until(async () => (await status(node)).notices.length === 0)
  expect(await isTaken(port)).toBe(true)
  expect((await status(node)).peerPort).toBe(port)
})

it('starts although the port it is to have is taken, says so, and takes it as soon as it is free', async () => {
  const port = await freePort()
  const other = await occupy(port)
  const node = await Node.start(new Home(), {
    keychain: new MemoryKeychain(),
    flags: { peerPort: port },
  })
  await until(async () => (await status(node)).notices.length > 0)
  const [notice] = (await status(node)).notices
  expect(notice).toMatchObject({ level: 'error', code: 'PORT_IN_USE' })
  // Tried more than once meanwhile, it is said once.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect((await status(node)).notices).toEqual([notice])
  await new Promise<void>((resolve) => other.close(() => resolve()))
  await until(async () => (await status(node)).notices.length === 0)
  expect(await isTaken(port)).toBe(true)
})

it('says nothing any more of a port that is taken when another is to be used', async () => {
  const port = await freePort()
  await occupy(port)
  const node = await Node.start(new Home(), {
    keychain: new MemoryKeychain(),
    flags: { peerPort: undefined },
  })
  await node.call('settings.set', { peerPort: port })
  await until(async () => (await status(node)).notices.length > 0)
  await node.call('settings.set', { peerPort: await freePort() })
  await until(async () => (await status(node)).notices.length === 0)
})
