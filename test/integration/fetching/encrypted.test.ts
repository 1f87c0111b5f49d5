import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import { signManifest } from '../../../app/manifest/index.ts'
import { SwarmLeech } from '../../../app/seeding/leech.ts'
import { newFileKey } from '../../../app/vault/index.ts'
import { makeEncrypted, type EncryptedItem } from '../../support/encrypted-torrent.ts'
import { openFetchNode, testSigner, type FetchNode } from '../../support/fetch-node.ts'
import { makeSample } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { publisherManifest, startWebNode } from '../../support/web-node.ts'

const KIB = 1024
let stack: AsyncDisposableStack
let dir: TempDir
let item: EncryptedItem
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  item = await makeEncrypted({ dir: dir.path, sizeBytes: 700 * KIB + 77, people: ['friend'] })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await stack.disposeAsync()
})

async function openNode(options: Partial<Parameters<typeof openFetchNode>[0]> = {}): Promise<FetchNode> {
  const root = options.root ?? (await fs.mkdtemp(path.join(dir.path, 'node-')))
  return stack.use(await openFetchNode({ owner: 'reader', ...options, root }))
}

/** Somebody who has the ciphertext and says this of it. */
async function seeder(manifest: Uint8Array | null, limitBytesPerSec: number | null = null) {
  const swarm = stack.use(
    await startSwarm({ uploadLimitBytesPerSec: limitBytesPerSec }, () => Promise.resolve(manifest)),
  )
  swarm.seed(item, 'trackers')
  return swarm
}

async function plainOf(node: FetchNode): Promise<Buffer> {
  await using file = await closing(node.openHeld(item.mediaId))
  const chunks: Uint8Array[] = []
  for await (const chunk of file.read(0, file.sizeBytes)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function closing<T extends { close(): Promise<void> }>(file: Promise<T>): Promise<T & AsyncDisposable> {
  const opened = await file
  return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() })
}

/** Every byte a node has written anywhere, names of files included. */
async function everything(root: string): Promise<Buffer> {
  const names = await fs.readdir(root, { recursive: true, withFileTypes: true })
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
  return Buffer.concat([
    Buffer.from(files.join('\n')),
    ...(await Promise.all(files.map((file) => fs.readFile(file)))),
  ])
}

const spellings = (key: Buffer): Buffer[] => [
  key,
  Buffer.from(key.toString('hex')),
  Buffer.from(key.toString('base64url')),
  Buffer.from(key.toString('base64')),
]

describe('fetching encrypted items', () => {
  it('needs nothing but a link with its key and a peer, and can be read afterwards', async () => {
    const { address } = await seeder(item.manifestBytes)
    const node = await openNode()
    const transfer = await node.get({ link: item.link({ peers: [address] }) })
    expect(transfer).toMatchObject({ state: 'done', isEncrypted: true, name: item.plainName })
    expect(node.library.get(item.mediaId)).toMatchObject({
      protection: 'readable',
      name: item.plainName,
      mime: 'video/mp4',
      plainSizeBytes: item.plain.length,
      accessLevel: 'shared',
      infoHash: item.infoHash,
    })
    expect(await node.library.manifest(item.mediaId)).toEqual(item.manifest)
    expect(Buffer.compare(await plainOf(node), item.plain)).toBe(0)
  })

  it('goes from hand to hand: whoever fetched it gives bytes and manifest on', async () => {
    const first = await seeder(item.manifestBytes)
    const b = await openNode({ owner: 'no friend' })
    expect(await b.get({ link: item.link({ peers: [first.address], key: null }) })).toMatchObject({
      state: 'done',
      name: 'Encrypted item',
    })
    await first.swarm.stop()
    const c = await openNode({ owner: 'friend' })
    const link = item.link({ peers: [`127.0.0.1:${String(b.peerPort)}`], key: null })
    expect(await c.get({ link })).toMatchObject({ state: 'done', name: item.plainName })
    expect(Buffer.compare(await plainOf(c), item.plain)).toBe(0)
  })

  it('keeps only ciphertext where nobody gave the key', async () => {
    const { address } = await seeder(item.manifestBytes)
    const root = dir.file('stranger')
    const node = await openNode({ root, owner: 'stranger' })
    const transfer = await node.get({ link: item.link({ peers: [address], key: null }) })
    expect(transfer).toMatchObject({ state: 'done', isEncrypted: true })
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'needs-key', name: 'Encrypted item' })
    await expect(node.openHeld(item.mediaId)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    await node.close()
    const bytes = await everything(root)
    const canaries = [item.plainName, 'video/mp4', createHash('sha256').update(item.plain).digest('hex')]
    for (const canary of canaries) expect(bytes.includes(canary)).toBe(false)
    for (const at of [0, 300_000, 700_000])
      expect(bytes.includes(item.plain.subarray(at, at + 32))).toBe(false)
  })

  it('never writes the key of a link in the clear, and has it after a restart in the middle', async () => {
    const { address } = await seeder(item.manifestBytes, 150_000)
    const root = dir.file('restarted')
    const before = await openFetchNode({ root, owner: 'reader' })
    const id = await before.fetcher.begin({ link: item.link({ peers: [address] }) })
    await before.until(id, ({ bytesDone }) => bytesDone > 100_000)
    await before.close()
    const bytes = await everything(root)
    for (const spelling of spellings(item.fileKey)) expect(bytes.includes(spelling)).toBe(false)
    const node = await openNode({ root })
    await node.until(id, ({ state }) => state === 'done')
    expect(Buffer.compare(await plainOf(node), item.plain)).toBe(0)
    await node.close()
    for (const spelling of spellings(item.fileKey))
      expect((await everything(root)).includes(spelling)).toBe(false)
  })

  it('opens what is there already with a link that has the key', async () => {
    const { address } = await seeder(item.manifestBytes)
    const node = await openNode({ owner: 'stranger' })
    await node.get({ link: item.link({ peers: [address], key: null }) })
    const other = newFileKey().toString('base64url')
    await expect(node.fetcher.begin({ link: item.link({ key: other }) })).rejects.toMatchObject({
      code: 'LINK_INVALID',
    })
    expect(await node.get({ link: item.link({}) })).toMatchObject({ isDuplicate: true, name: item.plainName })
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'readable', name: item.plainName })
    expect(Buffer.compare(await plainOf(node), item.plain)).toBe(0)
  })

  it('gets it over plain HTTP too', async () => {
    const server = stack.use(await startWebNode(item, { manifest: item.manifest }))
    const node = await openNode({ owner: 'friend' })
    const link = formatLink({ mediaId: item.mediaId, isEncrypted: true })
    expect(await node.get({ link, from: [server.url] })).toMatchObject({
      state: 'done',
      name: item.plainName,
    })
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'readable', infoHash: item.infoHash })
  })

  it('stays off DHT, LSD and PEX: from the start by the link, else from when somebody says what it is', async () => {
    const slow = await seeder(item.manifestBytes, 200_000)
    const node = await openNode()
    const leeches = vi.spyOn(node.swarm, 'leech')
    const byLink = await node.fetcher.begin({ link: item.link({ peers: [slow.address] }) })
    await node.until(byLink, ({ isPlayable }) => isPlayable)
    expect(leeches.mock.calls).toMatchObject([[{ reach: 'trackers' }]])
    await node.fetcher.cancel(byLink)

    const hidden = vi.spyOn(SwarmLeech.prototype, 'goPrivate')
    const magnet = `magnet:?xt=urn:btih:${item.infoHash}&x.pe=${slow.address}`
    const byMagnet = await node.fetcher.begin({ link: magnet })
    await node.until(byMagnet, ({ isEncrypted }) => isEncrypted)
    expect(leeches.mock.calls[1]).toMatchObject([{ reach: 'everywhere' }])
    expect(hidden).toHaveBeenCalled()
    await node.until(byMagnet, ({ state }) => state === 'done')
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'needs-key' })
  })

  it('does not begin with a link whose time is over', async () => {
    const node = await openNode()
    const link = formatLink({ mediaId: item.mediaId, isEncrypted: true, expiresAtMs: 86_400_000 })
    await expect(node.fetcher.begin({ link })).rejects.toMatchObject({
      code: 'LINK_INVALID',
      message: expect.stringContaining('1970-01-02') as string,
    })
    expect(node.fetcher.inspect(item.link({}))).toMatchObject({ isEncrypted: true, hasKey: true })
    expect(node.transfers.list()).toEqual([])
  })
})

describe('what is said of encrypted items', () => {
  it('refuses a link with another item’s key, and keeps nothing', async () => {
    const { address } = await seeder(item.manifestBytes)
    const node = await openNode({ patience: { describeMs: 300 } })
    const key = newFileKey().toString('base64url')
    expect(await node.get({ link: item.link({ peers: [address], key }) })).toMatchObject({
      state: 'failed',
      error: { code: 'LINK_INVALID' },
    })
    expect(node.library.get(item.mediaId)).toBeUndefined()
  })

  it('drops and names whoever gives a manifest that does not hold, and takes the next one’s', async () => {
    const forged = { ...item.manifest, accessControl: { ...item.manifest.accessControl, shared_with: [] } }
    const liar = await seeder(Buffer.from(JSON.stringify(forged)), 200_000)
    const node = await openNode()
    const id = await node.fetcher.begin({ link: item.link({ peers: [liar.address] }) })
    const isNamed = ({ label, state, note }: { label: string; state: string; note?: string | undefined }) =>
      label === liar.address && state === 'dropped' && note?.includes('signature') === true
    await node.until(id, ({ sources }) => sources.some(isNamed))
    const honest = await seeder(item.manifestBytes)
    await node.fetcher.begin({ link: item.link({ peers: [honest.address] }) })
    expect(await node.until(id, ({ state }) => state === 'done')).toMatchObject({ name: item.plainName })
    expect(await node.library.manifest(item.mediaId)).toEqual(item.manifest)
  })

  it('goes by the description the key opens, whoever else signed one of the same bytes', async () => {
    const imposter = testSigner('imposter')
    const other = await makeEncrypted({ dir: dir.path, sizeBytes: item.plain.length, owner: 'imposter' })
    const { creatorSig: _sig, ...oip } = item.manifest.oip
    const claimed = signManifest(
      {
        ...item.manifest,
        encryption: { ...other.manifest.encryption, enabled: true, cipherHash: item.mediaId },
        accessControl: {
          access_level: 'private',
          owner_public_key: imposter.publicKey,
          created_by: imposter.publicKey,
        },
        oip: { ...oip, creatorPubKey: imposter.publicKey },
      },
      imposter,
    )
    const wrong = await seeder(Buffer.from(JSON.stringify(claimed)), 200_000)
    const node = await openNode()
    const id = await node.fetcher.begin({ link: item.link({ peers: [wrong.address] }) })
    await node.until(id, ({ name }) => name === 'Encrypted item')
    const right = await seeder(item.manifestBytes)
    await node.fetcher.begin({ link: item.link({ peers: [right.address] }) })
    expect(await node.until(id, ({ state }) => state === 'done')).toMatchObject({ name: item.plainName })
    expect(node.library.get(item.mediaId)).toMatchObject({ owner: testSigner('publisher').publicKey })
  })

  it('does not make an open item of ciphertext nobody described, and goes on when somebody does', async () => {
    const silent = await seeder(null)
    const node = await openNode({ patience: { describeMs: 500 } })
    const failed = await node.get({ link: item.link({ peers: [silent.address] }) })
    expect(failed).toMatchObject({
      state: 'failed',
      bytesDone: item.sizeBytes,
      error: { code: 'NO_SOURCES', message: expect.stringContaining('description') as string },
    })
    expect(node.library.get(item.mediaId)).toBeUndefined()
    await silent.swarm.stop()
    const server = stack.use(await startWebNode(item, { manifest: item.manifest, path: '/nothing' }))
    node.fetcher.retry(failed.id)
    await node.fetcher.begin({ link: item.link({}), from: [server.url] })
    await node.until(failed.id, ({ state }) => state === 'done')
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'readable' })
    expect(server.requests.filter(({ range }) => range !== undefined)).toEqual([])
  })

  it('does not believe somebody who holds it for a file like any other', async () => {
    const open = await makeSample({ dir: dir.path, sizeBytes: 10, name: 'media' })
    const unaware = publisherManifest({ ...open, ...item, name: 'media' })
    const { address } = await seeder(Buffer.from(JSON.stringify(unaware)))
    const node = await openNode({ patience: { describeMs: 500 } })
    expect(await node.get({ link: item.link({ peers: [address] }) })).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SOURCES' },
      sources: expect.not.arrayContaining([expect.objectContaining({ state: 'dropped' })]) as unknown,
    })
  })

  it('holds back until the wallet is open, says so, and then goes on by itself', async () => {
    const { address } = await seeder(item.manifestBytes)
    const root = dir.file('locked')
    const node = await openNode({ root, isWalletOpen: false })
    const failed = await node.get({ link: item.link({ peers: [address] }) })
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'KEYCHAIN_LOCKED' } })
    for (const spelling of spellings(item.fileKey))
      expect((await everything(root)).includes(spelling)).toBe(false)
    await node.setWalletOpen(true)
    await node.until(failed.id, ({ state }) => state === 'done')
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'readable' })
  })

  it('keeps ciphertext while the wallet is locked, and can read it once it is open', async () => {
    const { address } = await seeder(item.manifestBytes)
    const node = await openNode({ owner: 'friend', isWalletOpen: false })
    expect(await node.get({ link: item.link({ peers: [address], key: null }) })).toMatchObject({
      state: 'done',
    })
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'locked' })
    await node.setWalletOpen(true)
    expect(node.library.get(item.mediaId)).toMatchObject({ protection: 'readable', name: item.plainName })
  })
})

describe('what is said of open items', () => {
  it('keeps the publisher’s manifest that a peer gave, link and peer being all there is', async () => {
    const sample = await makeSample({ dir: dir.path, sizeBytes: 400 * KIB, name: 'song.mp3' })
    const manifest = publisherManifest(sample)
    const swarm = stack.use(
      await startSwarm({}, () => Promise.resolve(Buffer.from(JSON.stringify(manifest)))),
    )
    swarm.seed(sample)
    const node = await openNode()
    const link = formatLink({ mediaId: sample.mediaId, infoHash: sample.infoHash, peers: [swarm.address] })
    expect(await node.get({ link })).toMatchObject({ state: 'done', isEncrypted: false, name: 'song.mp3' })
    expect(await node.library.manifest(sample.mediaId)).toEqual(manifest)
    const other = await openNode({ owner: 'other' })
    const magnet = `magnet:?xt=urn:btih:${sample.infoHash}&x.pe=127.0.0.1:${String(node.peerPort)}`
    expect(await other.get({ link: magnet })).toMatchObject({ state: 'done' })
    expect(await other.library.manifest(sample.mediaId)).toEqual(manifest)
  })
})
