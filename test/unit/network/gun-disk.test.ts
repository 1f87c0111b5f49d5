import { writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GunDisk, type DiskValue } from '../../../app/network/gun-disk.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const MIB = 1024 * 1024
const ALL = { limit: MIB }
let dir: TempDir
let disk: GunDisk
beforeEach(async () => {
  dir = await tempDir()
  disk = new GunDisk(dir.file('gun'), MIB)
})
afterEach(async () => {
  disk.close()
  await dir[Symbol.asyncDispose]()
})

function keep(soul: string, key: string, value: DiskValue['value'], state = 1): void {
  disk.put({ soul, key, value, state }, () => undefined)
}

function reopen(maxBytes = MIB): void {
  disk.close()
  disk = new GunDisk(dir.file('gun'), maxBytes)
}

test('gives back what was put, of every type, at once and after a restart', async () => {
  const done = new Promise((resolve) => disk.put({ soul: 'a', key: 'text', value: 'é', state: 1.5 }, resolve))
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
  expect(await done).toBeUndefined()
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

test('begins anew when it has grown too large, or cannot be read', () => {
  keep('a', 'x', 'y'.repeat(100_000))
  reopen(50_000)
  expect(disk.get({ soul: 'a', ...ALL })).toBeUndefined()
  keep('a', 'x', 'y')
  disk.close()
  writeFileSync(dir.file('gun/graph.db'), 'this is no database, but it was written where one should be')
  disk = new GunDisk(dir.file('gun'), MIB)
  expect(disk.get({ soul: 'a', ...ALL })).toBeUndefined()
  keep('a', 'x', 'again')
  expect(disk.get({ soul: 'a', ...ALL })?.['a']).toMatchObject({ x: 'again' })
})
