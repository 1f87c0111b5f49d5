import { afterEach, expect, test } from 'vitest'
import { makeManifest, makeRevocation, makeSharedManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

let world: NetworkWorld
afterEach(() => world.close())
async function setUp(options = {}): Promise<NetworkWorld & { start: NetworkWorld['node'] }> {
  world = await openNetworkWorld(options)
  return { ...world, start: world.node }
}

const owner = testSigner(1)
const stranger = testSigner(2)

test.each([false, true])(
  'finds a manifest that another node published, by its id alone and in its publisher’s own space (AXE: %s)',
  async (axe) => {
    const { start } = await setUp({ axe })
    const pair = seaTestPair()
    const [a, b] = await Promise.all([start('a', { pair }), start('b')])
    const manifest = makeManifest(owner, 'one')
    await a.publish(manifest)
    const byId = await b.lookup(manifest.id)
    expect(byId.known?.manifest).toEqual(manifest)
    expect(byId.heard).toBe('said')
    const inSpace = await b.lookup(manifest.id, { pub: pair.pub })
    expect(inSpace.known?.manifest).toEqual(manifest)
    expect(inSpace.known?.pub).toBe(pair.pub)
    const startedAtMs = performance.now()
    await b.lookup(manifest.id)
    expect(performance.now() - startedAtMs).toBeLessThan(500)
  },
)

test('keeps the newest version of an owner, and what it knew when nobody answers', async () => {
  const { start, relay } = await setUp()
  const [a, b] = await Promise.all([start('a'), start('b')])
  const first = makeManifest(owner, 'two')
  await a.publish(first)
  expect((await b.lookup(first.id)).known?.manifest.version).toBe(1)
  const second = makeManifest(owner, 'two', { name: 'renamed', previous: first })
  await a.publish(second)
  expect((await b.lookup(first.id)).known?.manifest).toEqual(second)
  await relay.stop()
  const known = await b.lookup(first.id)
  expect(known.known?.manifest).toEqual(second)
  expect(known.heard).toBe('nobody')
})

test('counts who has an item, and no longer counts who said good-bye', async () => {
  const { start } = await setUp()
  const [a, b, c] = await Promise.all([start('a'), start('b'), start('c')])
  const manifest = makeManifest(owner, 'three')
  await a.publish(manifest)
  await b.publish(manifest)
  const counted = await poll(
    () => c.presenceOf(manifest.id),
    ({ fresh }) => fresh === 2,
  )
  expect(counted).toMatchObject({ fresh: 2, stale: 0 })
  expect(counted.peers[0]).toMatchObject({ protocols: ['bittorrent'], endpoints: [], isSelf: false })
  await a.stop()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = await poll(
    () => c.presenceOf(manifest.id),
    ({ fresh }) => fresh === 1,
  )
  expect(after.fresh).toBe(1)
}, 90_000)

test('hears of new public items of those it follows and of the public list, never of what is private or shared', async () => {
  const { start } = await setUp()
  const pair = seaTestPair()
  const [a, b] = await Promise.all([start('a', { pair }), start('b', { isFeedWanted: true })])
  const shown = makeManifest(owner, 'public item')
  const hidden = makeManifest(owner, 'private item', { accessLevel: 'private' })
  await a.publish(hidden)
  await a.publish(shown)
  await b.call('follow', { pub: pair.pub })
  const feed = await poll(
    () => b.feed(),
    ({ items }) => items.length > 0,
  )
  expect(feed.items.map(({ manifest }) => manifest.id)).toEqual([shown.id])
  await poll(
    () => b.feed({ pub: pair.pub }),
    ({ items }) => items.length === 1,
  )
  expect((await b.lookup(hidden.id, { pub: pair.pub })).known).toBeUndefined()
  const live = makeManifest(owner, 'published later')
  await a.publish(live)
  await poll(
    () => b.feed(),
    ({ items }) => items.some(({ manifest }) => manifest.id === live.id),
  )
})

test('what is shared is found by its id, and in its publisher’s space, and is in no list', async () => {
  const { start, client } = await setUp()
  const pair = seaTestPair()
  const [a, b, c] = await Promise.all([start('a', { pair }), start('b'), start('c')])
  const shared = await makeSharedManifest(owner, 'shared')
  const shown = makeManifest(owner, 'shown')
  await a.publish(shared)
  await a.publish(shown)
  expect((await b.lookup(shared.id)).known?.manifest).toEqual(shared)
  expect((await c.lookup(shared.id, { pub: pair.pub })).known?.pub).toBe(pair.pub)
  // The relay gives whole lists to whoever asks: nothing of it may be in one.
  const stock = await client('stock')
  for (const path of [['#media'], ['media']]) {
    const listed = JSON.stringify(await stock.map(path))
    expect(listed).toContain(shown.id)
    expect(listed).not.toContain(shared.id)
  }
  const space = JSON.stringify(await stock.map(['media'], pair.pub))
  expect(space).toContain(shown.id)
  expect(space).not.toContain(shared.id)
})

test('obeys a withdrawal of the owner and of nobody else', async () => {
  const { start } = await setUp()
  const [a, b, evil] = await Promise.all([start('a'), start('b'), start('evil')])
  const manifest = makeManifest(owner, 'four')
  await a.publish(manifest)
  await b.lookup(manifest.id)
  await evil.withdraw(makeRevocation(stranger, manifest.id))
  expect((await b.lookup(manifest.id)).known?.revocation).toBeUndefined()
  await a.withdraw(makeRevocation(owner, manifest.id))
  const { known } = await b.lookup(manifest.id)
  expect(known?.revocation?.owner).toBe(owner.publicKey)
  expect((await b.feed()).items).toHaveLength(0)
})

test('brings a relay that was away up to date when it is back', async () => {
  const { start, relay, restartRelay } = await setUp()
  const a = await start('a')
  await relay.stop()
  await a.until(({ gun }) => gun.relays.every(({ state }) => state !== 'open'))
  const manifest = makeManifest(owner, 'five')
  await a.publish(manifest)
  // It is not passed on because nobody is there to take it.
  await a.until(({ owed }) => owed === 1)
  await restartRelay()
  await a.until(({ gun, owed }) => owed === 0 && gun.relays.some(({ state }) => state === 'open'), 40_000)
  const b = await start('b')
  expect((await b.lookup(manifest.id)).known?.manifest).toEqual(manifest)
})

test('a node that lists another node’s own /gun needs no relay', async () => {
  const { start } = await setUp()
  const a = await start('a', { relays: [] })
  const manifest = makeManifest(owner, 'six')
  await a.publish(manifest)
  const b = await start('b', { relays: [a.url] })
  expect((await b.lookup(manifest.id)).known?.manifest).toEqual(manifest)
  const found = await poll(
    () => b.presenceOf(manifest.id),
    ({ fresh }) => fresh === 1,
  )
  expect(found.fresh).toBe(1)
})

test('has no process for GUN until there is somebody to talk to', async () => {
  world = await openNetworkWorld()
  const alone = await world.node('alone', { relays: [] })
  const manifest = makeManifest(owner, 'kept to itself')
  await alone.publish(manifest)
  expect((await alone.lookup(manifest.id)).known).toBeUndefined()
  expect(await alone.status()).toMatchObject({ gun: { state: 'off', restarts: 0 }, owed: undefined })

  // Whoever comes to /gun first waits for it to start, and finds what was published before.
  const guest = await world.node('guest', { relays: [alone.url] })
  const { known } = await poll(
    () => guest.lookup(manifest.id),
    ({ known: found }) => found !== undefined,
  )
  expect(known?.manifest).toEqual(manifest)
  expect((await alone.status()).gun.state).toBe('running')

  const other = await world.node('other', { relays: [] })
  await other.call('setRelays', [world.relay.url])
  await other.until(({ gun }) => gun.relays.some(({ state }) => state === 'open'))
})

test('goes on after GUN was killed, in a thread as in a process', async () => {
  const { start } = await setUp()
  const [a, b] = await Promise.all([start('a'), start('b', { host: { kind: 'thread' } })])
  expect((await b.status()).gun.kind).toBe('thread')
  const manifest = makeManifest(owner, 'seven')
  await a.publish(manifest)
  await a.call('killGun')
  const back = await a.until(({ gun }) => gun.restarts === 1 && gun.state === 'running')
  expect(back.gun.lastExit).toContain('SIGKILL')
  await a.until(({ gun }) => gun.relays.some(({ state }) => state === 'open'))
  expect((await b.lookup(manifest.id)).known?.manifest).toEqual(manifest)
  const next = makeManifest(owner, 'eight')
  await a.publish(next)
  expect((await b.lookup(next.id)).known?.manifest).toEqual(next)
})

test('names its relays also while GUN is starting again', async () => {
  const { relay, start } = await setUp()
  const a = await start('a')
  // The second time it waits for a second.
  for (const times of [1, 2]) {
    await a.call('killGun')
    await a.until(({ gun }) => gun.restarts === times)
    if (times === 1) await a.until(({ gun }) => gun.state === 'running')
  }
  const { gun } = await a.status()
  expect([gun.state, gun.relays.map(({ url, state }) => [url, state])]).toEqual([
    'restarting',
    [[relay.url, 'waiting']],
  ])
})

test('what is shared with very many stops nothing, is told of without its keys, and is said to be once', async () => {
  const { start } = await setUp()
  // A node as relay, which takes no frame of more than 256 KiB.
  const relay = await start('relay', { relays: [] })
  const relays = [relay.url]
  const [many, most, plain] = [
    await makeSharedManifest(owner, 'shared with many', 180),
    await makeSharedManifest(owner, 'shared with all', 1_000),
    makeManifest(owner, 'shared with nobody'),
  ]
  const a = await start('a', { relays })
  await a.add(most, many, plain)
  const openSince = (await a.status()).gun.relays[0]?.sinceMs
  await a.call('changed')
  await a.until(({ owed }) => owed === 0, 40_000)
  expect((await a.status()).gun.relays[0]).toMatchObject({ state: 'open', sinceMs: openSince })
  const b = await start('b', { relays })
  expect((await b.lookup(plain.id)).known?.manifest).toEqual(plain)
  expect((await b.lookup(many.id)).known?.manifest).toEqual(many)
  const { known, foreign } = await b.lookup(most.id)
  expect(known).toBeUndefined()
  expect(foreign).toMatchObject({
    infoHash: most.transport?.bittorrent?.infoHash,
    accessLevel: 'shared',
    owner: owner.publicKey,
  })
  // It is said of this version, not again whenever it is told.
  expect(await a.call('tooLarge')).toEqual([most.id])
  await a.call('passTime', 25 * 60 * 60_000)
  await a.call('changed')
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await a.call('tooLarge')).toEqual([most.id])
}, 90_000)

test('what is published after the clock was set back counts in the end, and is not taken for known before', async () => {
  const { start } = await setUp()
  const a = await start('a')
  const first = makeManifest(owner, 'in time')
  await a.publish(first)
  await a.until(({ owed }) => owed === 0)
  await a.call('passTime', -2 * 60 * 60_000)
  const second = makeManifest(owner, 'in time', { name: 'renamed', previous: first })
  const startedAtMs = performance.now()
  await a.publish(second)
  // It is dated a few seconds ahead at most: later, and GUN would not acknowledge it in time.
  expect(performance.now() - startedAtMs).toBeLessThan(10_000)
  // Whoever is there hears it as it is said; who asks later is told what is dated later.
  const b = await start('b')
  expect((await b.lookup(first.id)).known?.manifest).toEqual(first)
  await a.until(({ owed }) => owed === 1)
  await a.publish(makeManifest(owner, 'another'))
  expect(await a.call('clockTold')).toBe(1)

  await a.call('passTime', 2 * 60 * 60_000)
  await a.call('changed')
  const found = await poll(
    () => b.lookup(first.id),
    ({ known }) => known?.manifest.version === 2,
    30_000,
  )
  expect(found.known?.manifest).toEqual(second)
  await a.until(({ owed }) => owed === 0)
}, 90_000)
