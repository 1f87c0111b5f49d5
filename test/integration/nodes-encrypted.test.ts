import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { HttpNode } from '../../app/cli/http-node.ts'
import type { EngineArgs, EngineCallName, EngineResult } from '../../app/contract/index.ts'
import { runSower, serveNode, sowerJson, type SowerNode } from '../support/sower.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startTracker } from '../support/tracker.ts'

interface Got {
  readonly mediaId: string
  readonly name: string
  readonly protection: string
  readonly access_level: string
  readonly out?: string
}

const NAME = 'canary-name-7Kq.mp4'
const CANARY = 'canary-content-Zw83hv0rT5'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A file nobody has, with words in it that must not turn up anywhere. */
async function makeFile(file: string): Promise<Buffer> {
  const bytes = randomBytes(1_500_000)
  for (const at of [0, 65_510, 700_000, 1_499_000]) bytes.write(CANARY, at)
  await writeFile(file, bytes)
  return bytes
}

/** What the window asks a node. */
async function call<N extends EngineCallName>(
  node: SowerNode,
  name: N,
  args: EngineArgs<N>,
): Promise<EngineResult<N>> {
  const controlToken = (await readFile(path.join(node.dataDir, 'control.token'), 'utf8')).trim()
  const connection = new HttpNode({ ...node, controlToken, pid: 0 })
  const result = await connection.call(name, args)
  await connection.close()
  return result
}

const cardOf = async (node: SowerNode): Promise<string> => (await call(node, 'vault.card', {})).link

/** Adds a file to a node and encrypts it for these people. */
async function addEncrypted(node: SowerNode, file: string, cards: readonly string[]): Promise<Got> {
  const added = await sowerJson<Got>(node.dataDir, ['add', file])
  const to = cards.flatMap((card) => ['--to', card])
  return sowerJson<Got>(node.dataDir, ['encrypt', added.mediaId, ...to])
}

const linkTo = async ({ dataDir }: SowerNode, mediaId: string, ...options: string[]): Promise<string> =>
  (await sowerJson<{ link: string }>(dataDir, ['share', mediaId, ...options])).link

/** Every byte in a node's folders, names of files included. */
async function everything(dataDir: string): Promise<Buffer> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
  return Buffer.concat([Buffer.from(files.join('\n')), ...(await Promise.all(files.map(readIfThere)))])
}

/** Some are just being replaced. */
const readIfThere = (file: string): Promise<Buffer> => readFile(file).catch(() => Buffer.alloc(0))

describe('encrypted items between nodes in processes of their own', () => {
  it('go by link with the key, on from whoever has them, and stay closed to everybody else', async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    const bytes = await makeFile(dir.file(NAME))
    const a = await serveNode(dir.file('a'), [tracker.http])
    await using b = await serveNode(dir.file('b'), [tracker.http])
    await using c = await serveNode(dir.file('c'), [tracker.http])
    const { mediaId } = await addEncrypted(a, dir.file(NAME), [])
    const withKey = await linkTo(a, mediaId, '--with-key')
    const withoutKey = await linkTo(a, mediaId)
    expect(withKey).toMatch(/enc=1.*#k=/)
    expect(withoutKey).not.toContain('#k=')

    const got = await sowerJson<Got>(b.dataDir, ['get', withKey, '--out', dir.file('b.mp4')])
    expect(got).toMatchObject({ mediaId, name: NAME, protection: 'readable', out: dir.file('b.mp4') })
    expect(sha256(await readFile(dir.file('b.mp4')))).toBe(sha256(bytes))

    await a.child.stop()
    const closed = await runSower(c.dataDir, ['--json', 'get', withoutKey, '--out', dir.file('c.mp4')])
    expect(closed.status).toBe(1)
    expect(JSON.parse(closed.stderr)).toMatchObject({ code: 'KEY_NEEDED' })
    expect(await readdir(dir.path)).not.toContain('c.mp4')
    expect(await sowerJson<Got[]>(c.dataDir, ['ls'])).toMatchObject([
      { mediaId, name: 'Encrypted item', protection: 'needs-key', state: 'seeding' },
    ])
    await b.child.stop()

    // C has never seen anything but ciphertext; the key it is given now opens what lies there, with nobody else alive.
    const ciphertext = await everything(c.dataDir)
    for (const canary of [CANARY, NAME, sha256(bytes)]) expect(ciphertext.includes(canary)).toBe(false)
    await sowerJson(c.dataDir, ['get', withKey, '--out', dir.file('c.mp4')])
    expect(sha256(await readFile(dir.file('c.mp4')))).toBe(sha256(bytes))
  })

  it('open by themselves for those they were encrypted for, over HTTP alone too', async () => {
    await using dir = await tempDir()
    const bytes = await makeFile(dir.file(NAME))
    await using a = await serveNode(dir.file('a'), [])
    await using b = await serveNode(dir.file('b'), [])
    await using stranger = await serveNode(dir.file('s'), [])
    const { mediaId } = await addEncrypted(a, dir.file(NAME), [await cardOf(b)])

    const refused = await runSower(stranger.dataDir, ['--json', 'get', mediaId, '--from', a.url])
    expect(refused.status).toBe(1)
    const got = await sowerJson<Got>(b.dataDir, ['get', mediaId, '--from', a.url, '--out', dir.file('b.mp4')])
    expect(got).toMatchObject({ protection: 'readable', name: NAME, access_level: 'shared' })
    expect(sha256(await readFile(dir.file('b.mp4')))).toBe(sha256(bytes))
    const [ours, theirs] = await Promise.all(
      [a, b].map(({ dataDir }) => readFile(path.join(dataDir, 'media', mediaId, 'manifest.json'), 'utf8')),
    )
    expect(ours).toBe(theirs)
  })

  it('give an unencrypted private item to its owner’s other node, and to nobody else', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('diary.txt'), 'nobody’s business')
    await using a = await serveNode(dir.file('a'), [])
    await using b = await serveNode(dir.file('b'), [])
    const { mediaId } = await sowerJson<Got>(a.dataDir, ['add', dir.file('diary.txt')])
    const refused = await runSower(b.dataDir, ['--json', 'get', mediaId, '--from', a.url])
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'NOT_FOUND' })
    const { words } = await call(a, 'vault.reveal', {})
    await call(b, 'vault.restore', { from: 'words', words: words.join(' ') })
    const got = await sowerJson<Got>(b.dataDir, ['get', mediaId, '--from', a.url, '--out', dir.file('copy')])
    expect(got).toMatchObject({ protection: 'none', access_level: 'private' })
    expect(await readFile(dir.file('copy'), 'utf8')).toBe('nobody’s business')
  })

  it('refuse a link whose key is another item’s, and write nothing', async () => {
    await using dir = await tempDir()
    await using tracker = await startTracker()
    await makeFile(dir.file(NAME))
    await using a = await serveNode(dir.file('a'), [tracker.http])
    await using b = await serveNode(dir.file('b'), [tracker.http])
    const { mediaId } = await addEncrypted(a, dir.file(NAME), [])
    const link = `${await linkTo(a, mediaId)}#k=${randomBytes(32).toString('base64url')}`
    const refused = await runSower(b.dataDir, [
      '--json',
      'get',
      link,
      '--from',
      a.url,
      '--out',
      dir.file('x'),
    ])
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'LINK_INVALID' })
    expect(await readdir(dir.path)).not.toContain('x')
    expect(await sowerJson<Got[]>(b.dataDir, ['ls'])).toEqual([])
  })
})
