import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MemoryKeychain } from '../unit/vault/memory-keychain.ts'
import { Home, Node } from './vault/engine-node.ts'

test('of very many things to say the newest are kept, and the state of the node stays small', async () => {
  const home = new Home()
  const node = await Node.start(home, { keychain: new MemoryKeychain() })
  const names = Array.from({ length: 120 }, (_, index) => `item ${index}.txt`)
  const paths = names.map((name) => home.write(name, name))
  await node.call('library.add', { paths, accessLevel: 'private' })
  const list = () => node.call('library.list', { limit: 200 })
  await expect.poll(async () => (await list()).total, { timeout: 30_000 }).toBe(names.length)
  const mediaIds = (await list()).items.map(({ mediaId }) => mediaId)
  for (const mediaId of mediaIds) {
    const file = home.path('media', mediaId, 'original')
    writeFileSync(file, readFileSync(file).fill(0))
  }
  await node.call('library.verify', { mediaIds })
  await expect.poll(async () => (await list()).counts.attention, { timeout: 30_000 }).toBe(names.length)
  const { notices } = await node.call('node.status', {})
  expect(notices).toHaveLength(50)
})
