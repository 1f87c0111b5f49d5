import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'

interface Item {
  readonly mediaId: string
  readonly infoHash?: string
  readonly magnetURI: string
}

let world: NetworkWorld
afterEach(() => world.close())

async function setUp(names: readonly string[]): Promise<{ dir: TempDir; nodes: SowerNode[] }> {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const tracker = await startTracker()
  world.onClose(() => tracker.stop())
  const nodes = await Promise.all(
    names.map((name) => serveNode(dir.file(name), [tracker.http], { GUN_PEERS: world.relay.url })),
  )
  for (const node of nodes) world.onClose(() => node.child.stop())
  return { dir, nodes }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('an item found by its id alone is fetched, counted, and passed on when its publisher is gone', async () => {
  const { dir, nodes } = await setUp(['a', 'b', 'c'])
  const [a, b, c] = nodes as [SowerNode, SowerNode, SowerNode]
  const bytes = randomBytes(3_000_000)
  await writeFile(dir.file('film.bin'), bytes)
  const { mediaId } = await sowerJson<Item>(a.dataDir, ['add', dir.file('film.bin'), '--access', 'public'])
  const copies = async (): Promise<number> =>
    (await callNode(a, 'discovery.item', { id: mediaId })).item.copies.presence
  expect(await copies()).toBe(0)

  await sowerJson(b.dataDir, ['get', `did:gun:media:${mediaId}`, '--out', dir.file('b.bin')])
  expect(sha256(await readFile(dir.file('b.bin')))).toBe(mediaId)
  await poll(copies, (count) => count === 1, 45_000)

  await a.child.stop()
  await sowerJson(c.dataDir, ['get', mediaId, '--out', dir.file('c.bin')])
  expect(sha256(await readFile(dir.file('c.bin')))).toBe(mediaId)
  const [theirs, ours] = await Promise.all(
    ['a', 'c'].map((name) => readFile(`${dir.file(name)}/media/${mediaId}/manifest.json`, 'utf8')),
  )
  expect(ours).toBe(theirs)
})

test('a stock GUN client reads what a node tells, and a node reads what it writes in OIP’s form', async () => {
  const { dir, nodes } = await setUp(['a', 'b'])
  const [a, b] = nodes as [SowerNode, SowerNode]
  const client = await world.client('stock')
  const bytes = randomBytes(200_000)
  await writeFile(dir.file('song.bin'), bytes)
  const { mediaId, magnetURI } = await sowerJson<Item>(a.dataDir, [
    'add',
    dir.file('song.bin'),
    '--access',
    'public',
  ])
  const listed = await poll(
    () => client.map(['media']),
    (found) => found.some(({ id }) => id === mediaId),
    30_000,
  )
  const told = listed.find(({ id }) => id === mediaId)
  const signed: unknown = JSON.parse(await readFile(`${a.dataDir}/media/${mediaId}/manifest.json`, 'utf8'))
  expect(JSON.parse(String(told?.['manifest']))).toEqual(signed)
  expect(told).toMatchObject({ magnetURI, owner: a.owner, access_level: 'public' })
  const presence = await poll(
    () => client.once([`media:${mediaId}:peers:${a.nodeId}`]),
    (found) => found?.['sig'] !== undefined,
    30_000,
  )
  expect(presence).toMatchObject({ peerId: a.nodeId, protocols: '["bittorrent"]' })

  // As OIP's relay lets its clients write: unsigned, nested, lists as JSON. Its one true word is the torrent's.
  const other = randomBytes(300_000)
  await writeFile(dir.file('other.bin'), other)
  const hidden = await sowerJson<Item>(a.dataDir, ['add', dir.file('other.bin'), '--access', 'public'])
  const id = sha256(Buffer.from('what nobody signed'))
  await client.put([`media:${id}`], {
    media: {
      id,
      mime: 'audio/mpeg',
      size: 300_000,
      originalName: 'oip.mp3',
      transport: { bittorrent: { magnetURI: hidden.magnetURI }, http: '["https://oip.example/api/media/x"]' },
    },
    accessControl: { access_level: 'public', owner_public_key: a.owner },
  })
  const { token } = await sowerJson<{ token: string }>(b.dataDir, ['token'])
  const read = async (): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${b.url}/media/manifest?id=${id}`, { headers })).json()
  }
  const found = await poll(read, (answer) => (answer as { signed?: boolean }).signed === false, 20_000)
  expect(found).toMatchObject({
    id,
    name: 'oip.mp3',
    mime: 'audio/mpeg',
    transport: {
      bittorrent: { infoHash: /btih:([0-9a-f]{40})/.exec(hidden.magnetURI)?.[1] },
      http: ['https://oip.example/api/media/x'],
    },
  })
})
