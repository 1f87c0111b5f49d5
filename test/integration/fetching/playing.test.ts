import fs from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatLink } from '../../../app/fetching/index.ts'
import type { PlainFile } from '../../../app/ports/plain-file.ts'
import { makeEncrypted } from '../../support/encrypted-torrent.ts'
import { openFetchNode, type FetchNode } from '../../support/fetch-node.ts'
import { makeSample, type SampleTorrent } from '../../support/sample-torrent.ts'
import { startSwarm } from '../../support/swarms.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { publisherManifest, startWebNode, type WebNodeOptions } from '../../support/web-node.ts'

const MIB = 1024 * 1024
let stack: AsyncDisposableStack
let dir: TempDir
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
})
afterEach(() => stack.disposeAsync())

async function openNode(): Promise<FetchNode> {
  const root = await fs.mkdtemp(path.join(dir.path, 'node-'))
  return stack.use(await openFetchNode({ root, owner: 'reader' }))
}

interface Playable {
  readonly plain: Buffer
  readonly sample: SampleTorrent
  readonly manifest: unknown
  link(peer: string): string
}

async function openVideo(sizeBytes: number): Promise<Playable> {
  const sample = await makeSample({ dir: dir.path, sizeBytes, name: 'film.mp4' })
  const manifest = publisherManifest(sample, { mime: 'video/mp4' })
  const { mediaId, infoHash } = sample
  return {
    plain: sample.bytes,
    sample,
    manifest,
    link: (peer) => formatLink({ mediaId, infoHash, peers: [peer] }),
  }
}

async function sealedVideo(sizeBytes: number): Promise<Playable> {
  const item = await makeEncrypted({ dir: dir.path, sizeBytes })
  return {
    plain: item.plain,
    sample: item,
    manifest: item.manifest,
    link: (peer) => item.link({ peers: [peer] }),
  }
}

const KINDS = [
  ['an open video', openVideo],
  ['an encrypted video', sealedVideo],
] as const

/** Begins to fetch it from somebody slow; resolves when it can be played. */
async function begin(video: Playable, limitBytesPerSec: number) {
  const { sample, manifest } = video
  const seeder = stack.use(
    await startSwarm({ uploadLimitBytesPerSec: limitBytesPerSec }, () =>
      Promise.resolve(Buffer.from(JSON.stringify(manifest))),
    ),
  )
  seeder.seed(sample)
  const node = await openNode()
  const id = await node.fetcher.begin({ link: video.link(seeder.address) })
  await node.until(id, ({ isPlayable }) => isPlayable)
  const file = await node.fetcher.openPlain(id)
  stack.defer(() => file.close())
  return { seeder, node, id, file }
}

async function read(
  file: PlainFile,
  start: number,
  endExclusive: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of file.read(start, endExclusive, signal)) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** One a paused download lacks; far from what is read ahead, where some may still have come in. */
function missingPiece(node: FetchNode, id: string): number {
  const { verified } = node.transfers.payload(id) as { verified: { bits: string } } // what a plan holds
  const bits = Buffer.from(verified.bits, 'base64')
  for (let index = 240; index > 120; index -= 1)
    if (((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) === 0) return index
  throw new Error('everything is there already')
}

function expectSame(bytes: Buffer, plain: Buffer, start: number): void {
  expect(Buffer.compare(bytes, plain.subarray(start, start + bytes.length))).toBe(0)
}

describe.each(KINDS)('playing %s while it arrives', (_kind, make) => {
  it('gives the right bytes wherever the player jumps to, long before all is there', async () => {
    const video = await make(48 * MIB)
    const { node, id, file } = await begin(video, 2 * MIB)
    expect(file).toMatchObject({ mime: 'video/mp4', sizeBytes: video.plain.length })
    using delay = watchLoop()
    // Front, the very end (where the index is), the middle, back a little, near the end.
    for (const start of [0, video.plain.length - 200_000, 24 * MIB + 13, 23 * MIB, 40 * MIB]) {
      const begunMs = performance.now()
      const bytes = await read(file, start, start + 200_000)
      const tookMs = performance.now() - begunMs
      expect(tookMs).toBeLessThan(2500)
      expect(bytes).toHaveLength(200_000)
      expectSame(bytes, video.plain, start)
    }
    // By chance the last of these would have come with all the rest, after 24 seconds.
    expect(node.transfers.get(id)).toMatchObject({ state: 'active' })
    expect(node.transfers.get(id)?.bytesDone).toBeLessThan(24 * MIB)
    // Generous: other tests share the processors.
    expect(delay.maxMs()).toBeLessThan(1000)
  })

  it('plays from start to end while it is fetched, and goes on from the stored file', async () => {
    const video = await make(6 * MIB + 5)
    const { node, id, file } = await begin(video, 3 * MIB)
    expectSame(await read(file, 0, video.plain.length), video.plain, 0)
    await node.until(id, ({ state }) => state === 'done')
    expectSame(await read(file, 3 * MIB, 4 * MIB), video.plain, 3 * MIB)
    const again = await node.fetcher.openPlain(id)
    expectSame(await read(again, MIB, 2 * MIB), video.plain, MIB)
    await again.close()
    const handles = await fs.readdir('/proc/self/fd')
    await file.close()
    const left = await Promise.all(handles.map((fd) => fs.readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    expect(left.filter((target) => target.includes('.incoming')).length).toBe(0)
  })

  it('waits while the download is paused and goes on with it', async () => {
    const video = await make(16 * MIB)
    const { node, id, file } = await begin(video, MIB)
    const there = await read(file, 0, 100_000)
    expectSame(there, video.plain, 0)
    await node.fetcher.pause(id)
    expectSame(await read(file, 0, 100_000), video.plain, 0)
    // A range that takes in a piece which is not there, in segments of either length.
    const start = missingPiece(node, id) * 65_520 + 100
    let isRead = false
    const reading = read(file, start, start + 65_536).then((bytes) => {
      isRead = true
      return bytes
    })
    await sleep(500)
    expect(isRead).toBe(false)
    node.fetcher.resume(id)
    expectSame(await reading, video.plain, start)
    // It was waited for, so it came first: all the rest takes a quarter of a minute.
    expect(node.transfers.get(id)?.bytesDone).toBeLessThan(10 * MIB)
  })

  it('ends with CANCELLED when the download or the reader is cancelled', async () => {
    const video = await make(8 * MIB)
    const { node, id, file } = await begin(video, 500_000)
    const controller = new AbortController()
    const stopped = read(file, 7 * MIB, 8 * MIB, controller.signal)
    const cancelled = read(file, 6 * MIB, 7 * MIB)
    const both = Promise.all([
      expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' }),
      expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' }),
    ])
    await sleep(50)
    controller.abort()
    await sleep(50)
    await node.fetcher.cancel(id)
    await both
    await expect(node.fetcher.openPlain(id)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await node.incoming()).toEqual([])
  })
})

describe('playing what comes over plain HTTP', () => {
  async function beginPlain(sample: SampleTorrent, options: WebNodeOptions, link: string) {
    const server = stack.use(await startWebNode(sample, { bytesPerSec: MIB, hasRanges: false, ...options }))
    const node = await openNode()
    const id = await node.fetcher.begin({ link, from: [server.url] })
    return { node, id }
  }

  it('decrypts segments as they arrive', async () => {
    const item = await makeEncrypted({ dir: dir.path, sizeBytes: 4 * MIB })
    const link = formatLink({
      mediaId: item.mediaId,
      isEncrypted: true,
      key: item.fileKey.toString('base64url'),
    })
    const { node, id } = await beginPlain(item, { manifest: item.manifest }, link)
    await node.until(id, ({ isPlayable }) => isPlayable)
    const file = await node.fetcher.openPlain(id)
    expectSame(await read(file, 100_000, 500_000), item.plain, 100_000)
    expect(node.transfers.get(id)?.state).toBe('active')
    await file.close()
  })

  it('checks pieces by the torrent, and gives out none that is wrong', async () => {
    const sample = await makeSample({ dir: dir.path, sizeBytes: 4 * MIB, name: 'film.mp4' })
    const bytes = Buffer.from(sample.bytes)
    bytes[700_000]! ^= 1
    const described = {
      manifest: publisherManifest(sample, { mime: 'video/mp4' }),
      metainfo: sample.metainfo,
    }
    const { node, id } = await beginPlain(sample, { bytes, ...described }, sample.mediaId)
    await node.until(id, ({ isPlayable, bytesDone }) => isPlayable && bytesDone > 1_500_000)
    const file = await node.fetcher.openPlain(id)
    expectSame(await read(file, 0, 600_000), sample.bytes, 0)
    const given: Uint8Array[] = []
    const reading = (async () => {
      for await (const chunk of file.read(600_000, 900_000)) given.push(chunk)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'HASH_MISMATCH' })
    expect(Buffer.concat(given).length).toBeLessThan(100_001)
    await file.close()
  })

  it('gives nothing out that nothing proves, until the whole is there and right', async () => {
    const sample = await makeSample({ dir: dir.path, sizeBytes: 2 * MIB, name: 'film.mp4' })
    const manifest = publisherManifest(sample, { withTorrent: false, mime: 'video/mp4' })
    const { node, id } = await beginPlain(sample, { manifest }, sample.mediaId)
    await node.until(id, ({ bytesDone }) => bytesDone > MIB)
    expect(node.transfers.get(id)).toMatchObject({ isPlayable: false })
    const file = await node.fetcher.openPlain(id)
    const bytes = await read(file, 0, 100_000)
    expect(node.transfers.get(id)).toMatchObject({ bytesDone: sample.sizeBytes })
    expectSame(bytes, sample.bytes, 0)
    await file.close()
  })
})

describe('what can’t be played', () => {
  it('says so while nothing is known, for other wallets’ items, and for ids that are none', async () => {
    const item = await makeEncrypted({ dir: dir.path, sizeBytes: 4 * MIB })
    const seeder = stack.use(
      await startSwarm({ uploadLimitBytesPerSec: 300_000 }, () => Promise.resolve(item.manifestBytes)),
    )
    const node = await openNode()
    const id = await node.fetcher.begin({ link: item.link({ peers: [seeder.address], key: null }) })
    await expect(node.fetcher.openPlain(id)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    seeder.seed(item, 'trackers')
    await node.until(id, ({ name }) => name === 'Encrypted item', 40_000)
    expect(node.transfers.get(id)).toMatchObject({ isPlayable: false, isEncrypted: true })
    await expect(node.fetcher.openPlain(id)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    await expect(node.fetcher.openPlain('none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

function watchLoop() {
  const histogram = monitorEventLoopDelay({ resolution: 10 })
  histogram.enable()
  return {
    maxMs: () => histogram.max / 1e6,
    [Symbol.dispose]: () => void histogram.disable(),
  }
}
