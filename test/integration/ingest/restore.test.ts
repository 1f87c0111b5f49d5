import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { buildManifest, signManifest } from '../../../app/manifest/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { bytesOf, exists, makeDir } from './fixture.ts'
import { openNode, pair, signer, type AddingNode } from './node.ts'

const names = ['Åre 2024.txt', 'b.txt', 'c.txt']

/** A media folder with three encrypted items and one in the clear, made on another machine. */
async function madeElsewhere(): Promise<{ mediaDir: string; mediaIds: string[] }> {
  const root = await makeDir()
  const node = await openNode({ root })
  const ids = []
  for (const [index, name] of [...names, 'clear.txt'].entries()) {
    await fs.writeFile(path.join(root, name), `content ${index}`)
    ids.push(
      node.adder.addPath({
        path: path.join(root, name),
        accessLevel: 'private',
        storage: 'auto',
        isEncrypted: name !== 'clear.txt',
      }),
    )
  }
  const transfers = await Promise.all(ids.map(node.over))
  await node.close()
  return { mediaDir: node.mediaDir, mediaIds: transfers.map(({ mediaId }) => mediaId ?? '') }
}

async function open(options: Parameters<typeof openNode>[0]): Promise<AddingNode> {
  const node = await openNode(options)
  onTestFinished(() => node.close())
  return node
}

const namesIn = ({ library }: AddingNode, search?: string): string[] =>
  library
    .list({ sort: 'name', direction: 'asc', ...(search === undefined ? {} : { search }) })
    .rows.map(({ name }) => name)

test('a clean machine with the media folder and the wallet has every private item back, readable', async () => {
  const { mediaDir, mediaIds } = await madeElsewhere()
  const node = await open({ root: await makeDir(), mediaDir })
  await node.library.verified()
  expect(namesIn(node)).toEqual(['b.txt', 'c.txt', 'clear.txt', 'Åre 2024.txt'])
  // Names are folded for searching, sealed ones as well.
  expect(namesIn(node, 'åRE')).toEqual(['Åre 2024.txt'])
  expect(node.library.get(mediaIds[0] ?? '')).toMatchObject({
    protection: 'readable',
    plainSizeBytes: 9,
    sizeBytes: 25,
    mime: 'text/plain',
    isOwn: true,
    isSeedingWanted: true,
    fileState: 'ok',
    accessLevel: 'private',
  })
  expect(node.library.get(mediaIds[3] ?? '')).toMatchObject({ protection: 'none', isSeedingWanted: false })
})

test('with a locked wallet they are there and locked, and get their names when it opens', async () => {
  const { mediaDir, mediaIds } = await madeElsewhere()
  let isOpen = false
  const seaPair = () => {
    if (!isOpen) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    return pair
  }
  const root = await makeDir()
  const node = await open({ root, mediaDir, seaPair })
  const [mediaId = ''] = mediaIds
  expect(namesIn(node)).toEqual(['clear.txt', 'Encrypted item', 'Encrypted item', 'Encrypted item'])
  expect(node.library.get(mediaId)).toMatchObject({
    protection: 'locked',
    mime: 'application/octet-stream',
    plainSizeBytes: 9,
    isOwn: true,
  })
  // Also one that is in the trash meanwhile.
  await node.library.remove([mediaIds[1] ?? ''])
  await node.library.reopenSealed()
  expect(node.library.get(mediaId)?.protection).toBe('locked')

  const changed = new Set<string>()
  node.library.onChange((ids) => {
    for (const id of ids) changed.add(id)
  })
  isOpen = true
  await node.library.reopenSealed()
  expect(namesIn(node)).toEqual(['c.txt', 'clear.txt', 'Åre 2024.txt'])
  expect(namesIn(node, 'åre')).toEqual(['Åre 2024.txt'])
  await node.library.restore([mediaIds[1] ?? ''])
  expect(namesIn(node)).toContain('b.txt')
  await new Promise((resolve) => setImmediate(resolve))
  expect(mediaIds.slice(0, 3).every((id) => changed.has(id))).toBe(true)
})

test('another wallet reads nothing of it, and the first one everything again', async () => {
  const { mediaDir, mediaIds } = await madeElsewhere()
  const stranger = { owner: `02${'ab'.repeat(32)}`, pair: seaPairFromSeed(randomBytes(64)) }
  const mine = { owner: signer.publicKey, pair }
  let wallet = stranger
  const node = await open({
    root: await makeDir(),
    mediaDir,
    owner: () => wallet.owner,
    seaPair: () => wallet.pair,
  })
  const states = () => mediaIds.map((id) => [node.library.get(id)?.protection, node.library.get(id)?.isOwn])
  const foreign = [...Array.from({ length: 3 }, () => ['needs-key', false]), ['none', false]]
  const own = [...Array.from({ length: 3 }, () => ['readable', true]), ['none', true]]
  expect(states()).toEqual(foreign)
  // Looking at what is locked concerns none of them; a key for one concerns that one.
  await node.library.reopenSealed()
  expect(states()).toEqual(foreign)

  wallet = mine
  node.fileKeys.forgetAll()
  await node.library.ownerChanged()
  expect(states()).toEqual(own)
  expect(namesIn(node, 'åre')).toHaveLength(1)

  wallet = stranger
  node.fileKeys.forgetAll()
  await node.library.ownerChanged()
  expect(states()).toEqual(foreign)
  expect(namesIn(node, 'åre')).toEqual([])
})

test('rebuild and a new manifest version keep what is sealed readable', async () => {
  const { mediaDir, mediaIds } = await madeElsewhere()
  let isOpen = true
  const node = await open({
    root: await makeDir(),
    mediaDir,
    seaPair: () => {
      if (!isOpen) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
      return pair
    },
  })
  const [mediaId = ''] = mediaIds
  await node.library.rebuild()
  expect(node.library.get(mediaId)).toMatchObject({ name: 'Åre 2024.txt', protection: 'readable' })

  const next = async () => {
    const previous = await node.library.manifest(mediaId)
    const unsigned = buildManifest({
      mediaId,
      sizeBytes: previous.size,
      mime: previous.mime,
      accessLevel: 'shared',
      owner: signer.publicKey,
      bittorrent: previous.transport?.bittorrent,
      sharedWith: [`02${'cd'.repeat(32)}`],
      previous,
    })
    return { previous, unsigned }
  }
  const { unsigned } = await next()
  const row = await node.library.addManifestVersion(mediaId, signManifest(unsigned, signer))
  expect(row).toMatchObject({
    name: 'Åre 2024.txt',
    protection: 'readable',
    accessLevel: 'shared',
    manifestVersion: 2,
  })
  expect(row.sharedWith).toEqual([`02${'cd'.repeat(32)}`])

  // What was known while the wallet was open is not forgotten because it is locked now.
  isOpen = false
  node.fileKeys.forgetAll()
  const later = await node.library.addManifestVersion(mediaId, signManifest((await next()).unsigned, signer))
  expect(later).toMatchObject({ name: 'Åre 2024.txt', protection: 'readable', manifestVersion: 3 })

  // Bytes don't become plaintext because somebody says so.
  const { encryption: _encryption, ...clear } = (await next()).unsigned
  await expect(
    node.library.addManifestVersion(
      mediaId,
      signManifest({ ...clear, encryption: { enabled: false } }, signer),
    ),
  ).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
})

test('ciphertext that another program called original gets its name, and a damaged one is noticed', async () => {
  const { mediaDir, mediaIds } = await madeElsewhere()
  const [renamed = '', damaged = ''] = mediaIds
  const file = (mediaId: string, name: string) => path.join(mediaDir, mediaId, name)
  await fs.rename(file(renamed, 'encrypted'), file(renamed, 'original'))
  const bytes = await fs.readFile(file(damaged, 'encrypted'))
  await fs.writeFile(file(damaged, 'encrypted'), bytesOf(bytes.length))
  const node = await open({ root: await makeDir(), mediaDir })
  await node.library.verified()
  expect(await exists(file(renamed, 'encrypted'))).toBe(true)
  expect(await exists(file(renamed, 'original'))).toBe(false)
  expect(node.library.get(renamed)).toMatchObject({ fileState: 'ok', protection: 'readable' })
  expect(node.library.get(damaged)).toBeUndefined()
  expect((await fs.readdir(path.join(mediaDir, '.damaged'))).length).toBe(1)
})
