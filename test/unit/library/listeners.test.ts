import { mkdir, readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { MediaFolder, openDatabase } from '../../../app/library/index.ts'
import { Changes } from '../../../app/library/changes.ts'
import { ItemStore } from '../../../app/library/item-store.ts'
import { SeederMap } from '../../../app/library/seeder-map.ts'
import { systemClock as clock } from '../../../app/ports/clock.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { tempDir } from '../../support/temp-dir.ts'

test('a listener that fails hides no change from the others', async () => {
  const changes = new Changes(log)
  const told: string[][] = []
  changes.onChange(() => {
    throw new Error('the disk is full')
  })
  changes.onChange((mediaIds) => void told.push(mediaIds))
  changes.add(['a', 'b'])
  await new Promise((resolve) => setImmediate(resolve))
  expect(told).toEqual([['a', 'b']])
})

test('a listener that fails hides no state of the media folder from the others, nor from who asks', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const folder = new MediaFolder({ dir: dir.file('media'), log, clock })
  onTestFinished(() => folder.close())
  const told: string[] = []
  folder.onState(() => {
    throw new Error('the disk is full')
  })
  folder.onState((state) => void told.push(state))
  await folder.open()
  expect(await folder.refresh()).toBe('ok')
  expect(told).toEqual(['ok'])
})

test('the map for other tools is written after the database could not be read for a while', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  await mkdir(dir.file('media'))
  const db = openDatabase(dir.file('sower.db'), { log, clock })
  onTestFinished(() => db.close())
  const folder = new MediaFolder({ dir: dir.file('media'), log, clock })
  await folder.open()
  onTestFinished(() => folder.close())
  const map = new SeederMap({ items: new ItemStore(db), folder, log })
  db.sql.exec('ALTER TABLE items RENAME TO away')
  map.changed()
  await map.flush()
  db.sql.exec('ALTER TABLE away RENAME TO items')
  await map.flush()
  expect(JSON.parse(await readFile(dir.file('media/seeder.json'), 'utf8'))).toEqual({})
})
