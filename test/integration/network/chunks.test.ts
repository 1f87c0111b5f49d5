import { createHash, randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { chunkPlaces } from '../../../app/manifest/index.ts'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

let world: NetworkWorld
afterEach(() => world.close())

const CHUNK = 65_536
const hashes = (bytes: Uint8Array): string[] =>
  Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, index) =>
    createHash('sha256')
      .update(bytes.subarray(index * CHUNK, (index + 1) * CHUNK))
      .digest('hex'),
  )

test('the first bytes of an item come through a stock relay once somebody asks for it, and only the right ones', async () => {
  world = await openNetworkWorld()
  const [a, b] = await Promise.all([world.node('a'), world.node('b')])
  const bytes = randomBytes(3 * CHUNK + 100)
  const manifest = makeManifest(testSigner(1), 'begins', {
    sizeBytes: bytes.length,
    chunks: { chunkSize: CHUNK, count: 4, hashes: hashes(bytes) },
  })
  await a.call('hold', manifest.id, bytes)
  await a.publish(manifest)
  const places = chunkPlaces(manifest)
  const [first, , , last] = places
  if (first === undefined || last === undefined) throw new Error('four chunks')
  const get = (place: typeof first): Promise<Uint8Array | null> => b.call('chunk', manifest.id, place)
  // Nobody has asked for the item yet, so nothing was put there.
  expect(await get(first)).toBeNull()
  await b.presenceOf(manifest.id)
  for (const place of places) {
    const chunk = await poll(
      () => get(place),
      (found) => found !== null,
    )
    expect(Buffer.compare(chunk ?? Buffer.alloc(0), bytes.subarray(place.start, place.endExclusive))).toBe(0)
  }
  expect(await get({ ...last, sha256: 'ab'.repeat(32) })).toBeNull()
})
