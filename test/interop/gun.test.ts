import { afterEach, expect, test } from 'vitest'
import { verifyManifest } from '../../app/manifest/index.ts'
import { makeManifest } from '../support/network-items.ts'
import { seaTestPair } from '../support/network-node.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../support/network-world.ts'
import { testSigner } from '../unit/manifest/owner.ts'

let world: NetworkWorld
afterEach(() => world.close())
const owner = testSigner(1)

test.each(['the relay', 'our own /gun'])(
  'a plain Gun client reads our manifests and presence through %s',
  async (through) => {
    world = await openNetworkWorld()
    const pair = seaTestPair()
    const node = await world.node('a', { pair })
    const client = await world.client('client', through === 'the relay' ? world.relay.url : node.url)
    const manifest = makeManifest(owner, 'for all')
    await node.publish(manifest)
    const hint = await poll(
      () => client.once([`media:${manifest.id}`]),
      (value) => typeof value?.['manifest'] === 'string',
    )
    expect(hint).toMatchObject({
      id: manifest.id,
      mime: 'video/mp4',
      size: 1_000_000,
      access_level: 'public',
      version: 1,
    })
    expect(verifyManifest(JSON.parse(String(hint?.['manifest'])))).toEqual(manifest)
    const listed = await client.map(['media'])
    expect(listed.map(({ id }) => id)).toEqual([manifest.id])
    // GUN's own SEA checks these signatures; a value it does not believe it does not give.
    const own = await client.once(['media', manifest.id], pair.pub)
    expect(verifyManifest(JSON.parse(String(own?.['manifest'])))).toEqual(manifest)
    expect(own?.['version']).toBe(1)
    const frozen = await client.once(['#media', String(hint?.['hash'])])
    expect(frozen).toBe(hint?.['manifest'])
    const present = await poll(
      () => client.map([`media:${manifest.id}:peers`]),
      (peers) => peers.some(({ peerId }) => peerId !== undefined),
    )
    expect(present[0]).toMatchObject({ protocols: '["bittorrent"]', endpoints: '[]' })
  },
)

test.each(['the relay', 'our own /gun'])(
  'we read the manifests and presence a plain client writes in OIP’s forms through %s',
  async (through) => {
    world = await openNetworkWorld()
    const node = await world.node('a')
    const client = await world.client('client', through === 'the relay' ? world.relay.url : node.url)
    const infoHash = 'c12fe1c06bba254a9dc9f519b335aa7c1367a88a'
    const nested = 'aa'.repeat(32)
    const media = {
      id: nested,
      mime: 'audio/mpeg',
      size: 5,
      originalName: 'song.mp3',
      transport: {
        bittorrent: { infoHash, magnetURI: `magnet:?xt=urn:btih:${infoHash}` },
        http: '["https://oip.example/x"]',
      },
    }
    await client.put([`media:${nested}`], { media, accessControl: { access_level: 'public' } })
    const flat = 'bb'.repeat(32)
    await client.put([`media:${flat}`], {
      mediaId: flat,
      originalName: 'a.png',
      mimeType: 'image/png',
      fileSize: 9,
      accessLevel: 'public',
    })
    const planned = 'cc'.repeat(32)
    await client.put(['media', planned], {
      id: planned,
      mime: 'video/mp4',
      size: 7,
      transport: JSON.stringify({ bittorrent: { infoHash } }),
    })
    const first = await node.lookup(nested)
    expect(first.foreign).toMatchObject({
      form: 'nested',
      name: 'song.mp3',
      infoHash,
      http: ['https://oip.example/x'],
      accessLevel: 'public',
    })
    expect(first.known).toBeUndefined()
    expect((await node.lookup(flat)).foreign).toMatchObject({ form: 'flat', name: 'a.png', sizeBytes: 9 })
    expect((await node.lookup(planned)).foreign).toMatchObject({
      form: 'planned',
      infoHash,
      accessLevel: 'private',
    })
    await client.put([`media:${flat}:peers:oip-1`], {
      peerId: 'oip-1',
      protocols: '["http"]',
      endpoints: '[]',
      lastSeen: 1,
    })
    const presence = await node.presenceOf(flat)
    expect(presence).toMatchObject({ fresh: 0, stale: 0, unsigned: 1 })
  },
)

test('a manifest written by a plain client in the plan’s form is believed when its owner signed it', async () => {
  world = await openNetworkWorld({ axe: true })
  const node = await world.node('a')
  const client = await world.client('client')
  const manifest = makeManifest(owner, 'signed elsewhere')
  const flat = Object.fromEntries(
    Object.entries(manifest).map(([key, value]) => [
      key,
      typeof value === 'object' ? JSON.stringify(value) : value,
    ]),
  )
  await client.put([`media:${manifest.id}`], flat)
  expect((await node.lookup(manifest.id)).known?.manifest).toEqual(manifest)
})
