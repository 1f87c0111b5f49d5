import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { FoundItem } from '../../../app/contract/index.ts'
import { encodeManifest } from '../../../app/network/codec.ts'
import { makeManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, runSower, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

interface Found {
  readonly mediaId: string
  readonly did: string
  readonly name: string
  readonly owner: string
  readonly ownerName?: string
  readonly access_level: string
  readonly isHeld: boolean
  readonly isFollowed: boolean
}
interface Publisher {
  readonly pub: string
  readonly owner?: string
  readonly name?: string
  readonly isFollowed: boolean
  readonly items: number
}

let world: NetworkWorld
afterEach(() => world.close())

async function serve(dataDir: string, more: Record<string, string> = {}): Promise<SowerNode> {
  const node = await serveNode(dataDir, [], { GUN_PEERS: world.relay.url, ...more })
  world.onClose(() => node.child.stop())
  return node
}

async function open(): Promise<{ a: string; b: string; file: (name: string) => string }> {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  return { a: dir.file('a'), b: dir.file('b'), file: (name) => dir.file(name) }
}

const found = async (node: SowerNode, text: string): Promise<FoundItem[]> =>
  (await callNode(node, 'discovery.search', { text })).items

const search = (dataDir: string, ...args: string[]): Promise<Found[]> =>
  sowerJson(dataDir, ['search', ...args])

test(
  'finds what somebody followed publishes, also when the relay and the other node are gone',
  { timeout: 150_000 },
  async () => {
    const { a, b, file } = await open()
    const publisher = await serve(a)
    await writeFile(file('Harbour at dawn.txt'), 'for everybody')
    await writeFile(file('hidden harbour.txt'), 'for nobody')
    const add = (name: string, ...args: string[]): Promise<{ mediaId: string }> =>
      sowerJson(a, ['add', file(name), ...args])
    const shown = await add('Harbour at dawn.txt', '--access', 'public')
    await add('hidden harbour.txt', '--access', 'private', '--encrypt')
    await sowerJson(a, ['wallet', 'card', '--name', 'Anna', '--out', file('anna.sowercard')])

    // Only what is followed is looked for, so that it is the card that leads to it.
    const reader = await serve(b, { SOWER_FEED: 'off' })
    expect(await search(b, 'harbour')).toEqual([])
    const followed = await sowerJson<Publisher>(b, ['follow', file('anna.sowercard')])
    expect(followed).toMatchObject({ owner: publisher.owner, name: 'Anna', isFollowed: true })

    await poll(
      () => found(reader, 'harb'),
      (items) => items.length > 0,
    )
    const [item, ...others] = await search(b, 'harb')
    expect(others).toEqual([])
    expect(item).toMatchObject({
      mediaId: shown.mediaId,
      did: `did:gun:media:${shown.mediaId}`,
      name: 'Harbour at dawn.txt',
      owner: publisher.owner,
      ownerName: 'Anna',
      access_level: 'public',
      isHeld: false,
      isFollowed: true,
    })
    expect(await search(b, 'harb', '--type', 'text', '--owner', 'Anna', '--followed')).toHaveLength(1)
    expect(await sowerJson<Publisher[]>(b, ['following'])).toMatchObject([{ name: 'Anna', items: 1 }])
    const overHttp = (await (await fetch(`${reader.url}/api/search?q=harbour`)).json()) as { items: Found[] }
    expect(overHttp.items).toMatchObject([{ mediaId: shown.mediaId, owner: publisher.owner }])

    // Withdrawn by nobody, only out of reach: relay and publisher stop, the reader starts anew.
    await publisher.child.stop()
    await world.relay.stop()
    await reader.child.stop()
    const again = await serve(b, { SOWER_FEED: 'off' })
    expect(await found(again, 'dawn')).toMatchObject([{ mediaId: shown.mediaId, isFollowed: true }])
    const { unfollowed } = await sowerJson<{ unfollowed: string }>(b, ['unfollow', 'Anna'])
    expect(unfollowed).toBe(followed.pub)
    expect(await callNode(again, 'following.list', {})).toEqual({ publishers: [] })
    const ofFollowed = await callNode(again, 'discovery.search', { text: 'dawn', isFollowedOnly: true })
    expect(ofFollowed.items).toEqual([])
    await again.child.stop()
    // And with no node running at all, in the engine of the command alone.
    expect(await search(b, 'dawn')).toMatchObject([{ mediaId: shown.mediaId, isFollowed: false }])
  },
)

test(
  'finds new public items of anybody on its relay, and nothing that is not signed',
  { timeout: 120_000 },
  async () => {
    const { a, b, file } = await open()
    const publisher = await serve(a)
    const reader = await serve(b)
    await writeFile(file('open lecture.txt'), 'for everybody')
    const { mediaId } = await sowerJson<{ mediaId: string }>(a, [
      'add',
      file('open lecture.txt'),
      '--access',
      'public',
    ])
    await poll(
      () => found(reader, 'lecture'),
      (items) => items.some((item) => item.mediaId === mediaId),
      30_000,
    )

    // Somebody writes over it, and puts a forged one beside it.
    const vandal = await world.client('vandal')
    const forged = { ...makeManifest(testSigner(9), 'forged'), name: 'forged lecture.txt' }
    const { fields: values } = encodeManifest(forged)
    await vandal.put([`media:${forged.id}`], values)
    await vandal.put(['media', forged.id], values)
    const lie = { ...forged, id: mediaId, name: 'overwritten lecture.txt' }
    await vandal.put([`media:${mediaId}`], encodeManifest(lie).fields)
    // It was heard, and not believed.
    const asked = callNode(reader, 'discovery.item', { id: `did:gun:media:${forged.id}` })
    await expect(asked).rejects.toThrow(/signed by nobody/)
    const { item, roads, link, conflict } = await callNode(reader, 'discovery.item', { id: mediaId })
    expect(item).toMatchObject({ name: 'open lecture.txt', owner: publisher.owner, copies: { presence: 1 } })
    expect(roads).toContainEqual({ kind: 'torrent', label: 'swarm' })
    expect(link).toContain(mediaId)
    expect(conflict).toEqual([])
    await callNode(reader, 'discovery.refresh', {})
    expect((await found(reader, 'lecture')).map(({ name }) => name)).toEqual(['open lecture.txt'])
    expect(await found(reader, 'forged')).toEqual([])
  },
)

test('follows by a link to something published, and lets go again', { timeout: 60_000 }, async () => {
  const { a, b, file } = await open()
  const publisher = await serve(a)
  const reader = await serve(b, { SOWER_FEED: 'off' })
  await writeFile(file('first.txt'), 'one')
  await writeFile(file('second.txt'), 'two')
  const add = (name: string): Promise<{ link: string }> =>
    sowerJson(a, ['add', file(name), '--access', 'public'])
  const { link } = await add('first.txt')
  const followed = await callNode(reader, 'following.add', { publisher: link, name: 'somebody' })
  expect(link).toContain(`pub=${followed.pub}`)
  expect(followed).toMatchObject({ isFollowed: true, isContact: false })
  const before = await poll(
    () => found(reader, ''),
    (items) => items.length === 1,
  )
  // Whose key that is, only a card could say: what is in their space is theirs for now.
  expect(before).toMatchObject([{ name: 'first.txt', owner: publisher.owner, isFollowed: true }])
  await add('second.txt')
  await poll(
    () => found(reader, 'second'),
    (items) => items.length === 1,
  )
  // Their own key names them as well from now on.
  expect(await callNode(reader, 'discovery.publisher', { publisher: publisher.owner })).toMatchObject({
    pub: followed.pub,
    items: 2,
    isFollowed: true,
    name: 'somebody',
  })
  await callNode(reader, 'following.remove', { pub: followed.pub })
  expect(await callNode(reader, 'following.list', {})).toEqual({ publishers: [] })
})

test('tells apart those one follows who have the same name, and those one does not follow', async () => {
  const { a } = await open()
  await serve(a)
  const pairs = [seaTestPair(), seaTestPair()]
  for (const { pub } of pairs) await sowerJson(a, ['follow', pub, '--name', 'Anna'])
  const fail = async (...args: string[]): Promise<{ code: string; message: string; hint: string }> => {
    const { status, stderr } = await runSower(a, ['--json', ...args])
    expect(status).toBe(1)
    return JSON.parse(stderr) as { code: string; message: string; hint: string }
  }
  const publishers = await sowerJson<{ pub: string; fingerprint: string }[]>(a, ['following'])
  for (const args of [
    ['unfollow', 'anna'],
    ['search', 'harbour', '--owner', 'Anna'],
  ]) {
    const several = await fail(...args)
    expect(several).toMatchObject({ code: 'BAD_REQUEST' })
    expect(several.message).toMatch(/^Several of those you follow are called “[Aa]nna”\.$/)
    for (const { fingerprint } of publishers) expect(several.hint).toContain(fingerprint)
  }
  expect(await fail('unfollow', 'Berta')).toMatchObject({
    code: 'NOT_FOUND',
    message: 'You don’t follow “Berta”.',
  })
  expect(await fail('search', 'x'.repeat(201))).toMatchObject({
    code: 'BAD_REQUEST',
    message: 'That is too long to search for.',
  })
  const [first, second] = publishers
  await sowerJson(a, ['unfollow', first?.fingerprint ?? ''])
  expect(await sowerJson(a, ['unfollow', 'Anna'])).toEqual({ unfollowed: second?.pub })
})

test('says what can’t be followed, and how', async () => {
  const { a, file } = await open()
  const node = await serve(a)
  const follow = async (given: string): Promise<{ code: string; hint?: string }> => {
    const { status, stderr } = await runSower(a, ['--json', 'follow', given])
    expect(status).toBe(1)
    return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { code: string; hint?: string }
  }
  const unknown = await follow(`02${'a'.repeat(64)}`)
  expect(unknown).toMatchObject({ code: 'BAD_REQUEST', hint: expect.stringContaining('card') as string })
  expect(await follow(node.owner)).toMatchObject({ code: 'BAD_REQUEST' })
  await writeFile(file('not.sowercard'), '{"owner":1}')
  expect(await follow(join(file('not.sowercard')))).toMatchObject({ code: 'CARD_INVALID' })
  const nobody = await runSower(a, ['--json', 'unfollow', `02${'a'.repeat(64)}`])
  expect(JSON.parse(nobody.stderr)).toMatchObject({ code: 'NOT_FOUND' })
})
