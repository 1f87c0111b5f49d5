import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { captureLoopback } from '../support/capture.ts'
import { found, leaks } from '../support/canary.ts'
import { startLibtorrent } from '../support/libtorrent.ts'
import { serveNode, sowerJson } from '../support/sower.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'

interface Added {
  readonly mediaId: string
  readonly link: string
  readonly magnetURI: string
}

const IN_NAME = 'heron-at-the-weir-7431'
const IN_CONTENT = 'nobody-else-reads-this-sentence-5502'
const CANARIES = [IN_NAME, IN_CONTENT]

/** A file whose every page says the canary. */
function secretFile(): Buffer {
  const page = Buffer.alloc(8192, 'x')
  page.write(IN_CONTENT, 100)
  return Buffer.concat(Array.from({ length: 400 }, () => page))
}

describe('an encrypted item on its way', () => {
  it('is ciphertext on the disk, in the database, in the log and on the wire of everybody without a key', async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    const source = dir.file(`${IN_NAME}.txt`)
    const bytes = secretFile()
    await writeFile(source, bytes)
    await using a = await serveNode(dir.file('a'), [tracker.http])
    await using b = await serveNode(dir.file('b'), [tracker.http])
    await using c = await serveNode(dir.file('c'), [tracker.http])
    const { mediaId, magnetURI } = await sowerJson<Added>(a.dataDir, ['add', source, '--encrypt'])
    expect(mediaId).not.toBe(createHash('sha256').update(bytes).digest('hex'))
    const { link } = await sowerJson<{ link: string }>(a.dataDir, ['share', mediaId])
    const { link: keyLink } = await sowerJson<{ link: string }>(a.dataDir, ['share', mediaId, '--with-key'])

    await using capture = await captureLoopback(
      dir.file('loopback.pcap'),
      [a, b, c].map(({ controlUrl }) => Number(new URL(controlUrl).port)),
    )
    const host = await sowerJson<{ protection: string; name: string }>(b.dataDir, ['get', link])
    expect(host).toMatchObject({ protection: 'needs-key' })
    const reader = dir.file('read.txt')
    await sowerJson(c.dataDir, ['get', keyLink, '--out', reader])
    expect((await readFile(reader)).equals(bytes)).toBe(true)
    const folder = dir.file('libtorrent')
    await mkdir(folder)
    await using stranger = await startLibtorrent({
      mode: 'download',
      magnet: magnetURI,
      dir: folder,
      useTrackers: true,
    })
    await stranger.complete()
    const wire = await capture.bytes()

    const stored = await readFile(join(folder, 'media'))
    expect(createHash('sha256').update(stored).digest('hex')).toBe(mediaId)
    // It was recorded: the torrent's own traffic is there, and not one of the canaries.
    expect(wire.includes(stored.subarray(1000, 1100))).toBe(true)
    expect(found(wire, CANARIES)).toEqual([])
    await Promise.all([a, b, c].map(({ child }) => child.stop()))
    expect(await leaks(b.dataDir, CANARIES)).toEqual([])
    expect(await leaks(folder, CANARIES)).toEqual([])
    // Who may read it keeps the name in his database, but never the content.
    expect(await leaks(a.dataDir, [IN_CONTENT])).toEqual([])
    expect(await leaks(c.dataDir, [IN_CONTENT])).toEqual([])
  })
})
