import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Home, Opened } from './fixture.ts'
import { makeHome, manifestFor, openLibrary, sha256, signer, tree, until } from './fixture.ts'

let home: Home
let opened: Opened[] = []

beforeEach(async () => {
  home = await makeHome()
  opened = []
})
afterEach(async () => {
  for (const one of opened) await one.close()
  await home.remove()
})

async function open(overrides?: Parameters<typeof openLibrary>[1]): Promise<Opened> {
  const one = await openLibrary(home, overrides)
  opened.push(one)
  return one
}

const itemPath = (mediaId: string, ...rest: string[]) => path.join(home.mediaDir, mediaId, ...rest)
const rename = async (from: string, to: string) =>
  fs.rename(path.join(home.root, from), path.join(home.root, to))

describe('committing', () => {
  it('turns a staging folder into the documented layout and an indexed row', async () => {
    const { add, library, folder } = await open()
    const { row, isDuplicate } = await add({ data: 'hello', name: 'hello.txt' })
    expect(isDuplicate).toBe(false)
    expect(row).toMatchObject({
      mediaId: sha256('hello'),
      name: 'hello.txt',
      sizeBytes: 5,
      accessLevel: 'public',
      isOwn: true,
      isSeedingWanted: true,
      owner: signer.publicKey,
      manifestVersion: 1,
      fileState: 'ok',
      uploadedBytes: 0,
      pieceLength: 65_536,
    })
    expect(await tree(itemPath(row.mediaId))).toEqual([
      'manifest.json',
      'manifests',
      'manifests/1.json',
      'media.torrent',
      'original',
    ])
    expect(await fs.readFile(itemPath(row.mediaId, 'manifest.json'), 'utf8')).toBe(
      await fs.readFile(itemPath(row.mediaId, 'manifests/1.json'), 'utf8'),
    )
    expect(await fs.readdir(path.join(home.mediaDir, '.incoming'))).toEqual([])
    expect(library.outbox.pending()).toEqual([{ mediaId: row.mediaId, step: 'seed', attempts: 0 }])
    expect(library.find({ infoHash: row.infoHash ?? '' })?.mediaId).toBe(row.mediaId)
    expect([...library.seeding()].map(({ mediaId }) => mediaId)).toEqual([row.mediaId])
    expect(folder.state()).toBe('ok')
    expect(await library.manifest(row.mediaId)).toMatchObject({ id: row.mediaId })
    expect(Buffer.from((await library.metainfo(row.mediaId)) ?? []).toString()).toContain(row.infoHash)
  })

  it('gives a private item no torrent and no step to seed it', async () => {
    const { add, library } = await open()
    const { row } = await add({ data: 'secret', accessLevel: 'private' })
    expect(row.infoHash).toBeUndefined()
    expect(library.outbox.pending()).toEqual([])
    expect([...library.seeding()]).toEqual([])
    expect(await library.metainfo(row.mediaId)).toBeNull()
  })

  it('recognises the same bytes and stores nothing twice, also when both arrive at once', async () => {
    const { add, library } = await open()
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) => add({ data: 'same', jobId: `job-${n}`, name: `${n}.txt` })),
    )
    expect(results.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1)
    expect(library.list().total).toBe(1)
    expect(await fs.readdir(path.join(home.mediaDir, '.incoming'))).toEqual([])
  })

  it('refuses staged bytes whose size is not the manifest’s and leaves them to their job', async () => {
    const { library, folder } = await open()
    const { manifest, metainfo } = manifestFor({ data: 'right' })
    const staging = await folder.stage('job-1')
    await fs.writeFile(staging.bytes, 'wrong size')
    const commit = library.commit({
      staging,
      mediaId: manifest.id,
      manifest,
      metainfo,
      isOwn: true,
      isSeedingWanted: true,
    })
    await expect(commit).rejects.toMatchObject({ code: 'HASH_MISMATCH' })
    expect(await fs.readdir(path.join(home.mediaDir, '.incoming'))).toEqual(['job-1'])
    expect(library.list().total).toBe(0)
  })

  it('keeps names with newlines, direction marks and 255 bytes as data, never as paths', async () => {
    const { add, library } = await open()
    const names = [
      'two\nlines.txt',
      '\u202egnp.exe',
      '../../etc/passwd',
      'ä'.repeat(127) + 'x',
      'CON',
      '.',
      '100% _a',
    ]
    for (const [n, name] of names.entries()) {
      const { row } = await add({ data: `named ${n}`, name })
      expect(library.get(row.mediaId)?.name).toBe(name)
    }
    expect(library.list({ search: '%' }).rows.map(({ name }) => name)).toEqual(['100% _a'])
    expect(library.list({ search: 'GNP' }).rows.map(({ name }) => name)).toEqual(['\u202egnp.exe'])
    expect((await tree(home.mediaDir)).filter((name) => name.includes('passwd'))).toEqual([])
  })

  it('refuses ids that are no mediaId before they become a path', async () => {
    const { library, folder } = await open()
    expect(() => folder.paths('../../etc')).toThrow(TypeError)
    expect(() => folder.paths('A'.repeat(64))).toThrow(TypeError)
    await expect(folder.stage('../x')).rejects.toThrow(TypeError)
    expect(library.get('../../etc')).toBeUndefined()
    await expect(library.openForServing('../../etc')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('puts new bytes where an item lost its own', async () => {
    const { add, library } = await open()
    const { row } = await add({ data: 'lost' })
    await fs.rm(itemPath(row.mediaId, 'original'))
    await expect(library.openForServing(row.mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(library.get(row.mediaId)?.fileState).toBe('missing')
    const again = await add({ data: 'lost', jobId: 'job-2' })
    expect(again.isDuplicate).toBe(false)
    expect(library.get(row.mediaId)?.fileState).toBe('ok')
    expect((await library.openForServing(row.mediaId)).sizeBytes).toBe(4)
  })
})

describe('starting again', () => {
  it('reads no bytes of files that did not change', async () => {
    const first = await open()
    for (let n = 0; n < 20; n++) await first.add({ data: `item ${n}` })
    await first.close()
    const second = await open()
    await second.library.verified()
    expect(second.library.list().total).toBe(20)
    expect(second.reads).toEqual([])
    expect(second.notices).toEqual([])
  })

  it('notices changed and missing files, does not serve them, and shows them', async () => {
    const first = await open()
    const longer = (await first.add({ data: 'will grow' })).row.mediaId
    const flipped = (await first.add({ data: 'will flip' })).row.mediaId
    const gone = (await first.add({ data: 'will go' })).row.mediaId
    const fine = (await first.add({ data: 'stays' })).row.mediaId
    await first.close()
    await fs.appendFile(itemPath(longer, 'original'), '!')
    await fs.writeFile(itemPath(flipped, 'original'), 'will flop')
    await fs.rm(itemPath(gone), { recursive: true })

    const { library } = await open()
    expect(library.get(longer)?.fileState).toBe('changed')
    expect(library.get(flipped)?.fileState).toBe('changed')
    expect(library.get(gone)?.fileState).toBe('missing')
    expect(library.get(fine)?.fileState).toBe('ok')
    await library.verified()
    for (const mediaId of [longer, flipped, gone]) {
      await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    expect(library.list({ filter: 'attention' }).total).toBe(3)
    expect(library.list().counts).toEqual({ all: 4, attention: 3, public: 4, private: 0 })
    expect([...library.seeding()].map(({ mediaId }) => mediaId)).toEqual([fine])
  })

  it('takes a file that was only touched back after reading it', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'touched' })).row
    await first.close()
    await fs.utimes(itemPath(mediaId, 'original'), 1, 1)
    const { library, reads } = await open()
    await library.verified()
    expect(library.get(mediaId)?.fileState).toBe('ok')
    expect(reads).toEqual([itemPath(mediaId, 'original')])
    expect((await library.openForServing(mediaId)).mtimeMs).toBe(1000)
  })

  it('does not read a file again that it found wrong before', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'was right' })).row
    await first.close()
    await fs.writeFile(itemPath(mediaId, 'original'), 'was wrong')
    const second = await open()
    await second.library.verified()
    await second.close()
    const third = await open()
    await third.library.verified()
    expect(second.reads).toHaveLength(1)
    expect(third.reads).toHaveLength(0)
    expect(third.library.get(mediaId)?.fileState).toBe('changed')
  })

  it('recovers an item when its file returns', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'returns' })).row
    await first.close()
    await rename(`media/${mediaId}`, 'elsewhere')
    const { library } = await open()
    expect(library.get(mediaId)?.fileState).toBe('missing')
    await rename('elsewhere', `media/${mediaId}`)
    expect((await library.openForServing(mediaId)).sizeBytes).toBe(7)
    expect(library.get(mediaId)?.fileState).toBe('ok')
  })

  it('keeps staged bytes of unfinished downloads and removes all other leftovers', async () => {
    const first = await open()
    first.db.sql
      .prepare("INSERT INTO transfers (id, kind, state, created_at_ms, body) VALUES (?, ?, ?, 0, '{}')")
      .run('download', 'get', 'paused')
    for (const jobId of ['download', 'upload', 'add']) {
      await fs.writeFile((await first.folder.stage(jobId)).bytes, 'half')
    }
    await first.close()
    await open()
    expect(await fs.readdir(path.join(home.mediaDir, '.incoming'))).toEqual(['download'])
  })
})

describe('serving', () => {
  it('refuses a file that was changed while running, from the first byte on', async () => {
    const { add, library } = await open()
    const { mediaId } = (await add({ data: 'original' })).row
    await library.openForServing(mediaId)
    await fs.writeFile(itemPath(mediaId, 'original'), 'tampered')
    await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(library.get(mediaId)?.fileState).toBe('changed')
  })

  it('never follows a link put in the place of the bytes', async () => {
    const { add, library } = await open()
    const { mediaId } = (await add({ data: 'a file' })).row
    const elsewhere = path.join(home.root, 'elsewhere')
    await fs.rename(itemPath(mediaId, 'original'), elsewhere)
    await fs.symlink(elsewhere, itemPath(mediaId, 'original'))
    await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('hands out a handle to exactly the file it looked at', async () => {
    const { add, library } = await open()
    const { mediaId } = (await add({ data: 'by handle' })).row
    const { handle, sizeBytes } = await library.openFile(mediaId)
    try {
      expect((await handle.readFile()).toString()).toBe('by handle')
      expect(sizeBytes).toBe(9)
    } finally {
      await handle.close()
    }
  })

  it('does not serve an item while it is being checked', async () => {
    const gate = Promise.withResolvers<void>()
    const { add, library } = await open({
      verifyBytes: async (file) => {
        await gate.promise
        return sha256(await fs.readFile(file))
      },
    })
    const { mediaId } = (await add({ data: 'checked' })).row
    library.verify([mediaId])
    expect(library.get(mediaId)?.fileState).toBe('checking')
    await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    gate.resolve()
    await library.verified()
    expect(library.get(mediaId)?.fileState).toBe('ok')
  })

  it('flags bytes that rotted under an unchanged time stamp and does not believe the stamp later', async () => {
    const { add, library, notices } = await open({ verifyBytes: () => Promise.resolve('0'.repeat(64)) })
    const { mediaId } = (await add({ data: 'rotten' })).row
    library.verify([mediaId])
    await library.verified()
    expect(library.get(mediaId)?.fileState).toBe('changed')
    await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(library.get(mediaId)?.fileState).toBe('changed')
    expect(notices.map(({ code }) => code)).toEqual(['HASH_MISMATCH'])
  })
})

describe('counters and switches', () => {
  it('adds up uploads at once for readers and on the disk by the end', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'uploaded' })).row
    first.library.addUploaded(mediaId, 1000)
    first.library.addUploaded(mediaId, 24)
    first.library.touchServed(mediaId)
    expect(first.library.get(mediaId)?.uploadedBytes).toBe(1024)
    await first.close()
    const second = await open()
    expect(second.library.get(mediaId)).toMatchObject({
      uploadedBytes: 1024,
      lastServedAtMs: expect.any(Number) as number,
    })
  })

  it('keeps the seed switch and tells who listens, once per moment', async () => {
    const { add, library } = await open()
    const { mediaId } = (await add({ data: 'switch' })).row
    const told: string[][] = []
    await new Promise((resolve) => setImmediate(resolve))
    library.onChange((ids) => told.push(ids))
    library.setSeedingWanted([mediaId], false)
    library.setSeedingWanted([mediaId], false)
    await until(library, () => told.length > 0)
    expect(told).toEqual([[mediaId]])
    expect([...library.seeding()]).toEqual([])
  })
})

describe('manifest versions', () => {
  it('adds a version beside the others, never rewriting one', async () => {
    const { add, library } = await open()
    const { mediaId } = (await add({ data: 'versions', accessLevel: 'private' })).row
    const v1 = await library.manifest(mediaId)
    const before = await fs.readFile(itemPath(mediaId, 'manifests/1.json'))
    const { manifest, metainfo } = manifestFor({ data: 'versions', name: 'new name' }, v1)
    const row = await library.addManifestVersion(mediaId, manifest, metainfo)
    expect(row).toMatchObject({ manifestVersion: 2, accessLevel: 'public', name: 'new name' })
    expect(row.infoHash).toHaveLength(40)
    expect(library.outbox.pending(mediaId)).toMatchObject([{ step: 'seed' }])
    expect(await fs.readFile(itemPath(mediaId, 'manifests/1.json'))).toEqual(before)
    expect(await library.manifestVersion(mediaId, 2)).toEqual(await library.manifest(mediaId))
    await expect(library.manifestVersion(mediaId, 3)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const back = manifestFor({ data: 'versions', accessLevel: 'private' }, manifest)
    expect(await library.addManifestVersion(mediaId, back.manifest)).not.toHaveProperty('infoHash')
    expect(await tree(itemPath(mediaId))).not.toContain('media.torrent')
  })

  it('refuses a version that does not follow', async () => {
    const { add, library } = await open()
    const { mediaId } = (await add({ data: 'chain' })).row
    const { manifest, metainfo } = manifestFor({ data: 'chain', name: 'another first' })
    await expect(library.addManifestVersion(mediaId, manifest, metainfo)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    })
    expect(library.get(mediaId)?.name).toBe('a file.txt')
  })

  it('restores a damaged newest manifest from the kept version and says so', async () => {
    const { add, library, notices } = await open()
    const { mediaId } = (await add({ data: 'damaged manifest' })).row
    await fs.writeFile(itemPath(mediaId, 'manifest.json'), '{"id":')
    expect(await library.manifest(mediaId)).toMatchObject({ id: mediaId, version: 1 })
    expect(notices.map(({ code }) => code)).toEqual(['MANIFEST_INVALID'])
    expect(await library.manifest(mediaId)).toMatchObject({ version: 1 })
    const aside = await tree(path.join(home.mediaDir, '.damaged'))
    expect(aside.some((name) => name.endsWith(`${mediaId}/manifest.json`))).toBe(true)
  })

  it('makes a damaged or missing torrent file again from the bytes and says so', async () => {
    const { add, library, notices } = await open()
    const { mediaId, infoHash } = (await add({ data: 'damaged torrent' })).row
    await fs.writeFile(itemPath(mediaId, 'media.torrent'), 'garbage')
    expect(await library.metainfo(mediaId)).toBeNull()
    await library.verified()
    expect(Buffer.from((await library.metainfo(mediaId)) ?? []).toString()).toBe(`torrent of ${infoHash}\n`)
    await fs.rm(itemPath(mediaId, 'media.torrent'))
    expect(await library.metainfo(mediaId)).toBeNull()
    await library.verified()
    expect(await library.metainfo(mediaId)).not.toBeNull()
    expect(notices.map(({ code }) => code)).toEqual(['METAINFO_INVALID', 'METAINFO_INVALID'])
    expect(library.get(mediaId)?.fileState).toBe('ok')
  })
})

it('writes seeder.json for other tools', async () => {
  const first = await open()
  const { mediaId, infoHash } = (await first.add({ data: 'mapped' })).row
  await first.add({ data: 'private', accessLevel: 'private' })
  await first.close()
  const map: unknown = JSON.parse(await fs.readFile(path.join(home.mediaDir, 'seeder.json'), 'utf8'))
  expect(map).toEqual({ [infoHash ?? '']: mediaId })
})
