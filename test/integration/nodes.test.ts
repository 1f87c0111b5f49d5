import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { serveNode, runSower, sowerJson } from '../support/sower.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'

interface Added {
  readonly mediaId: string
  readonly link: string
  readonly magnetURI: string
}

interface Listed {
  readonly mediaId: string
  readonly name: string
  readonly state: string
  readonly access_level: string
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('nodes in processes of their own', () => {
  it('hand an item on: A adds, B gets it by link, A stops, C gets it from B', async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    const bytes = randomBytes(5_000_000)
    const source = dir.file('holiday film.bin')
    await writeFile(source, bytes)

    const a = await serveNode(dir.file('a'), [tracker.ws, tracker.http])
    await using b = await serveNode(dir.file('b'), [tracker.ws, tracker.http])
    await using c = await serveNode(dir.file('c'), [tracker.ws, tracker.http])
    const added = await sowerJson<Added>(a.dataDir, ['add', source, '--access', 'public'])
    expect(added.mediaId).toBe(sha256(bytes))

    await sowerJson(b.dataDir, ['get', added.link, '--out', dir.file('b.bin')])
    expect(sha256(await readFile(dir.file('b.bin')))).toBe(added.mediaId)
    expect(await sowerJson<Listed[]>(b.dataDir, ['ls'])).toMatchObject([
      { mediaId: added.mediaId, name: 'holiday film.bin', state: 'seeding', access_level: 'public' },
    ])

    await a.child.stop()
    await sowerJson(c.dataDir, ['get', added.link, '--out', dir.file('c.bin')])
    expect(sha256(await readFile(dir.file('c.bin')))).toBe(added.mediaId)
  })

  it('give an item over HTTP alone, and keep the publisher’s signed manifest', async () => {
    await using dir = await tempDir()
    await using a = await serveNode(dir.file('a'), [])
    await using b = await serveNode(dir.file('b'), [])
    const bytes = randomBytes(3_000_000)
    await writeFile(dir.file('song.bin'), bytes)
    const { mediaId } = await sowerJson<Added>(a.dataDir, ['add', dir.file('song.bin'), '--access', 'public'])
    await sowerJson(b.dataDir, ['get', mediaId, '--from', a.url])
    const [theirs, ours] = await Promise.all(
      [a, b].map(({ dataDir }) => readFile(join(dataDir, 'media', mediaId, 'manifest.json'), 'utf8')),
    )
    expect(ours).toBe(theirs)
  })

  it('keep a private item to its owner: no torrent, no announce, 404 for strangers', async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    await using a = await serveNode(dir.file('a'), [tracker.http])
    await writeFile(dir.file('diary.txt'), 'nobody’s business')
    const added = await sowerJson<Added>(a.dataDir, ['add', dir.file('diary.txt')])
    expect(added.magnetURI).toBeUndefined()
    const url = `${a.url}/media/${added.mediaId}`
    const stranger = await fetch(url)
    expect(stranger.status).toBe(404)
    const { token } = await sowerJson<{ token: string }>(a.dataDir, ['token'])
    const owner = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    expect(await owner.text()).toBe('nobody’s business')
    expect(tracker.announces).toEqual([])
  })

  it('seed again after a restart without hashing, and after kill -9', async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    await writeFile(dir.file('x.bin'), randomBytes(2_000_000))
    const first = await serveNode(dir.file('a'), [tracker.http])
    const { mediaId, link } = await sowerJson<Added>(first.dataDir, [
      'add',
      dir.file('x.bin'),
      '--access',
      'public',
    ])
    first.child.process.kill('SIGKILL')
    await first.child.exited()
    await using second = await serveNode(dir.file('a'), [tracker.http])
    await using b = await serveNode(dir.file('b'), [tracker.http])
    expect(await sowerJson<Listed[]>(second.dataDir, ['ls'])).toMatchObject([{ mediaId, state: 'seeding' }])
    await sowerJson(b.dataDir, ['get', link, '--out', dir.file('y.bin')])
    expect(await readFile(dir.file('y.bin'))).toEqual(await readFile(dir.file('x.bin')))
  })

  it('refuse a second node on the same data folder with one sentence', async () => {
    await using dir = await tempDir()
    await using node = await serveNode(dir.file('a'), [])
    const second = await runSower(node.dataDir, ['--json', 'serve', '--port', '0', '--control-port', '0'])
    expect(second.status).toBe(1)
    expect(JSON.parse(second.stderr)).toMatchObject({ code: 'NODE_ALREADY_RUNNING' })
  })
})
