import { mkdir, writeFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { startRelay } from '../../support/gun-relay.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, runSower, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'

let world: NetworkWorld
afterEach(() => world.close())

test(
  'shows each of two publishers of the same bytes as what they say, counts copies, and tells what relays said',
  { timeout: 180_000 },
  async () => {
    world = await openNetworkWorld()
    const dir = await tempDir()
    world.onClose(async () => dir[Symbol.asyncDispose]())
    const serve = async (name: string, relay = world.relay.url): Promise<SowerNode> => {
      const node = await serveNode(dir.file(name), [], { GUN_PEERS: relay })
      world.onClose(() => node.child.stop())
      return node
    }
    const add = async (node: SowerNode, name: string, ...args: string[]): Promise<string> => {
      await writeFile(dir.file(name), name === 'secret.txt' ? 'for nobody' : 'the same bytes')
      const added = await sowerJson<{ mediaId: string }>(node.dataDir, ['add', dir.file(name), ...args])
      return added.mediaId
    }
    const [first, second, reader] = await Promise.all([serve('first'), serve('second'), serve('reader')])
    const id = await add(first, 'harbour of one.txt', '--access', 'public')
    expect(await add(second, 'harbour of another.txt', '--access', 'public')).toBe(id)
    const secret = await add(reader, 'secret.txt', '--access', 'private')

    // The public hint holds one of them; the other's is in the space of who is followed.
    const { link: card } = await callNode(second, 'vault.card', {})
    await callNode(reader, 'following.add', { publisher: card })
    const rows = await poll(
      async () => (await callNode(reader, 'discovery.search', { text: 'harbour' })).items,
      (items) => items.length === 2,
      60_000,
    )
    expect(new Set(rows.map(({ owner }) => owner))).toEqual(new Set([first.owner, second.owner]))
    for (const { owner, name } of rows) {
      const shown = await callNode(reader, 'discovery.item', { id, owner })
      expect(shown).toMatchObject({ item: { owner, name }, publisher: { owner }, heard: 'said' })
      expect(shown.link).toContain(`pub=${shown.publisher.pub || owner}`)
    }
    // Of those who published it, whoever one follows goes first.
    expect((await callNode(reader, 'discovery.item', { id })).item.owner).toBe(second.owner)

    const { counts } = await poll(
      () => callNode(reader, 'discovery.copies', { mediaIds: [id as never, secret as never] }),
      (reply) => reply.counts[0]?.copies.presence === 2,
      30_000,
    )
    expect(counts).toEqual([
      { mediaId: id, copies: { presence: 2, presenceAtMs: expect.any(Number) as number } },
    ])

    await reader.child.stop()
    const emptyDir = dir.file('empty relay')
    await mkdir(emptyDir)
    const empty = await startRelay(emptyDir)
    world.onClose(() => empty.stop())
    const again = await serve('reader', empty.url)
    const hear = async (): Promise<string> => (await callNode(again, 'discovery.item', { id })).heard
    expect(await poll(hear, (heard) => heard === 'nothing')).toBe('nothing')
    const unknown = await runSower(again.dataDir, ['--json', 'search', 'f'.repeat(64)])
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      code: 'NOT_FOUND',
      hint: 'The relays that were asked know nothing of it. Check the id.',
    })
    await empty.stop()
    expect(await poll(hear, (heard) => heard === 'nobody')).toBe('nobody')
  },
)
