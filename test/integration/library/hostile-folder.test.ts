import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { KeptFolder } from '../../../app/library/index.ts'
import { readSmall } from '../../../app/regular-file.ts'
import { makeHome, openLibrary, sha256 } from './fixture.ts'
import type { Home, Opened } from './fixture.ts'

/** What is no file, under a name that a file should have. */
const STRANGERS = {
  async fifo(at) {
    execFileSync('mkfifo', [at])
    onTestFinished(async () => {
      // Whoever waits at it is let go.
      const handle = await fs.open(at, 'r+').catch(() => undefined)
      await handle?.close()
    })
  },
  async socket(at) {
    const server = net.createServer()
    // A socket's path is short; its name may be any.
    const near = path.join('/tmp', `sower-${process.pid}-${Date.now()}`)
    await new Promise<void>((resolve) => server.listen(near, resolve))
    await fs.rename(near, at)
    onTestFinished(() => void server.close())
  },
  device: (at) => fs.symlink('/dev/zero', at),
  loop: (at) => fs.symlink(path.basename(at), at),
  folder: (at) => fs.mkdir(at),
} satisfies Record<string, (at: string) => Promise<void>>

const kinds = Object.keys(STRANGERS) as (keyof typeof STRANGERS)[]
const soon = { timeout: 20_000 }

let home: Home
let node: Opened

beforeEach(async () => {
  home = await makeHome()
  node = await openLibrary(home)
})
afterEach(async () => {
  await node.close()
  await home.remove()
})

async function replace(kind: keyof typeof STRANGERS, ...names: string[]): Promise<void> {
  const at = path.join(home.mediaDir, ...names)
  await fs.rm(at, { recursive: true, force: true })
  await fs.mkdir(path.dirname(at), { recursive: true })
  await STRANGERS[kind](at)
}

async function reopen(): Promise<Opened> {
  await node.close()
  node = await openLibrary(home)
  return node
}

describe.each(kinds)('a %s in the media folder', (kind) => {
  it(
    'in the place of a manifest is moved aside; the manifest comes back from the kept one',
    soon,
    async () => {
      const { row: broken } = await node.add({ data: 'broken' })
      const { row: sound } = await node.add({ data: 'sound' })
      await replace(kind, broken.mediaId, 'manifest.json')
      expect(await node.library.manifest(broken.mediaId)).toMatchObject({ id: broken.mediaId, version: 1 })
      expect(await node.library.manifest(sound.mediaId)).toMatchObject({ id: sound.mediaId })
    },
  )

  it('in the place of a kept version is told as a manifest that is not there any more', soon, async () => {
    const { mediaId } = (await node.add({ data: 'broken' })).row
    await replace(kind, mediaId, 'manifests', '1.json')
    await expect(node.library.manifestVersion(mediaId, 1)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  it('in the place of a torrent file is moved aside; the torrent file is made again', soon, async () => {
    const { mediaId } = (await node.add({ data: 'broken' })).row
    await replace(kind, mediaId, 'media.torrent')
    expect(await node.library.metainfo(mediaId)).toBeNull()
    await node.library.verified()
    expect(await node.library.metainfo(mediaId)).not.toBeNull()
  })

  it('in the place of the bytes is not served', soon, async () => {
    const { mediaId } = (await node.add({ data: 'broken' })).row
    await replace(kind, mediaId, 'original')
    await expect(node.library.openFile(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('in folders the database does not know keeps nobody from the others', soon, async () => {
    const names = ['manifest.json', 'original', 'media.torrent', 'manifests']
    for (const name of names) {
      const { mediaId } = (await node.add({ data: `no ${name}` })).row
      await replace(kind, mediaId, name)
    }
    await replace(kind, sha256('no folder at all'))
    const { row: sound } = await node.add({ data: 'sound' })
    await node.close()
    await fs.rm(home.dataDir, { recursive: true })
    node = await openLibrary(home)
    await node.library.verified()
    expect(node.library.get(sound.mediaId)).toMatchObject({ fileState: 'ok' })
    expect(node.library.get(sha256('no original'))).toBeUndefined()
    expect(node.library.get(sha256('no media.torrent'))).toMatchObject({ fileState: 'ok' })
    expect(node.library.get(sha256('no manifest.json'))).toMatchObject({ fileState: 'ok' })
  })

  it('under the name of a draft is neither waited for nor written through', soon, async () => {
    const { mediaId } = (await node.add({ data: 'sound' })).row
    await replace(kind, mediaId, 'manifest.json')
    await replace(kind, mediaId, 'manifest.json.tmp')
    expect(await node.library.manifest(mediaId)).toMatchObject({ id: mediaId })
    expect((await fs.lstat(path.join(home.mediaDir, mediaId, 'manifest.json'))).isFile()).toBe(true)
  })

  it('in the place of what a wallet keeps is refused with a sentence', soon, async () => {
    const wallet = 'a'.repeat(32)
    const kept = new KeptFolder(node.folder)
    await replace(kind, '.kept', wallet, 'contacts')
    expect(() => kept.read(wallet, 'contacts')).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE' }) as Error,
    )
    kept.remove(wallet, 'contacts')
    expect(kept.read(wallet, 'contacts')).toBeUndefined()
  })

  it('in the place of the trash does not keep the library from starting', soon, async () => {
    const { mediaId } = (await node.add({ data: 'sound' })).row
    await replace(kind, '.trash')
    const { library } = await reopen()
    expect(library.get(mediaId)).toMatchObject({ fileState: 'ok' })
  })

  it('in the folder of an unfinished download is taken away before anything is written', soon, async () => {
    const stranger = path.join(home.mediaDir, '.incoming', 'job-1', 'original')
    await replace(kind, '.incoming', 'job-1', 'original')
    await node.folder.stage('job-1')
    await expect(fs.lstat(stranger)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

it('writes nothing through a link that lies under the name of a draft', async () => {
  const elsewhere = path.join(home.root, 'elsewhere')
  await fs.writeFile(elsewhere, 'somebody’s own')
  const { mediaId } = (await node.add({ data: 'sound' })).row
  await fs.rm(path.join(home.mediaDir, mediaId, 'manifest.json'))
  await fs.symlink(elsewhere, path.join(home.mediaDir, mediaId, 'manifest.json.tmp'))
  await node.library.manifest(mediaId)
  expect(await fs.readFile(elsewhere, 'utf8')).toBe('somebody’s own')
})

it('reads no more of a small file than was allowed', async () => {
  const file = path.join(home.root, 'file')
  await fs.writeFile(file, 'twelve bytes')
  expect((await readSmall(file, 12))?.toString()).toBe('twelve bytes')
  expect(await readSmall(file, 11)).toBeUndefined()
})

it.runIf(process.platform === 'linux')('leaves no file open that could not be looked at', async () => {
  const { mediaId } = (await node.add({ data: 'sound' })).row
  const bytes = path.join(home.mediaDir, mediaId, 'original')
  const handle = await fs.open(bytes)
  const prototype = Object.getPrototypeOf(handle) as fs.FileHandle
  await handle.close()
  const failing = vi.spyOn(prototype, 'stat')
  onTestFinished(() => failing.mockRestore())
  failing.mockRejectedValueOnce(Object.assign(new Error('EIO'), { code: 'EIO' }))
  await expect(node.library.openFile(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const open = await Promise.all(
    (await fs.readdir('/proc/self/fd')).map((fd) => fs.readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  expect(open).not.toContain(bytes)
})
