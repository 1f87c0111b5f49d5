import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MediaFolder } from '../../../app/library/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import type { Home, Opened } from './fixture.ts'
import { makeHome, manifestFor, openLibrary, sha256, tree, until } from './fixture.ts'

let home: Home
let cleanUps: (() => Promise<void> | void)[] = []

beforeEach(async () => {
  home = await makeHome()
  cleanUps = [home.remove]
})
afterEach(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp()
})

async function open(overrides?: Parameters<typeof openLibrary>[1]): Promise<Opened> {
  const one = await openLibrary(home, overrides)
  cleanUps.push(one.close)
  return one
}

const isRoot = process.getuid?.() === 0
/** A volume of its own, as small as asked for. Needs root; under CI it must be there. */
function mountTmpfs(dir: string, options: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir])
  return () => execFileSync('umount', ['-l', dir])
}
const itAsRoot = it.skipIf(!isRoot && process.env['CI'] === undefined)

describe('a media folder whose drive is away', () => {
  it('is offline with nothing touched, and recovers by itself', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'on the drive' })).row
    await first.close()
    await fs.rename(home.mediaDir, `${home.mediaDir}-away`)
    await fs.mkdir(home.mediaDir)

    const { library, folder, notices, add } = await open()
    expect(folder.state()).toBe('offline')
    expect(notices.map(({ code }) => code)).toEqual(['MEDIA_OFFLINE'])
    expect(library.get(mediaId)?.fileState).toBe('ok')
    await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
    await expect(library.manifest(mediaId)).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
    await expect(add({ data: 'another' })).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
    await expect(library.rebuild()).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
    await expect(library.remove([mediaId])).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
    expect(await fs.readdir(home.mediaDir)).toEqual([])

    const returned = until(library, () => folder.state() === 'ok')
    await fs.rmdir(home.mediaDir)
    await fs.rename(`${home.mediaDir}-away`, home.mediaDir)
    await returned
    expect((await library.openForServing(mediaId)).sizeBytes).toBe(12)
  })

  it('goes offline while running when only its marker is gone, and every item’s state is told anew', async () => {
    const { library, folder, add } = await open()
    const { mediaId } = (await add({ data: 'still here' })).row
    const told = until(library, () => folder.state() === 'offline')
    await fs.rm(path.join(home.mediaDir, '.sower-media'))
    await told
    await expect(add({ data: 'not now' })).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
    expect(library.get(mediaId)?.fileState).toBe('ok')
  })

  it('does not take a drive that vanishes during the look for a thousand deleted files', async () => {
    const first = await open()
    for (let n = 0; n < 10; n++) await first.add({ data: `item ${n}` })
    await first.close()
    await fs.rename(home.mediaDir, `${home.mediaDir}-away`)
    const { library } = await open()
    expect(library.list().counts.attention).toBe(0)
    expect(library.list().total).toBe(10)
  })

  it('starts a new folder where the settings point to one on purpose, and finds the items again on the way back', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'in the first folder' })).row
    await first.close()
    const elsewhere = { ...home, mediaDir: path.join(home.root, 'second') }
    const second = await openLibrary(elsewhere)
    expect(second.folder.state()).toBe('ok')
    expect(second.library.get(mediaId)?.fileState).toBe('missing')
    await second.close()
    const third = await open()
    expect(third.library.get(mediaId)?.fileState).toBe('ok')
    expect(third.reads).toEqual([])
  })
})

describe('a folder that cannot be written to', () => {
  itAsRoot('serves what it has and refuses what is new', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'read only' })).row
    await first.close()
    execFileSync('mount', ['--bind', home.mediaDir, home.mediaDir])
    cleanUps.push(() => void execFileSync('umount', ['-l', home.mediaDir]))
    execFileSync('mount', ['-o', 'remount,ro,bind', home.mediaDir])

    const { library, folder, add, db } = await open()
    expect(folder.state()).toBe('read-only')
    expect((await library.openForServing(mediaId)).sizeBytes).toBe(9)
    await expect(add({ data: 'new' })).rejects.toMatchObject({ code: 'MEDIA_READ_ONLY' })
    await expect(library.remove([mediaId])).rejects.toMatchObject({ code: 'MEDIA_READ_ONLY' })
    expect(library.get(mediaId)?.fileState).toBe('ok')
    db.close()
    await fs.rm(home.dataDir, { recursive: true })
    const rebuilt = await open()
    await rebuilt.library.verified()
    expect(rebuilt.library.get(mediaId)?.fileState).toBe('ok')
  })

  it('says so when a new folder cannot be made', async () => {
    await fs.writeFile(home.mediaDir, 'a file is in the way')
    await expect(openLibrary(home)).rejects.toMatchObject({ code: 'MEDIA_OFFLINE' })
  })
})

describe('a volume without room', () => {
  itAsRoot('refuses with DISK_FULL, keeps nothing half-written, serves on and recovers', async () => {
    await fs.mkdir(home.mediaDir)
    const unmount = mountTmpfs(home.mediaDir, 'size=1m')
    cleanUps.push(() => {
      unmount()
    })
    const { library, folder, add } = await open()
    const { mediaId } = (await add({ data: 'there before' })).row
    const hog = path.join(home.mediaDir, 'hog')
    let isFull = false
    const results: string[] = []
    // Every amount of free space down to none: the refusal comes from each of the calls of a commit in turn.
    for (let n = 0; n < 400 && !isFull; n++) {
      await fs.appendFile(hog, Buffer.alloc(4096)).catch(() => {
        isFull = true
      })
      const data = `item ${n} `.repeat(600)
      const outcome = await add({ data, jobId: `job-${n}` }).then(
        ({ row }) => row.mediaId,
        async (error: unknown) => {
          // The fixture writes the bytes itself; where that fails, discarding is the writer's job as in ingest.
          await (await folder.stage(`job-${n}`).catch(() => undefined))?.discard()
          return String((error as { code: unknown }).code)
        },
      )
      results.push(outcome)
    }
    expect(isFull).toBe(true)
    const failures = results.filter((result) => result.length < 64)
    expect(failures.length).toBeGreaterThan(0)
    expect(failures.every((code) => code === 'DISK_FULL' || code === 'ENOSPC')).toBe(true)
    await fs.rm(hog)
    const listed = library.list({ limit: 500 })
    expect(listed.total).toBe(results.length - failures.length + 1)
    for (const { mediaId: id } of listed.rows) expect(await tree(folder.paths(id).dir)).toHaveLength(5)
    expect((await folder.itemFolders()).length).toBe(listed.total)
    expect((await library.openForServing(mediaId)).sizeBytes).toBe(12)
    expect((await add({ data: 'room again' })).isDuplicate).toBe(false)
    await folder.sweepIncoming(new Set())
  })

  it('keeps the reserve free and says so', async () => {
    const { folder, add, library } = await open({ reserveBytes: Number.MAX_SAFE_INTEGER })
    expect(folder.state()).toBe('low-space')
    await expect(add({ data: 'x' })).rejects.toMatchObject({ code: 'DISK_FULL' })
    folder.setReserveBytes(0)
    await folder.refresh()
    expect(folder.state()).toBe('ok')
    await add({ data: 'x' })
    expect(library.list().total).toBe(1)
  })

  it('does not promise the same room to two jobs', async () => {
    const { folder } = await open()
    const expectedBytes = Math.floor((folder.freeBytes() ?? 0) * 0.6)
    const first = await folder.stage('first', { expectedBytes })
    await expect(folder.stage('second', { expectedBytes })).rejects.toMatchObject({ code: 'DISK_FULL' })
    await first.discard()
    await (await folder.stage('second', { expectedBytes })).discard()
  })
})

it('finds what an earlier run of the same job staged', async () => {
  const folder = new MediaFolder({ dir: home.mediaDir, log: silentLog, clock: { nowMs: Date.now } })
  cleanUps.push(() => {
    folder.close()
  })
  await folder.open()
  const staging = await folder.stage('job')
  await fs.writeFile(staging.bytes, 'half')
  await folder.open()
  expect(await fs.readFile((await folder.stage('job')).bytes, 'utf8')).toBe('half')
  await staging.discard()
  await staging.discard()
  expect(await tree(path.join(home.mediaDir, '.incoming'))).toEqual([])
})

describe('taking in what the database does not know', () => {
  it('adopts complete folders as checking and serves them only once verified', async () => {
    const first = await open()
    const known = await first.add({ data: 'copied from another node', isSeedingWanted: true })
    await first.add({ data: 'private one', accessLevel: 'private' })
    await first.close()
    await fs.rm(home.dataDir, { recursive: true })

    const gate = Promise.withResolvers<string>()
    const { library, notices } = await open({
      verifyBytes: (file) => gate.promise.then(() => path.basename(path.dirname(file))),
    })
    const { mediaId } = known.row
    expect(library.get(mediaId)).toMatchObject({ fileState: 'checking', isOwn: true, isSeedingWanted: true })
    await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect([...library.seeding()]).toEqual([])
    gate.resolve('')
    await library.verified()
    expect((await library.openForServing(mediaId)).sizeBytes).toBe(24)
    expect(library.outbox.pending()).toMatchObject([{ mediaId, step: 'seed' }])
    expect(library.list({ filter: 'private' }).rows[0]).toMatchObject({ isSeedingWanted: false })
    expect(notices.map(({ code }) => code)).toEqual(['ITEMS_FOUND'])
  })

  it('moves folders aside that are damaged, deletes nothing, and says so', async () => {
    const first = await open()
    const ids = []
    for (const data of ['bad manifest', 'bad bytes', 'no bytes', 'short bytes', 'fine']) {
      ids.push((await first.add({ data })).row.mediaId)
    }
    await first.close()
    await fs.rm(home.dataDir, { recursive: true })
    const [badManifest = '', badBytes = '', noBytes = '', shortBytes = '', fine = ''] = ids
    const at = (mediaId: string, name: string) => path.join(home.mediaDir, mediaId, name)
    await fs.writeFile(at(badManifest, 'manifest.json'), '{}')
    await fs.writeFile(at(badManifest, 'manifests/1.json'), '[]')
    await fs.writeFile(at(badBytes, 'original'), 'sad bytes')
    await fs.rm(at(noBytes, 'original'))
    await fs.truncate(at(shortBytes, 'original'), 3)
    await fs.mkdir(path.join(home.mediaDir, 'f'.repeat(64)))

    const { library, notices } = await open()
    await library.verified()
    expect(library.list().rows.map(({ mediaId, fileState }) => [mediaId, fileState])).toEqual([[fine, 'ok']])
    const aside = await tree(path.join(home.mediaDir, '.damaged'))
    for (const mediaId of [badManifest, badBytes, noBytes, shortBytes, 'f'.repeat(64)]) {
      expect(aside.some((name) => name.endsWith(mediaId))).toBe(true)
    }
    expect(notices.filter(({ level }) => level === 'warning')).toHaveLength(5)
  })

  it('makes a damaged torrent file again when the bytes are right', async () => {
    const first = await open()
    const { mediaId, infoHash } = (await first.add({ data: 'torrent lost' })).row
    await first.close()
    await fs.rm(home.dataDir, { recursive: true })
    await fs.writeFile(path.join(home.mediaDir, mediaId, 'media.torrent'), 'garbage')
    const { library } = await open()
    await library.verified()
    expect(library.get(mediaId)).toMatchObject({ infoHash, fileState: 'ok' })
    expect(await library.metainfo(mediaId)).not.toBeNull()
  })

  it('rebuilds while items come in, and loses none of them nor what was chosen for them', async () => {
    const { add, library } = await open()
    const texts = Array.from({ length: 60 }, (_, index) => `item ${index}`)
    let isAdding = true
    const adding = (async () => {
      for (const data of texts) await add({ data, isSeedingWanted: false })
    })().finally(() => (isAdding = false))
    while (isAdding) await library.rebuild()
    await adding
    await library.verified()
    const { rows } = library.list({ limit: 100 })
    expect(
      rows.filter(({ fileState, isSeedingWanted }) => fileState === 'ok' && !isSeedingWanted),
    ).toHaveLength(texts.length)
  })

  it('takes in all others when one can’t be read, and says which', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'readable' })).row
    await first.close()
    await fs.rm(home.dataDir, { recursive: true })
    const unreadable = path.join(home.mediaDir, sha256('unreadable'))
    await fs.symlink(unreadable, unreadable)
    const { library, notices } = await open()
    await library.verified()
    expect(library.get(mediaId)?.fileState).toBe('ok')
    expect(notices.map(({ code }) => code)).toEqual(['FOLDER_UNREADABLE', 'ITEMS_FOUND'])
    expect(notices[0]?.hint).toContain(`${unreadable} (ELOOP)`)
  })

  it('rebuilds on request: choices stay, rows without a folder go, nothing is read again', async () => {
    const { add, library, reads } = await open()
    const kept = (await add({ data: 'kept', isSeedingWanted: false })).row.mediaId
    const gone = (await add({ data: 'gone' })).row.mediaId
    library.addUploaded(kept, 77)
    await fs.rm(path.join(home.mediaDir, gone), { recursive: true })
    expect(await library.rebuild()).toEqual({ items: 1, movedAside: [] })
    expect(library.get(kept)).toMatchObject({ isSeedingWanted: false, uploadedBytes: 77, fileState: 'ok' })
    expect(reads).toEqual([])
  })

  it('takes the newest version after a crash between the manifest and its row', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'two versions' })).row
    const { manifest } = manifestFor(
      { data: 'two versions', name: 'second' },
      await first.library.manifest(mediaId),
    )
    await first.library.addManifestVersion(mediaId, manifest)
    first.db.sql.exec("UPDATE items SET name = 'a file.txt', manifest_version = 1, is_manifest_pending = 1")
    await first.close()
    const { library } = await open()
    expect(library.get(mediaId)).toMatchObject({ name: 'second', manifestVersion: 2 })
  })
})
