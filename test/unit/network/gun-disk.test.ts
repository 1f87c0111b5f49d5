import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GunDisk, type DiskState } from '../../../app/network/gun-disk.ts'
import type { DiskValue } from '../../../app/network/gun-store.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const MIB = 1024 * 1024
const ALL = { limit: MIB }
let dir: TempDir
let disk: GunDisk
let states: DiskState[]
beforeEach(async () => {
  dir = await tempDir()
  states = []
  disk = open()
})
afterEach(async () => {
  disk.close()
  await dir[Symbol.asyncDispose]()
})

function open({ maxBytes = MIB, reserveBytes = 0 } = {}): GunDisk {
  return new GunDisk({
    dir: dir.file('gun'),
    maxBytes,
    reserveBytes: () => reserveBytes,
    onState: (state) => states.push(state),
  })
}

function keep(soul: string, key: string, value: DiskValue['value'], state = 1, isOwn = true): void {
  disk.put({ soul, key, value, state, isOwn }, () => undefined)
}

function reopen(options: Parameters<typeof open>[0] = {}): void {
  disk.close()
  disk = open(options)
}

const sizeOfFiles = (): number =>
  ['graph.db', 'graph.db-wal', 'graph.db-shm'].reduce(
    (bytes, name) => bytes + (statSync(dir.file(`gun/${name}`), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )

test('gives back what was put, of every type, at once and after a restart', async () => {
  const done = new Promise((resolve) =>
    disk.put({ soul: 'a', key: 'text', value: 'é', state: 1.5, isOwn: true }, () => resolve('kept')),
  )
  keep('a', 'number', 0.1)
  keep('a', 'yes', true)
  keep('a', 'link', { '#': 'b' })
  keep('ab', 'text', 'another node, whose name begins alike')
  const node = {
    _: { '#': 'a', '>': { text: 1.5, number: 1, yes: 1, link: 1 } },
    text: 'é',
    number: 0.1,
    yes: true,
    link: { '#': 'b' },
  }
  expect(disk.get({ soul: 'a', ...ALL })).toEqual({ a: node })
  expect(await done).toBe('kept')
  reopen()
  expect(disk.get({ soul: 'a', ...ALL })).toEqual({ a: node })
  expect(disk.get({ soul: 'a', key: 'number', ...ALL })?.['a']).toMatchObject({ number: 0.1 })
  expect(disk.get({ soul: 'nothing', ...ALL })).toBeUndefined()
})

test('is never put back in time, and of two values of one time keeps the larger', () => {
  keep('a', 'x', 'b', 2)
  keep('a', 'x', 'z', 1)
  keep('a', 'x', 'a', 2)
  expect(disk.get({ soul: 'a', ...ALL })?.['a']).toMatchObject({ x: 'b' })
  keep('a', 'x', 'c', 2)
  expect(disk.get({ soul: 'a', ...ALL })?.['a']).toMatchObject({ x: 'c', _: { '>': { x: 2 } } })
})

test('gives lists in pages, by prefix, from a key on and from behind', () => {
  for (const key of ['aa', 'ab', 'ba', 'bb']) keep('list', key, { '#': key })
  const keysOf = (query: object): string[] =>
    Object.keys(disk.get({ soul: 'list', ...ALL, ...query })?.['list'] ?? {}).filter((key) => key !== '_')
  expect(keysOf({ key: { prefix: 'a' } })).toEqual(['aa', 'ab'])
  expect(keysOf({ key: { prefix: '', from: 'ab' } })).toEqual(['ab', 'ba', 'bb'])
  expect(keysOf({ key: { prefix: '', to: 'ab' } })).toEqual(['aa', 'ab'])
  expect(keysOf({ key: { prefix: '' }, limit: 18 })).toEqual(['aa', 'ab'])
  expect(keysOf({ key: { prefix: '' }, limit: 9, isReverse: true })).toEqual(['bb'])
})

test('gives all nodes whose names begin alike, and no others', () => {
  for (const soul of ['a:peers:1', 'a:peers:2', 'a:peers', 'b:peers:1']) keep(soul, 'x', soul)
  expect(Object.keys(disk.get({ soul: { prefix: 'a:peers:' }, ...ALL }) ?? {})).toEqual([
    'a:peers:1',
    'a:peers:2',
  ])
})

test('an answer is no larger than asked for, however much there is', () => {
  for (let n = 0; n < 50; n += 1) keep('a', `key${n}`, 'x'.repeat(1_000))
  expect(Object.keys(disk.get({ soul: 'a', limit: 10_000 })?.['a'] ?? {})).toHaveLength(11)
})

test('begins anew when it cannot be read, or is of another format', () => {
  expect(states).toEqual([{ isKeeping: true, isNew: true }])
  keep('a', 'x', 'y')
  reopen()
  expect(states.at(-1)).toEqual({ isKeeping: true, isNew: false })
  disk.close()
  for (const text of ['this is no database, but it was written where one should be', 'x'.repeat(50_000)]) {
    writeFileSync(dir.file('gun/graph.db'), text)
    disk = open()
    expect(states.at(-1)).toEqual({ isKeeping: true, isNew: true })
    expect(disk.get({ soul: 'a', ...ALL })).toBeUndefined()
    keep('a', 'x', 'again')
    expect(disk.get({ soul: 'a', ...ALL })?.['a']).toMatchObject({ x: 'again' })
    disk.close()
  }
  disk = open()
})

test('begins anew when a page behind the header turns out to be damaged, on reading as on writing', async () => {
  for (const how of ['reading', 'writing'] as const) {
    for (let n = 0; n < 200; n += 1) keep(`soul ${n}`, 'x', 'y'.repeat(500))
    disk.close()
    const { size } = statSync(dir.file('gun/graph.db'))
    const file = openSync(dir.file('gun/graph.db'), 'r+')
    writeSync(file, Buffer.alloc(size - 4096, 0xaa), 0, size - 4096, 4096)
    closeSync(file)
    disk = open()
    expect(states.at(-1)).toEqual({ isKeeping: true, isNew: false })
    if (how === 'reading') expect(disk.get({ soul: 'soul 7', ...ALL })).toBeUndefined()
    const kept = new Promise<void>((resolve) =>
      disk.put({ soul: 'b', key: 'x', value: 'kept', state: 2, isOwn: true }, resolve),
    )
    await kept
    expect(states.at(-1)).toEqual({ isKeeping: true, isNew: true })
    expect(disk.get({ soul: 'b', ...ALL })?.['b']).toMatchObject({ x: 'kept' })
    expect(readFileSync(dir.file('gun/graph.db')).subarray(0, 15).toString()).toBe('SQLite format 3')
  }
})

test('stays within its limit while it runs: what others wrote goes, the oldest first, and never what is ours', () => {
  for (let n = 0; n < 20; n += 1) keep(`own ${n}`, 'x', 'o'.repeat(2_000))
  let largest = 0
  for (let n = 0; n < 3_000; n += 1) {
    keep(`other ${n}`, 'x', 'y'.repeat(16_000), 1, false)
    if (n % 20 === 0) disk.flush()
    largest = Math.max(largest, sizeOfFiles())
  }
  // The log, and what comes with one flush.
  expect(largest).toBeLessThan(MIB + 4 * MIB)
  for (let n = 0; n < 20; n += 1) expect(disk.get({ soul: `own ${n}`, ...ALL })).toBeDefined()
  expect(disk.get({ soul: 'other 2999', ...ALL })).toBeDefined()
  expect(disk.get({ soul: 'other 0', ...ALL })).toBeUndefined()
  expect(states).toHaveLength(1)
})

test('what is ours may be more than the limit, and there is still room for something of others', () => {
  for (let n = 0; n < 200; n += 1) keep(`own ${n}`, 'x', 'o'.repeat(16_000))
  disk.flush()
  keep('other', 'x', 'y', 1, false)
  disk.flush()
  expect(disk.get({ soul: 'other', ...ALL })).toBeDefined()
  for (let n = 0; n < 200; n += 1) expect(disk.get({ soul: `own ${n}`, ...ALL })).toBeDefined()
  expect(disk.isKeeping).toBe(true)
})

test('keeps nothing of others when the drive has less free than it is to have', () => {
  reopen({ reserveBytes: Number.MAX_SAFE_INTEGER })
  let answers = 0
  disk.put({ soul: 'other', key: 'x', value: 1, state: 1, isOwn: false }, () => (answers += 1))
  keep('own', 'x', 1)
  disk.flush()
  expect(answers).toBe(0)
  expect(disk.refused).toBe(1)
  expect(disk.get({ soul: 'other', ...ALL })).toBeUndefined()
  expect(disk.get({ soul: 'own', ...ALL })).toBeDefined()
})

test('goes on in memory where there is no disk to write to, and on the disk when there is', () => {
  disk.close()
  writeFileSync(dir.file('gone'), 'a file where the folder should be')
  disk = new GunDisk({
    dir: dir.file('gone'),
    maxBytes: MIB,
    reserveBytes: () => 0,
    onState: (state) => states.push(state),
  })
  expect(disk.isKeeping).toBe(false)
  keep('a', 'x', 'y')
  expect(disk.get({ soul: 'a', ...ALL })?.['a']).toMatchObject({ x: 'y' })
  disk.tidy()
  expect(disk.isKeeping).toBe(false)
  rmSync(dir.file('gone'))
  disk.tidy()
  expect(states.at(-1)).toEqual({ isKeeping: true, isNew: true })
  keep('a', 'x', 'z', 2)
  expect(disk.get({ soul: 'a', ...ALL })?.['a']).toMatchObject({ x: 'z' })
})
