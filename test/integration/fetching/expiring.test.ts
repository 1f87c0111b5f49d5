import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { endKeys } from '../../../app/engine-kept.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { makeEncrypted, type EncryptedItem } from '../../support/encrypted-torrent.ts'
import { openFetchNode, type FetchNode } from '../../support/fetch-node.ts'
import { startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'

const YEAR_MS = 365 * 24 * 3600 * 1000
const keyNeeded = { code: 'KEY_NEEDED' }
let stack: AsyncDisposableStack
let item: EncryptedItem
let node: FetchNode
let address: string
const clock = { now: Date.now(), nowMs: () => clock.now }

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  item = await makeEncrypted({ dir: dir.path, sizeBytes: 100_000, people: ['friend'] })
  const swarm = stack.use(await startSwarm({}, () => Promise.resolve(item.manifestBytes)))
  swarm.seed(item, 'trackers')
  address = swarm.address
  clock.now = Date.now()
  node = await openNode(path.join(dir.path, 'node'))
})
afterEach(() => stack.disposeAsync())

async function openNode(root: string, owner = 'stranger'): Promise<FetchNode> {
  await fs.mkdir(root, { recursive: true })
  return stack.use(await openFetchNode({ root, owner, clock }))
}

/** A link with the key, for an hour or for ever. */
const link = (how: 'for an hour' | 'for ever'): string =>
  item.link({ peers: [address], ...(how === 'for an hour' ? { expiresAtMs: clock.now + 3_600_000 } : {}) })
const protection = (): string | undefined => node.library.get(item.mediaId)?.protection
const play = async (): Promise<void> => (await node.openHeld(item.mediaId)).close()

describe('a link whose key ends', () => {
  it('leaves an item that needs a key, as soon as somebody wants to read it', async () => {
    await node.get({ link: link('for an hour') })
    await play()
    clock.now += YEAR_MS
    await expect(play()).rejects.toMatchObject(keyNeeded)
    expect(protection()).toBe('needs-key')
  })

  it('leaves one by itself when nobody does, also when it ended while the node was off', async () => {
    await node.get({ link: link('for an hour') })
    await node.close()
    clock.now += YEAR_MS
    node = await openNode(path.dirname(node.mediaDir))
    expect(protection()).toBe('readable')

    const { library, keptKeys } = node
    const stop = endKeys({ keptKeys, library, clock, log, everyMs: 20 })
    await keptKeys.lookThrough()
    await expect.poll(protection).toBe('needs-key')
    stop()
  })

  it('is followed by the next link', async () => {
    await node.get({ link: link('for an hour') })
    clock.now += YEAR_MS
    expect(await node.get({ link: link('for ever') })).toMatchObject({ state: 'done' })
    expect(protection()).toBe('readable')
    clock.now += YEAR_MS
    await play()
  })

  it('does not end what a link for ever has opened, in whatever order they come', async () => {
    for (const order of [
      ['for an hour', 'for ever'],
      ['for ever', 'for an hour'],
    ] as const) {
      for (const how of order) await node.get({ link: link(how) })
      clock.now += YEAR_MS
      await play()
      await node.library.removeForGood(item.mediaId)
    }
  })

  it('does not end what two downloads at once brought, one for ever', async () => {
    for (const order of [
      ['for an hour', 'for ever'],
      ['for ever', 'for an hour'],
    ] as const) {
      const ids = await Promise.all(order.map((how) => node.fetcher.begin({ link: link(how) })))
      const id = ids[0] ?? ''
      expect(new Set(ids)).toEqual(new Set([id]))
      await node.until(id, ({ state }) => state === 'done')
      clock.now += YEAR_MS
      await play()
      await node.library.removeForGood(item.mediaId)
    }
  })

  it('gives nothing to keep where the item’s own envelope opens it', async () => {
    const friend = await openNode(path.join(path.dirname(node.mediaDir), 'friend'), 'friend')
    await friend.get({ link: item.link({ peers: [address], key: null }) })
    await friend.get({ link: link('for an hour') })
    const kept = await fs.readdir(friend.mediaDir, { recursive: true })
    expect(kept.filter((name) => name.startsWith('.kept'))).toEqual([])
  })

  it('is refused when it is another item’s key, also where the item can be read', async () => {
    await node.get({ link: link('for an hour') })
    const key = Buffer.alloc(32, 7).toString('base64url')
    await expect(node.fetcher.begin({ link: item.link({ key }) })).rejects.toMatchObject({
      code: 'LINK_INVALID',
    })
    await play()
  })
})
