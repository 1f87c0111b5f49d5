import { execFile } from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDataDir, openDatabase } from '../../../app/library/index.ts'
import type { Db } from '../../../app/library/index.ts'
import { MIGRATIONS } from '../../../app/library/migrations.ts'
import { silentLog } from '../../../app/ports/log.ts'

let dir: string
let file: string
let opened: Db[]

beforeEach(async () => {
  dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-db-'))
  file = path.join(dir, 'data', 'sower.db')
  opened = []
})
afterEach(async () => {
  for (const db of opened) db.close()
  await fs.rm(dir, { recursive: true })
})

function open(migrations?: readonly string[]): Db {
  const clock = { nowMs: () => Date.UTC(2026, 10, 22, 12) }
  const db = openDatabase(file, {
    log: silentLog,
    clock,
    ...(migrations === undefined ? {} : { migrations }),
  })
  opened.push(db)
  return db
}

const names = async () => (await fs.readdir(path.dirname(file))).toSorted()
const damagedName = 'sower.db.damaged-2026-11-22T12-00-00.000Z'

describe('opening', () => {
  it('makes a new database with the settings that make it last', () => {
    const { sql, needsRebuild, notices } = open()
    const pragma = (name: string): unknown => sql.pragma(name, { simple: true })
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('synchronous')).toBe(2)
    expect(pragma('foreign_keys')).toBe(1)
    expect(pragma('busy_timeout')).toBe(5000)
    expect(pragma('user_version')).toBe(MIGRATIONS.length)
    expect(needsRebuild).toBe(false)
    expect(notices).toEqual([])
  })

  it('finds again what was written, and removes what a killed start left half-made', async () => {
    const first = open()
    first.setMeta('a', 'b')
    first.close()
    await fs.writeFile(`${file}.new`, 'half')
    await fs.writeFile(`${file}.before-v9-x.tmp`, 'half')
    expect(open().getMeta('a')).toBe('b')
    expect((await names()).filter((name) => !/-(wal|shm)$/.test(name))).toEqual(['sower.db'])
  })

  it('refuses a database of a newer version without writing a byte', async () => {
    open([...MIGRATIONS, 'CREATE TABLE later (x)']).close()
    const before = await fs.readFile(file)
    const { mtimeMs } = await fs.stat(file)
    expect(() => open()).toThrow(expect.objectContaining({ code: 'DATABASE_NEWER' }))
    expect(await fs.readFile(file)).toEqual(before)
    expect((await fs.stat(file)).mtimeMs).toBe(mtimeMs)
    expect(await names()).toEqual(['sower.db'])
  })

  it('says who can’t be waited for when another program holds the database', () => {
    open().close()
    const other = new Database(file)
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    try {
      const clock = { nowMs: () => 0 }
      expect(() => openDatabase(file, { log: silentLog, clock, busyTimeoutMs: 20 })).toThrow(
        expect.objectContaining({ code: 'UNAVAILABLE' }),
      )
    } finally {
      other.close()
    }
  })
})

describe('upgrading', () => {
  const next = [...MIGRATIONS, "CREATE TABLE later (x); INSERT INTO later VALUES ('new')"]

  it('keeps a copy of the old database beside the upgraded one', async () => {
    const old = open()
    old.setMeta('a', 'b')
    old.close()
    const upgraded = open(next)
    expect(upgraded.sql.prepare('SELECT x FROM later').pluck().get()).toBe('new')
    const backup = (await names()).find((name) =>
      name.startsWith(`sower.db.before-v${MIGRATIONS.length + 1}-`),
    )
    const copy = new Database(path.join(path.dirname(file), backup ?? 'none'), { readonly: true })
    expect(copy.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length)
    expect(copy.prepare("SELECT value FROM meta WHERE key = 'a'").pluck().get()).toBe('b')
    copy.close()
  })

  it('leaves the old schema whole when a step fails', () => {
    open().close()
    expect(() => open([...MIGRATIONS, 'CREATE TABLE later (x); INSERT INTO nowhere VALUES (1)'])).toThrow(
      /nowhere/,
    )
    const { sql } = open()
    expect(sql.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length)
    expect(sql.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'later'").get()).toBeUndefined()
  })

  it('keeps the three newest copies', async () => {
    open().close()
    for (let n = 0; n < 4; n++) await fs.writeFile(`${file}.before-v1-${n}`, '')
    open(next)
    expect((await names()).filter((name) => name.includes('.before-'))).toHaveLength(3)
  })
})

describe('a damaged database', () => {
  const bigTable = (db: Db): void => {
    const insert = db.sql.prepare('INSERT INTO meta (key, value) VALUES (?, ?)')
    db.write(() => {
      for (let n = 0; n < 2000; n++) insert.run(`key ${n}`, 'x'.repeat(100))
    })
  }

  it.each([
    ['its header is overwritten', async () => fs.writeFile(file, Buffer.alloc(8192, 7))],
    ['it is empty', async () => fs.truncate(file, 0)],
    ['it is cut short', async () => fs.truncate(file, 20_000)],
    [
      'pages in its middle are overwritten',
      async () => {
        const handle = await fs.open(file, 'r+')
        await handle.write(Buffer.alloc(40_000, 0xa5), 0, 40_000, 40_960)
        await handle.close()
      },
    ],
    [
      'it is somebody else’s',
      async () => {
        await fs.rm(file)
        new Database(file).exec('CREATE TABLE x (y)').close()
      },
    ],
  ])('is moved aside and said when %s', async (_what, damage) => {
    const first = open()
    bigTable(first)
    first.close()
    await damage()
    const { needsRebuild, notices, sql } = open()
    expect(needsRebuild).toBe(true)
    expect(notices).toMatchObject([{ code: 'DATABASE_CORRUPT' }])
    expect(notices[0]?.hint).toContain(damagedName)
    expect(sql.prepare('SELECT count(*) FROM items').pluck().get()).toBe(0)
    expect(await names()).toContain(damagedName)
  })

  it('takes its log and index along, so that they never meet the new one', async () => {
    const child = `
      const { openDatabase } = await import(${JSON.stringify(new URL('../../../app/library/index.ts', import.meta.url).href)})
      const log = { child: () => log, info() {}, warn() {}, error() {}, debug() {} }
      openDatabase(process.argv[1], { log, clock: { nowMs: Date.now } }).setMeta('in the', 'log')
      process.kill(process.pid, 'SIGKILL')`
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', child, file]).catch(
      () => undefined,
    )
    expect(await names()).toEqual(['sower.db', 'sower.db-shm', 'sower.db-wal'])
    await fs.writeFile(file, Buffer.alloc(8192, 7))
    open().close()
    expect(await names()).toEqual(['sower.db', damagedName, `${damagedName}-shm`, `${damagedName}-wal`])
  })

  it('still counts as damaged after a start that was killed in between', async () => {
    open().close()
    await fs.rename(file, path.join(path.dirname(file), damagedName))
    expect(open().needsRebuild).toBe(true)
  })
})

describe('the lock of a data folder', () => {
  const lockInChild = async (): Promise<string> => {
    const child = `
      const { lockDataDir } = await import(${JSON.stringify(new URL('../../../app/library/index.ts', import.meta.url).href)})
      try { lockDataDir(process.argv[1]); console.log('locked') } catch (error) { console.log(error.code + ' ' + JSON.stringify(error.details)) }
      process.kill(process.pid, 'SIGKILL')`
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', child, dir])
    return run.then(
      ({ stdout }) => stdout.trim(),
      (error: unknown) => String((error as { stdout: string }).stdout).trim(),
    )
  }

  it('admits one process and names it to the others', async () => {
    const lock = lockDataDir(dir)
    expect(await lockInChild()).toBe(`NODE_ALREADY_RUNNING {"pid":${process.pid}}`)
    expect(() => lockDataDir(dir)).toThrow(expect.objectContaining({ code: 'NODE_ALREADY_RUNNING' }))
    lock.release()
    lock.release()
    expect(await lockInChild()).toBe('locked')
  })

  it('admits exactly one of many that start at once', async () => {
    const lock = lockDataDir(dir)
    const answers = await Promise.all(Array.from({ length: 4 }, lockInChild))
    expect(new Set(answers)).toEqual(new Set([`NODE_ALREADY_RUNNING {"pid":${process.pid}}`]))
    lock.release()
  })

  it('is not held by a process that was killed, whatever that left', async () => {
    expect(await lockInChild()).toBe('locked')
    await fs.writeFile(path.join(dir, 'lock.pid'), '1\n')
    lockDataDir(dir).release()
    await fs.writeFile(path.join(dir, 'lock.db'), 'garbage '.repeat(1000))
    lockDataDir(dir).release()
  })

  it('says so when the data folder cannot be made', async () => {
    await fs.writeFile(path.join(dir, 'file'), '')
    expect(() => lockDataDir(path.join(dir, 'file', 'data'))).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE' }),
    )
  })
})

describe('writing together', () => {
  const put = (db: Db, key: string, value: string): void => db.setMeta(key, value)

  it('gives each what it made, once all of the turn is on the disk', async () => {
    const db = open()
    const results = await Promise.all(
      ['a', 'b', 'c'].map((key) => db.writeTogether(() => (put(db, key, `${key}!`), key.toUpperCase()))),
    )
    expect(results).toEqual(['A', 'B', 'C'])
    expect(['a', 'b', 'c'].map((key) => db.getMeta(key))).toEqual(['a!', 'b!', 'c!'])
  })

  it('takes back only what failed', async () => {
    const db = open()
    const outcomes = await Promise.allSettled([
      db.writeTogether(() => put(db, 'first', '1')),
      db.writeTogether(() => {
        put(db, 'second', '2')
        throw new Error('no')
      }),
      db.writeTogether(() => put(db, 'third', '3')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(['first', 'second', 'third'].map((key) => db.getMeta(key))).toEqual(['1', undefined, '3'])
  })

  it('fails all when nothing can be written', async () => {
    const db = open()
    const writing = [db.writeTogether(() => put(db, 'a', '1')), db.writeTogether(() => put(db, 'b', '2'))]
    db.close()
    const outcomes = await Promise.allSettled(writing)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
