import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Home, Opened } from './fixture.ts'
import { makeHome, openLibrary, sha256, tree } from './fixture.ts'

const DAY_MS = 24 * 60 * 60 * 1000
let home: Home
let opened: Opened[] = []
let nowMs = Date.UTC(2026, 0, 1)

beforeEach(async () => {
  home = await makeHome()
  opened = []
})
afterEach(async () => {
  for (const one of opened) await one.close()
  await home.remove()
})

async function open(): Promise<Opened> {
  const one = await openLibrary(home, { nowMs: () => nowMs })
  opened.push(one)
  return one
}

/** As a node that runs on sees it: the clock moves day by day, the trash is looked at each day. */
async function passDays({ library }: Opened, days: number): Promise<number> {
  let swept = 0
  for (let day = 0; day < days; day++) {
    nowMs += DAY_MS
    swept += await library.sweepTrash()
  }
  return swept
}

const inTrash = (mediaId: string) => path.join(home.mediaDir, '.trash', mediaId)
const inPlace = (mediaId: string) => path.join(home.mediaDir, mediaId)

it('moves an item to the trash and back as it was', async () => {
  const { add, library } = await open()
  const { mediaId, ...row } = (await add({ data: 'removed' })).row
  library.addUploaded(mediaId, 5)
  const files = await tree(inPlace(mediaId))
  expect(await library.remove([mediaId, mediaId, sha256('unknown')])).toEqual({
    removed: [mediaId],
    restorableUntilMs: nowMs + 30 * DAY_MS,
  })
  expect(library.get(mediaId)).toBeUndefined()
  expect(library.get(mediaId, { isTrashIncluded: true })).toMatchObject({ trashedAtMs: nowMs })
  expect(library.list()).toMatchObject({ total: 0, counts: { all: 0 } })
  expect(library.find({ infoHash: row.infoHash ?? '' })).toBeUndefined()
  expect([...library.seeding()]).toEqual([])
  expect(library.outbox.pending()).toEqual([])
  await expect(library.openForServing(mediaId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await tree(inTrash(mediaId))).toEqual(files)

  expect(await library.restore([mediaId, sha256('unknown')])).toEqual({ restored: [mediaId] })
  expect(library.get(mediaId)).toEqual({ mediaId, ...row, uploadedBytes: 5 })
  expect((await library.openForServing(mediaId)).sizeBytes).toBe(7)
  expect(library.outbox.pending()).toMatchObject([{ mediaId, step: 'seed' }])
})

it('throws away after 30 days, not before', async () => {
  const node = await open()
  const { mediaId } = (await node.add({ data: 'old' })).row
  await node.library.remove([mediaId])
  expect(await passDays(node, 29)).toBe(0)
  expect(await tree(inTrash(mediaId))).toContain('original')
  expect(await passDays(node, 2)).toBe(1)
  expect(await tree(path.join(home.mediaDir, '.trash'))).toEqual([])
  expect(await node.library.restore([mediaId])).toEqual({ restored: [] })
})

it('does not throw away what is being taken back at that moment', async () => {
  const node = await open()
  const [old, wanted] = [await node.add({ data: 'old' }), await node.add({ data: 'wanted again' })]
  await node.library.remove([old.row.mediaId, wanted.row.mediaId])
  await passDays(node, 29)
  nowMs += 2 * DAY_MS
  const { mediaId } = wanted.row
  expect(await Promise.all([node.library.sweepTrash(), node.library.restore([mediaId])])).toEqual([
    1,
    { restored: [mediaId] },
  ])
  expect((await node.library.openForServing(mediaId)).sizeBytes).toBe(12)
})

describe('an item whose place in the trash can’t be made', () => {
  /** Something lies where it would go, and can’t be moved out of the way. */
  async function obstruct(mediaId: string): Promise<void> {
    await fs.mkdir(path.join(inTrash(mediaId), 'left'), { recursive: true })
    await fs.writeFile(path.join(home.mediaDir, '.damaged'), 'no folder')
  }

  it('stays where it is, and those removed before it are told of', async () => {
    const node = await open()
    const { mediaId: first } = (await node.add({ data: 'first' })).row
    const { mediaId: second } = (await node.add({ data: 'second' })).row
    await obstruct(second)
    const told = new Promise<string[]>((resolve) => node.library.onChange(resolve))
    await expect(node.library.remove([first, second])).rejects.toMatchObject({ code: 'ENOTDIR' })
    expect(await told).toContain(first)
    expect(node.library.get(first)).toBeUndefined()
    expect((await node.library.openForServing(second)).sizeBytes).toBe(6)
    expect(await tree(inTrash(second))).toEqual(['left'])
  })

  it('keeps no node from starting', async () => {
    const before = await open()
    const { mediaId } = (await before.add({ data: 'half removed' })).row
    const other = (await before.add({ data: 'another one' })).row.mediaId
    before.db.sql.prepare('UPDATE items SET trashed_at_ms = ? WHERE media_id = ?').run(nowMs, mediaId)
    await before.close()
    await obstruct(mediaId)
    const { library, notices } = await open()
    expect((await library.openForServing(other)).sizeBytes).toBe(11)
    expect(await tree(inPlace(mediaId))).toContain('original')
    expect(notices.map(({ code }) => code)).toEqual(['FOLDER_UNREADABLE'])
    expect(notices[0]?.hint).toContain(mediaId)
  })
})

it('throws nothing away on the word of a clock that jumped', async () => {
  const node = await open()
  const { mediaId } = (await node.add({ data: 'clock' })).row
  await node.library.remove([mediaId])
  nowMs += 3650 * DAY_MS
  expect(await node.library.sweepTrash()).toBe(0)
  expect(await node.library.restore([mediaId])).toEqual({ restored: [mediaId] })
  nowMs -= 3650 * DAY_MS
})

it('brings an item back when the same bytes are added again', async () => {
  const { add, library } = await open()
  const { mediaId } = (await add({ data: 'again' })).row
  await library.remove([mediaId])
  expect(await add({ data: 'again', jobId: 'second' })).toMatchObject({ isDuplicate: true, row: { mediaId } })
  expect((await library.openForServing(mediaId)).sizeBytes).toBe(5)
  expect(await tree(path.join(home.mediaDir, '.incoming'))).toEqual([])
})

describe('after a crash', () => {
  it('between row and folder, the folder follows the row', async () => {
    const first = await open()
    const removed = (await first.add({ data: 'being removed' })).row.mediaId
    const restored = (await first.add({ data: 'being restored' })).row.mediaId
    await first.library.remove([restored])
    first.db.sql.prepare('UPDATE items SET trashed_at_ms = ? WHERE media_id = ?').run(nowMs, removed)
    first.db.sql.prepare('UPDATE items SET trashed_at_ms = NULL WHERE media_id = ?').run(restored)
    await first.close()
    const { library } = await open()
    expect(library.list().rows.map(({ mediaId, fileState }) => [mediaId, fileState])).toEqual([
      [restored, 'ok'],
    ])
    expect(await tree(inTrash(removed))).toContain('original')
    expect(await tree(inPlace(restored))).toContain('original')
  })

  it('while emptying, what is half gone never comes back as an item', async () => {
    const first = await open()
    const { mediaId } = (await first.add({ data: 'half gone' })).row
    await first.library.remove([mediaId])
    await first.close()
    await fs.rename(inTrash(mediaId), `${inTrash(mediaId)}.emptying`)
    await fs.rm(`${inTrash(mediaId)}.emptying/manifest.json`)
    const { library } = await open()
    expect(await tree(path.join(home.mediaDir, '.trash'))).toEqual([])
    expect(library.list().total).toBe(0)
  })
})

it('finds the trash again when the database is made anew', async () => {
  const first = await open()
  const { mediaId } = (await first.add({ data: 'trashed before' })).row
  await first.library.remove([mediaId])
  await first.close()
  await fs.rm(home.dataDir, { recursive: true })
  const { library } = await open()
  expect(library.list().total).toBe(0)
  expect(await library.restore([mediaId])).toEqual({ restored: [mediaId] })
  await library.verified()
  expect((await library.openForServing(mediaId)).sizeBytes).toBe(14)
})

describe('a damaged database', () => {
  it('is made again from the media folder, with nothing lost and the user told', async () => {
    const first = await open()
    const ids = []
    for (const data of ['one', 'two', 'three']) ids.push((await first.add({ data, name: data })).row.mediaId)
    await first.close()
    await fs.writeFile(path.join(home.dataDir, 'sower.db'), 'no database at all '.repeat(500))
    const { library, notices, db } = await open()
    await library.verified()
    expect(
      library.list({ sort: 'name', direction: 'asc' }).rows.map(({ name, fileState }) => [name, fileState]),
    ).toEqual([
      ['one', 'ok'],
      ['three', 'ok'],
      ['two', 'ok'],
    ])
    expect(notices.map(({ code }) => code)).toEqual(['DATABASE_CORRUPT', 'ITEMS_FOUND'])
    expect(db.needsRebuild).toBe(false)
  })

  it('while the drive is away waits for it rather than starting an empty library', async () => {
    const first = await open()
    await first.add({ data: 'on the drive' })
    await first.close()
    await fs.writeFile(path.join(home.dataDir, 'sower.db'), 'garbage '.repeat(1000))
    await fs.rename(home.mediaDir, `${home.mediaDir}-away`)
    await fs.mkdir(home.mediaDir)
    const second = await open()
    expect(second.folder.state()).toBe('offline')
    await second.close()
    expect(await fs.readdir(home.mediaDir)).toEqual([])
    await fs.rmdir(home.mediaDir)
    await fs.rename(`${home.mediaDir}-away`, home.mediaDir)
    const third = await open()
    await third.library.verified()
    expect(third.library.list().total).toBe(1)
  })
})

it('leaves no key of what is thrown away for good, also none in a draft that a crash has left', async () => {
  const { library, add } = await open()
  const { mediaId } = (await add({ data: 'gone for good' })).row
  const other = (await add({ data: 'stays' })).row.mediaId
  const wallet = path.join(home.mediaDir, '.kept', 'a'.repeat(32))
  await fs.mkdir(wallet, { recursive: true })
  for (const name of [mediaId, `${mediaId}.0123456789ab.tmp`, other, 'contacts'])
    await fs.writeFile(path.join(wallet, name), 'sealed')
  await library.removeForGood(mediaId)
  expect((await fs.readdir(wallet)).toSorted()).toEqual([other, 'contacts'].toSorted())
})
