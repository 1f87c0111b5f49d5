import { writeFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { makeRevocation } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, runSower, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

interface Item {
  readonly mediaId: string
  readonly state: string
}

let world: NetworkWorld
afterEach(() => world.close())

/** A node on the world's relay; it ends with the world, however often it was started. */
async function serve(dataDir: string): Promise<SowerNode> {
  const node = await serveNode(dataDir, [], { GUN_PEERS: world.relay.url })
  world.onClose(() => node.child.stop())
  return node
}

const stateOf = async ({ dataDir }: SowerNode, id: string): Promise<string | undefined> =>
  (await sowerJson<Item[]>(dataDir, ['ls'])).find(({ mediaId }) => mediaId === id)?.state

test('what is withdrawn is passed on no more: by who hears of it at once, and by who was away', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const [a, b, away, late] = (await Promise.all(
    ['a', 'b', 'away', 'late'].map((name) => serve(dir.file(name))),
  )) as [SowerNode, SowerNode, SowerNode, SowerNode]
  await writeFile(dir.file('letter.txt'), 'for three people')
  const cards = await Promise.all([b, away, late].map((node) => callNode(node, 'vault.card', {})))
  const to = cards.flatMap(({ link }) => ['--to', link])
  const added = await sowerJson<Item>(a.dataDir, ['add', dir.file('letter.txt'), ...to])
  for (const node of [b, away]) {
    await sowerJson(node.dataDir, ['get', added.mediaId, '--from', a.url])
    expect(await stateOf(node, added.mediaId)).toBe('seeding')
  }
  await away.child.stop()

  // Anybody can sign a withdrawal of anything; only its owner's counts.
  const client = await world.client('forger')
  const forged = makeRevocation(testSigner(9), added.mediaId)
  await client.put([`oip:deleted:records:did:gun:media:${added.mediaId}`], {
    revocation: JSON.stringify(forged),
  })
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await stateOf(b, added.mediaId)).toBe('seeding')

  await callNode(a, 'sharing.removePeople', { mediaId: added.mediaId, people: [b.owner] })
  await poll(
    () => stateOf(b, added.mediaId),
    (state) => state !== 'seeding',
    30_000,
  )
  const { notices } = await callNode(b, 'node.status', {})
  expect(notices).toContainEqual(expect.objectContaining({ code: 'WITHDRAWN' }))

  // Whoever asks its node for it is told so, not that there is no such thing.
  const refused = await runSower(late.dataDir, ['--json', 'get', added.mediaId, '--from', a.url])
  expect(refused.status).toBe(1)
  expect(JSON.parse(refused.stderr)).toMatchObject({
    code: 'WITHDRAWN',
    message: expect.stringContaining('its owner has withdrawn this item') as string,
  })

  await a.child.stop()
  const back = await serve(dir.file('away'))
  await poll(
    () => stateOf(back, added.mediaId),
    (state) => state !== undefined && state !== 'seeding',
    30_000,
  )
})
