import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { openDatabase, TransferStore } from '../../../app/library/index.ts'
import type { Db, TransferChange } from '../../../app/library/index.ts'
import { silentLog } from '../../../app/ports/log.ts'

let dir: string
let db: Db
let nowMs = 1000
const clock = { nowMs: () => nowMs++ }

beforeEach(async () => {
  dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-transfers-'))
  db = openDatabase(path.join(dir, 'sower.db'), { log: silentLog, clock })
  vi.useFakeTimers()
})
afterEach(async () => {
  vi.useRealTimers()
  db.close()
  await fs.rm(dir, { recursive: true })
})

/** What a process that starts now would find. */
const afterCrash = (): TransferStore => new TransferStore({ db, clock })

it('keeps what was begun across a crash: active ones are queued again, paused ones stay paused', () => {
  const store = new TransferStore({ db, clock })
  const active = store.create({ kind: 'add', name: 'active' })
  const paused = store.create({ kind: 'get', name: 'paused' })
  const done = store.create({ kind: 'get', name: 'done' })
  store.update(active.id, { state: 'active', rateBytesPerSec: 5, etaMs: 7 })
  store.update(paused.id, { state: 'paused' })
  store.update(done.id, { state: 'done' })
  store.setPayload(paused.id, { bitfield: 'abc' })
  const again = afterCrash()
  expect(again.list().map(({ name, state }) => [name, state])).toEqual([
    ['done', 'done'],
    ['paused', 'paused'],
    ['active', 'queued'],
  ])
  expect(again.get(active.id)).not.toHaveProperty('etaMs')
  expect(again.listUnfinished().map(({ name }) => name)).toEqual(['active', 'paused'])
  expect(again.payload(paused.id)).toEqual({ bitfield: 'abc' })
  expect(again.payload(active.id)).toBeUndefined()
})

it('writes progress at most once a second', () => {
  const store = new TransferStore({ db, clock })
  const { id } = store.create({ kind: 'add', name: 'progress' })
  const stored = (): number =>
    (JSON.parse(String(db.sql.prepare('SELECT body FROM transfers').pluck().get())) as { bytesDone: number })
      .bytesDone
  for (let bytesDone = 1; bytesDone <= 100; bytesDone++) store.update(id, { bytesDone })
  expect(store.get(id)?.bytesDone).toBe(100)
  expect(stored()).toBe(0)
  vi.advanceTimersByTime(1000)
  expect(stored()).toBe(100)
  store.update(id, { bytesDone: 101 }, { persist: true })
  expect(stored()).toBe(101)
  store.update(id, { bytesDone: 102 })
  store.stop()
  expect(stored()).toBe(102)
})

it('tells the changes of a moment together', () => {
  const store = new TransferStore({ db, clock })
  const told: TransferChange[] = []
  store.onChange((change) => told.push(change))
  const a = store.create({ kind: 'add', name: 'a' })
  const b = store.create({ kind: 'add', name: 'b' })
  for (let n = 0; n < 10; n++) store.update(a.id, { bytesDone: n })
  store.update(b.id, { state: 'cancelled' })
  store.dismiss(b.id)
  vi.advanceTimersByTime(100)
  expect(told).toEqual([{ changed: [a.id], removed: [b.id] }])
})

it('dismisses finished transfers only', () => {
  const store = new TransferStore({ db, clock })
  const going = store.create({ kind: 'add', name: 'going' })
  const error = { code: 'DISK_FULL', message: 'full' }
  store.update(store.create({ kind: 'add', name: 'failed' }).id, { state: 'failed', error })
  store.update(store.create({ kind: 'add', name: 'done' }).id, { state: 'done' })
  expect(() => store.dismiss(going.id)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  expect(() => store.dismiss('nothing')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  expect(() => store.update('nothing', {})).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  store.dismiss()
  expect(
    afterCrash()
      .list()
      .map(({ name }) => name),
  ).toEqual(['going'])
})

it('takes fields away when told `undefined`', () => {
  const store = new TransferStore({ db, clock })
  const { id } = store.create({ kind: 'get', name: 'x', error: { code: 'TIMEOUT', message: 'late' } })
  expect(store.update(id, { error: undefined })).not.toHaveProperty('error')
  expect(afterCrash().get(id)).not.toHaveProperty('error')
})

it('leaves out rows it cannot read', () => {
  new TransferStore({ db, clock }).create({ kind: 'add', name: 'good' })
  const insert = db.sql.prepare(
    'INSERT INTO transfers (id, kind, state, created_at_ms, body) VALUES (?, ?, ?, 0, ?)',
  )
  insert.run('1', 'add', 'queued', '{')
  insert.run('2', 'add', 'queued', '{"id":"2"}')
  expect(
    afterCrash()
      .list()
      .map(({ name }) => name),
  ).toEqual(['good'])
})

it('puts many on the list at once, with what they need after a crash', () => {
  const store = new TransferStore({ db, clock })
  const made = store.createAll(
    ['one', 'two'].map((name) => ({ transfer: { kind: 'add', name }, payload: { path: `/${name}` } })),
  )
  const again = afterCrash()
  expect(again.listUnfinished().map(({ name }) => name)).toEqual(['one', 'two'])
  expect(made.map(({ id }) => again.payload(id))).toEqual([{ path: '/one' }, { path: '/two' }])
})
