import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { openDatabase } from '../../../app/library/index.ts'
import { Outbox } from '../../../app/library/outbox.ts'
import type { Db } from '../../../app/library/index.ts'
import { silentLog } from '../../../app/ports/log.ts'

let dir: string
let db: Db
const clock = { nowMs: () => Date.now() }

beforeEach(async () => {
  dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-outbox-'))
  db = openDatabase(path.join(dir, 'sower.db'), { log: silentLog, clock })
  vi.useFakeTimers()
})
afterEach(async () => {
  vi.useRealTimers()
  db.close()
  await fs.rm(dir, { recursive: true })
})

const make = (): Outbox => new Outbox({ db, clock, log: silentLog })

it('does what was noted, once, and forgets it', async () => {
  const outbox = make()
  const done: string[] = []
  outbox.enqueue('a', 'seed')
  outbox.enqueue('a', 'seed')
  outbox.drain({ seed: (mediaId) => Promise.resolve(void done.push(mediaId)) })
  outbox.enqueue('b', 'seed')
  await vi.advanceTimersByTimeAsync(10)
  expect(done).toEqual(['a', 'b'])
  expect(outbox.pending()).toEqual([])
  await outbox.stop()
})

it('notes nothing when the transaction it was part of fails', () => {
  const outbox = make()
  expect(() =>
    db.write(() => {
      outbox.enqueue('a', 'seed')
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(outbox.pending()).toEqual([])
})

it('tries again ever later, marks the item after five failures, and clears the mark in the end', async () => {
  db.sql
    .exec(`INSERT INTO items (media_id, name, name_folded, mime, size_bytes, access_level, is_seeding_wanted, is_own,
    owner, created_at, added_at_ms, manifest_version, file_state, is_verified)
    VALUES ('a', '', '', '', 0, 'public', 1, 1, '', '', 0, 1, 'ok', 1)`)
  const failedStep = (): unknown => db.sql.prepare('SELECT failed_step FROM items').pluck().get()
  const outbox = make()
  const told: string[] = []
  outbox.onAttention((mediaId) => told.push(mediaId))
  let attempts = 0
  let isBroken = true
  const startedAtMs = Date.now()
  const attemptedAtMs: number[] = []
  outbox.drain({
    seed: () => {
      attempts += 1
      attemptedAtMs.push(Date.now() - startedAtMs)
      return isBroken ? Promise.reject(new Error('tracker down')) : Promise.resolve()
    },
  })
  outbox.enqueue('a', 'seed')
  await vi.advanceTimersByTimeAsync(40_000)
  expect(attempts).toBe(6)
  const waits = attemptedAtMs.slice(1).map((atMs, n) => atMs - (attemptedAtMs[n] ?? 0))
  for (const [n, waitMs] of waits.entries()) {
    expect(waitMs).toBeGreaterThanOrEqual(800 * 2 ** n)
    expect(waitMs).toBeLessThanOrEqual(1200 * 2 ** n + 50)
  }
  expect(failedStep()).toBe('seed')
  isBroken = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect(outbox.pending()).toEqual([])
  expect(failedStep()).toBeNull()
  expect(told).toEqual(['a', 'a'])
  await outbox.stop()
})

it('goes on after a restart with what was left, and drops steps of items that are gone', async () => {
  const first = make()
  first.enqueue('a', 'seed')
  first.enqueue('gone', 'seed')
  first.enqueue('a', 'publish')
  const second = make()
  const done: string[] = []
  second.drain({
    seed: (mediaId) => {
      if (mediaId === 'gone') return Promise.reject(new AppError('NOT_FOUND', 'gone'))
      done.push(mediaId)
      return Promise.resolve()
    },
  })
  await vi.advanceTimersByTimeAsync(10)
  expect(done).toEqual(['a'])
  expect(second.pending()).toMatchObject([{ mediaId: 'a', step: 'publish' }])
  await second.stop()
})

it('does nothing after it was stopped, and leaves an aborted step for the next start', async () => {
  const outbox = make()
  let isAborted = false
  outbox.enqueue('a', 'seed')
  outbox.drain({
    seed: (_mediaId, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          isAborted = true
          reject(new Error('aborted'))
        })
      }),
  })
  await vi.advanceTimersByTimeAsync(10)
  await outbox.stop()
  expect(isAborted).toBe(true)
  expect(outbox.pending()).toEqual([{ mediaId: 'a', step: 'seed', attempts: 0 }])
  outbox.enqueue('b', 'seed')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(outbox.pending()).toHaveLength(2)
})

it('works at four steps at once at most', async () => {
  const outbox = make()
  let running = 0
  let most = 0
  for (let n = 0; n < 20; n++) outbox.enqueue(`${n}`, 'seed')
  outbox.drain({
    seed: async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 10))
      running -= 1
    },
  })
  await vi.advanceTimersByTimeAsync(1000)
  expect(outbox.pending()).toEqual([])
  expect(most).toBe(4)
  await outbox.stop()
})

it('does not wait for years after the clock was wrong', async () => {
  const outbox = make()
  outbox.enqueue('a', 'seed')
  db.sql.exec('UPDATE outbox SET next_at_ms = next_at_ms + 300000000000')
  let isDone = false
  outbox.drain({ seed: () => Promise.resolve(void (isDone = true)) })
  await vi.advanceTimersByTimeAsync(61 * 60 * 1000)
  expect(isDone).toBe(true)
  await outbox.stop()
})

it('nor when the clock is put right while it works', async () => {
  const outbox = make()
  let attempts = 0
  outbox.drain({
    seed: () => {
      attempts += 1
      return attempts === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve()
    },
  })
  const nowMs = Date.now()
  vi.setSystemTime(nowMs + 10 * 365 * 24 * 60 * 60 * 1000)
  outbox.enqueue('a', 'seed')
  await vi.advanceTimersByTimeAsync(100)
  expect(attempts).toBe(1)
  vi.setSystemTime(nowMs)
  await vi.advanceTimersByTimeAsync(60 * 60 * 1000)
  expect(attempts).toBe(2)
  await outbox.stop()
})

it('does not run round and round while nothing can be written, and ends when it is told to', async () => {
  const outbox = make()
  let runs = 0
  outbox.enqueue('a', 'seed')
  outbox.drain({ seed: () => Promise.resolve(void (runs += 1)) })
  db.sql.pragma('busy_timeout = 0')
  const other = new Database(db.file)
  other.exec('BEGIN IMMEDIATE')
  await vi.advanceTimersByTimeAsync(500)
  expect(runs).toBe(1)
  expect(outbox.pending()).toHaveLength(1)
  await outbox.stop()
  other.close()
})

it('goes on when it could not read for a while what is due', async () => {
  const outbox = make()
  const done: string[] = []
  outbox.drain({ seed: (mediaId) => Promise.resolve(void done.push(mediaId)) })
  outbox.enqueue('a', 'seed')
  db.sql.exec('ALTER TABLE outbox RENAME TO away')
  await vi.advanceTimersByTimeAsync(30_000)
  expect(done).toEqual([])
  db.sql.exec('ALTER TABLE away RENAME TO outbox')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(done).toEqual(['a'])
  await outbox.stop()
})
