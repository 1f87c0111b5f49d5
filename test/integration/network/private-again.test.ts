import { writeFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { canonicalJson, type Manifest } from '../../../app/manifest/index.ts'
import { frozenKey } from '../../../app/network/sea.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { callNode, serveNode, sowerJson } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'

let world: NetworkWorld
afterEach(() => world.close())

test('what is made private is taken back: told to nobody by its own node, described by nobody else, and public again when it is', async () => {
  world = await openNetworkWorld()
  const dir = await tempDir()
  world.onClose(async () => dir[Symbol.asyncDispose]())
  const a = await serveNode(dir.file('a'), [], { GUN_PEERS: world.relay.url })
  world.onClose(() => a.child.stop())
  const [b, client] = await Promise.all([world.node('b'), world.client('stock')])
  await writeFile(dir.file('diary.txt'), 'Dear diary')
  const { mediaId } = await sowerJson<{ mediaId: string }>(a.dataDir, [
    'add',
    dir.file('diary.txt'),
    '--access',
    'public',
  ])
  const shown = await poll(
    () => b.lookup(mediaId),
    ({ known }) => known?.pub !== undefined,
  )
  const first = shown.known?.manifest as Manifest
  const hints = { pub: shown.known?.pub, hash: frozenKey(canonicalJson(first)) }
  await poll(
    () => b.feed(),
    ({ items }) => items.length === 1,
  )

  await callNode(a, 'library.setAccess', { mediaId, accessLevel: 'private' })
  const left = await poll(
    () => client.once([`media:${mediaId}`]),
    (node) => node?.['access_level'] === 'private',
  )
  expect(left).toMatchObject({ id: mediaId, manifest: '', infoHash: '', magnetURI: '', mime: '', hash: '' })
  expect(JSON.stringify(left)).not.toContain('diary')
  // Whoever knew of it hears that it counts no longer; of those who did not, nobody learns what it was.
  const after = await poll(
    () => b.lookup(mediaId),
    ({ known }) => known?.revocation !== undefined,
  )
  expect(after.known?.revocation).toMatchObject({ mediaId, version: 1, owner: a.owner })
  expect((await b.feed()).items).toEqual([])
  const c = await world.node('c')
  const late = await c.lookup(mediaId)
  expect([late.known, late.foreign]).toEqual([undefined, undefined])
  // Its own node holds the frozen copy no more; others may.
  const guest = await world.node('guest', { relays: [`${a.url}/gun`] })
  const asked = await guest.lookup(mediaId, hints)
  expect([asked.known, asked.foreign]).toEqual([undefined, undefined])
  for (const path of [`/media/manifest?id=${mediaId}`, `/get?soul=media:${mediaId}`, `/media/${mediaId}`])
    expect([path, (await fetch(a.url + path)).status]).toEqual([path, 404])
  expect(await (await fetch(`${a.url}/get?soul=%23media`)).text()).not.toContain(mediaId)

  await callNode(a, 'library.setAccess', { mediaId, accessLevel: 'public' })
  for (const node of [b, c]) {
    const again = await poll(
      () => node.lookup(mediaId, { pub: hints.pub }),
      ({ known }) => known?.manifest.version === 3,
    )
    expect(again.known?.manifest.name).toBe('diary.txt')
    expect(again.known?.revocation).toBeUndefined()
  }
  expect((await b.feed()).items.map(({ manifest }) => manifest.version)).toEqual([3])

  // And a second time: it is the last version told that counts no longer.
  await callNode(a, 'library.setAccess', { mediaId, accessLevel: 'private' })
  const second = await poll(
    () => b.lookup(mediaId),
    ({ known }) => known?.revocation !== undefined,
  )
  expect(second.known?.revocation?.version).toBe(3)
}, 120_000)
