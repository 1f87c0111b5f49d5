import { afterEach, expect, test } from 'vitest'
import { makeManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

let world: NetworkWorld
afterEach(() => world.close())

const owner = testSigner(6)

test(
  'wins back what was written over while it was away, and soon after a start what is written over then',
  { timeout: 120_000 },
  async () => {
    world = await openNetworkWorld()
    const items = Array.from({ length: 30 }, (_, n) => makeManifest(owner, `film ${n}`))
    const init = { pair: seaTestPair(), items, isFeedWanted: false }
    const first = await world.node('a', init)
    await first.until(({ owed }) => owed === 0)
    await first.stop()

    const client = await world.client('stranger')
    const [before, after] = items.map(({ id }) => id) as [string, string]
    const manifestOf = async (id: string): Promise<unknown> =>
      (await client.once([`media:${id}`]))?.['manifest']
    const said = await Promise.all([before, after].map(manifestOf))
    await client.put([`media:${before}`], { manifest: 'mine now' })
    expect(await manifestOf(before)).toBe('mine now')

    await world.node('a', init)
    await poll(
      () => manifestOf(before),
      (text) => text === said[0],
      40_000,
    )
    await client.put([`media:${after}`], { name: 'x', manifest: 'mine, too' })
    await poll(
      () => manifestOf(after),
      (text) => text === said[1],
      40_000,
    )
  },
)
