import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../app/library/index.ts'
import { Followed } from '../../../app/network/followed.ts'
import { Following } from '../../../app/network/following.ts'
import type { GunNode } from '../../../app/network/graph.ts'
import type { GetArgs, PageArgs } from '../../../app/network/gun-client.ts'
import { ManifestIndex } from '../../../app/network/manifest-index.ts'
import { ManifestStore } from '../../../app/network/manifest-store.ts'
import { manifestNodes } from '../../../app/network/publication-nodes.ts'
import { souls } from '../../../app/network/souls.ts'
import { systemClock as clock } from '../../../app/ports/clock.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { makeManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../manifest/owner.ts'

const owner = testSigner(1)
const pair = seaTestPair()
const list = souls.spaceIndex(pair.pub)

test('asks for one value of what is dated anew, for the item where that is newer, and for nothing else', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const db = openDatabase(dir.file('sower.db'), { log, clock })
  onTestFinished(() => db.close())
  /** What a relay holds. */
  const nodes = new Map<string, GunNode>()
  const publish = (manifests: readonly ReturnType<typeof makeManifest>[], state: number): void => {
    for (const manifest of manifests) {
      for (const node of manifestNodes(manifest, { state, signer: pair, isSpaceWanted: false })) {
        const before = nodes.get(node._['#'])
        const states = { ...before?._['>'], ...node._['>'] }
        nodes.set(node._['#'], { ...before, ...node, _: { '#': node._['#'], '>': states } } as GunNode)
      }
    }
  }
  const asked: string[] = []
  const client = {
    isRunning: true,
    status: () => ({ relays: [{ url: 'relay', state: 'open', sinceMs: 0 }] }) as never,
    watch: () => undefined,
    page: ({ from, before }: PageArgs) =>
      Promise.resolve(from === 'disk' || before !== undefined ? {} : { node: nodes.get(list) as GunNode }),
    get: ({ soul, key }: GetArgs) => {
      asked.push(key ?? 'whole')
      const node = nodes.get(soul as string)
      return Promise.resolve([{ from: 'relay', graph: node === undefined ? {} : { [soul as string]: node } }])
    },
  }
  const followed = new Followed(db, clock)
  const store = new ManifestStore(db)
  const index = new ManifestIndex({ client, store, clock, trusted: () => new Set() })
  const following = new Following({ client, index, followed, db, clock, log, isFeedWanted: () => false })
  onTestFinished(() => following.stop())
  const round = async (): Promise<string[]> => {
    asked.length = 0
    await following.refresh()
    return [...asked]
  }

  const items = Array.from({ length: 20 }, (_, n) => makeManifest(owner, `film ${n}`))
  publish(items, 1_000)
  followed.add({ pub: pair.pub })
  await following.catchUp()
  expect(store.feed().items).toHaveLength(20)
  expect(await round()).toEqual([])

  // Once a day everything is said again.
  publish(items, 2_000)
  expect(await round()).toEqual(items.map(() => 'version'))
  expect(await round()).toEqual([])

  const [first] = items as [(typeof items)[number]]
  const second = makeManifest(owner, 'film 0', { name: 'cut anew', previous: first })
  publish([second], 3_000)
  const more = await round()
  expect(more.filter((what) => what === 'version')).toHaveLength(1)
  expect(more.length).toBeLessThan(6)
  expect(store.find(first.id)?.manifest).toEqual(second)
  expect(await round()).toEqual([])
})
