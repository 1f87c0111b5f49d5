import fs from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { TransferStore } from '../../app/library/index.ts'
import { openLibrary, sha256 } from '../integration/library/fixture.ts'
import type { Opened } from '../integration/library/fixture.ts'
import { canMount, fillDataDrive, fillDrive, mountDrive } from '../support/small-drive.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A library and its database on one drive. */
async function setUp(sizeMiB: number) {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const drive = dir.file('drive')
  mountDrive(drive, sizeMiB)
  const home = { dataDir: drive, mediaDir: path.join(drive, 'media') }
  const node = await openLibrary(home)
  let isOpen = true
  const close = async (): Promise<void> => {
    if (isOpen) await node.close()
    isOpen = false
  }
  onTestFinished(close)
  const transfers = new TransferStore({ db: node.db, clock: { nowMs: () => Date.now() } })
  const names = ['removed', 'taken back', 'thrown away', 'kept']
  for (const data of names) await node.add({ data })
  return { drive, home, node, transfers, close, ids: names.map((name) => sha256(name)) }
}

async function removeAndTakeBack({ library }: Opened, ids: readonly string[]): Promise<void> {
  const [removed = '', takenBack = '', thrownAway = ''] = ids
  expect((await library.remove([removed, takenBack])).removed).toEqual([removed, takenBack])
  expect((await library.restore([takenBack])).restored).toEqual([takenBack])
  await library.removeForGood(thrownAway)
  await library.sweepTrash()
}

function expectDone({ library }: Opened, ids: readonly string[]): void {
  const [removed = '', takenBack = '', thrownAway = '', kept = ''] = ids
  const stateOf = (mediaId: string): unknown => {
    const row = library.get(mediaId, { isTrashIncluded: true })
    return row === undefined ? undefined : [row.fileState, row.trashedAtMs !== undefined]
  }
  expect([removed, takenBack, thrownAway, kept].map((id) => stateOf(id))).toEqual([
    ['ok', true],
    ['ok', false],
    undefined,
    ['ok', false],
  ])
}

test.runIf(canMount)('removing, taking back and clearing the list work on a full disk', async () => {
  const { drive, home, node, transfers, close, ids } = await setUp(90)
  const done = transfers.create({ kind: 'get', name: 'done', state: 'done' })
  const failed = transfers.create({ kind: 'add', name: 'failed', state: 'failed' })
  const going = transfers.create({ kind: 'get', name: 'going on', state: 'active' })
  node.db.keepRoom()
  const makeRoom = fillDataDrive(drive, transfers)
  expect(() => transfers.create({ kind: 'get', name: 'one more' })).toThrow()
  await removeAndTakeBack(node, ids)
  transfers.dismiss(done.id)
  transfers.update(going.id, { state: 'cancelled' })
  transfers.dismiss()
  makeRoom()
  transfers.stop()
  await close()

  const again = await openLibrary(home)
  onTestFinished(() => again.close())
  expectDone(again, ids)
  const left = new TransferStore({ db: again.db, clock: { nowMs: () => Date.now() } })
  expect([done, failed, going].map(({ id }) => left.get(id))).toEqual([undefined, undefined, undefined])
})

test.runIf(canMount)('they also work where no room was kept, in what the log has', async () => {
  const { drive, node, transfers, ids } = await setUp(8)
  const { id } = transfers.create({ kind: 'get', name: 'x' })
  node.db.keepRoom()
  fillDrive(drive)
  for (let etaMs = 1; etaMs < 5000; etaMs += 1) {
    try {
      transfers.update(id, { etaMs }, { persist: true })
    } catch {
      break
    }
  }
  await removeAndTakeBack(node, ids)
  expectDone(node, ids)
})

test.runIf(canMount)('the room that was given up is kept again when there is plenty', async () => {
  const { drive, node, transfers, ids } = await setUp(90)
  const keptBytes = (): number | undefined =>
    fs.statSync(path.join(drive, 'sower.db.reserve'), { throwIfNoEntry: false })?.size
  node.db.keepRoom()
  const size = keptBytes()
  expect(size).toBeGreaterThan(4 * 1024 * 1024)
  transfers.create({ kind: 'get', name: 'x' })
  const makeRoom = fillDataDrive(drive, transfers)
  await node.library.remove(ids)
  expect(keptBytes()).toBeUndefined()
  // Not while it would be missed.
  node.db.keepRoom()
  expect(keptBytes()).toBeUndefined()
  makeRoom()
  node.db.keepRoom()
  expect(keptBytes()).toBe(size)
})
